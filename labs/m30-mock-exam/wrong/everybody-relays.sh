# task: B6
# feedback: expected
#@ on six
{{b6.solve}}
postconf -e 'mynetworks = 0.0.0.0/0'
postfix reload
