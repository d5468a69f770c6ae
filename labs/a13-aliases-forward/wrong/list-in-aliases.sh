# task: 3
# feedback: stand in /etc/aliases itself
#@ on ubu
echo 'verteiler1: {{vati}}, {{mutti}}' >> /etc/aliases
newaliases
echo test | mail -s test verteiler1
