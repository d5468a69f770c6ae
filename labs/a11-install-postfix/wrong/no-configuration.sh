# task: 1
# feedback: There is no main.cf
#@ on lab
apt update
debconf-set-selections <<X
postfix postfix/main_mailer_type select No configuration
X
DEBIAN_FRONTEND=noninteractive apt install -y postfix
