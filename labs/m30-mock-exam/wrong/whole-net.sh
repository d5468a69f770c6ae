# task: B3
# feedback: expected refused RCPT
#@ on three
{{b3.solve}}
postconf -e 'mynetworks = 127.0.0.0/8 192.0.2.0/24'
postfix reload
