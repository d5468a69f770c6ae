# task: 3
# feedback: the last one counts
#@ on mx1
sed -i '$d' /etc/postfix/main.cf
