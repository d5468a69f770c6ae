# task: 7
# feedback: your net is too wide
#@ on mx1
postconf -e 'myhostname = mx1.example.com' 'inet_interfaces = all' 'mynetworks = 127.0.0.0/8 192.0.2.0/24'
systemctl restart postfix
