# task: B1
# feedback: expected refused RCPT 550
#@ on one
{{b1.solve}}
postconf -e 'local_recipient_maps ='
postfix reload
