# task: 6
# feedback: Put all of it in quotes
#@ on ubu
echo 'mail2command: |/usr/local/bin/maileater.pl /tmp/mail2command' >> /etc/aliases
newaliases
echo friss | mail -s friss mail2command
