# task: 1
# feedback: that is an Internet Site
#@ on lab
apt update
debconf-set-selections <<X
postfix postfix/main_mailer_type select Internet Site
postfix postfix/mailname string {{name.full}}
X
DEBIAN_FRONTEND=noninteractive apt install -y postfix
