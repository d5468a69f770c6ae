# task: 5
# feedback: the database has not
#@ on lab
apt update
debconf-set-selections <<X
postfix postfix/main_mailer_type select Satellite system
postfix postfix/mailname string {{name.full}}
postfix postfix/relayhost string {{relay}}.example.com
X
DEBIAN_FRONTEND=noninteractive apt install -y postfix
echo 'root: {{admin}}@example.com' >> /etc/aliases
