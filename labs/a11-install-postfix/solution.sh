#@ on lab
apt update
debconf-set-selections <<X
postfix postfix/main_mailer_type select Satellite system
postfix postfix/mailname string {{name.full}}
postfix postfix/relayhost string {{relay}}.example.com
X
DEBIAN_FRONTEND=noninteractive apt install -y postfix
apt install -y mailutils
postfix status
ss -ltnp
echo 'root: {{admin}}@example.com' >> /etc/aliases
newaliases
echo Hallo | mail -s Testmail root
sleep 10
#@ answer pid from lab: cat /var/spool/postfix/pid/master.pid
#@ answer address: 127.0.0.1:25
#@ answer types: no configuration = nothing, internet site = open direct, smarthost = open relay, satellite = closed relay, local only = closed none
#@ answer queue-id from lab: grep relay={{relay}} /var/log/mail.log | tail -1 | sed 's/.*\]: \([0-9A-F]*\): .*/\1/'
#@ answer dsn: 2.0.0
#@ answer relay: {{relay}}.example.com
