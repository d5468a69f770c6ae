# task: 1
# feedback: the database has not
#@ on ubu
echo 'info: {{to}}' >> /etc/aliases
