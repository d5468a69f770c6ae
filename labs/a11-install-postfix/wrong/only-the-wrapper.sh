# task: 2
# feedback: the wrapper that has done its work
#@ on lab
apt update
debconf-set-selections <<X
postfix postfix/main_mailer_type select Satellite system
postfix postfix/mailname string {{name.full}}
postfix postfix/relayhost string {{relay}}.example.com
X
DEBIAN_FRONTEND=noninteractive apt install -y postfix
#@ answer pid: active (exited)
