# task: 4
# feedback: the LAN sends to the outside
#@ wait 3m
#@ on mx1
{{cause.repair}}
postconf -e 'mynetworks = 127.0.0.0/8'
postfix reload
