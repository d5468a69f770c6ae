# task: 6
# feedback: must send it back later
#@ on mx1
postconf -e 'myhostname = mx1.example.com' 'inet_interfaces = all' 'mydestination = $myhostname, $mydomain' 'local_recipient_maps ='
systemctl restart postfix
