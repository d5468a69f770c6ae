#@ on ubu
echo 'info: {{to}}' >> /etc/aliases
newaliases
echo 'neu: {{mutti}}' >> /etc/aliases
echo vorher | mail -s vorher neu
sleep 10
newaliases
echo nachher | mail -s nachher neu
sleep 10
printf '{{vati}}\n{{mutti}}\n' > /etc/verteiler1
cat >> /etc/aliases <<'X'
verteiler1: :include:/etc/verteiler1
mail2file: /tmp/mail2file
mail2command: "|/usr/local/bin/maileater.pl /tmp/mail2command"
X
newaliases
echo verteiler-test | mail -s test verteiler1@ubuntu
sleep 10
#@ answer original from ubu: grep -h 'to=<verteiler1@ubuntu>' /var/log/mail.log | head -1 | sed 's/.*\]: \([0-9A-F]*\):.*/\1/'
#@ answer copy from ubu: grep -h 'to=<verteiler1@ubuntu>.*forwarded as' /var/log/mail.log | head -1 | sed 's/.*forwarded as \([0-9A-F]*\).*/\1/'
#@ on ubu
echo '{{oma}}' >> /etc/verteiler1
echo archiv | mail -s archiv mail2file
echo friss | mail -s friss mail2command
sleep 10
chown nobody /srv/intake/box
#@ answer include-newaliases: no
#@ answer owner from ubu: stat -c %U /tmp/mail2file
#@ on ubu as user
printf '\\user\n{{mutti}}\n' > ~/.forward
