#@ task 1
#@ on ubu
echo 'info: {{to}}' >> /etc/aliases
newaliases
#@ task 2
echo 'neu: {{mutti}}' >> /etc/aliases
echo vorher | mail -s vorher neu
sleep 10
newaliases
echo nachher | mail -s nachher neu
sleep 10
#@ task 3
printf '{{vati}}\n{{mutti}}\n' > /etc/verteiler1
echo 'verteiler1: :include:/etc/verteiler1' >> /etc/aliases
newaliases
echo verteiler-test | mail -s test verteiler1@ubuntu
sleep 10
#@ task 4
echo '{{oma}}' >> /etc/verteiler1
#@ answer include-newaliases: no
#@ task 5
echo 'mail2file: /tmp/mail2file' >> /etc/aliases
newaliases
echo archiv | mail -s archiv mail2file
sleep 10
#@ answer owner from ubu: stat -c %U /tmp/mail2file
#@ task 6
cat >> /etc/aliases <<'X'
mail2command: "|/usr/local/bin/maileater.pl /tmp/mail2command"
X
newaliases
echo friss | mail -s friss mail2command
sleep 10
#@ task 7
chown nobody /srv/intake/box
#@ task 8
#@ on ubu as user
printf '\\user\n{{mutti}}\n' > ~/.forward
#@ task 9
#@ answer original from ubu: grep -h 'to=<verteiler1@ubuntu>' /var/log/mail.log | head -1 | sed 's/.*\]: \([0-9A-F]*\):.*/\1/'
#@ answer copy from ubu: grep -h 'to=<verteiler1@ubuntu>.*forwarded as' /var/log/mail.log | head -1 | sed 's/.*forwarded as \([0-9A-F]*\).*/\1/'
