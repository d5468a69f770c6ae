# task: 8
# feedback: an alias of root
#@ on ubu
echo 'user: \user, {{mutti}}' >> /etc/aliases
newaliases
