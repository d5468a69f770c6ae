# task: 7
# feedback: That is an open relay
#@ on mx1
postconf -e 'myhostname = mx1.example.com' 'inet_interfaces = all' 'mynetworks = 0.0.0.0/0'
systemctl restart postfix
