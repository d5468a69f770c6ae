# task: 5
# feedback: stop and start Postfix
#@ on mx1
postconf -e 'inet_interfaces = all'
postfix reload
