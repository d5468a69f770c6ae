# task: 3
# feedback: Every machine of the LAN
#@ on mx1
postconf -e 'mynetworks = 127.0.0.0/8 192.0.2.0/24'
postfix reload
#@ on hub
postconf -e 'relayhost = [mx1.example.com]'
postfix reload
