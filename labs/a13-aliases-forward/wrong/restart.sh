# task: 2
# feedback: It need not be
#@ on ubu
echo 'neu: {{mutti}}' >> /etc/aliases
echo vorher | mail -s vorher neu
sleep 10
newaliases
postfix stop; sleep 2; postfix start
echo nachher | mail -s nachher neu
sleep 10
