# task: 1
# feedback: the domain is in mydestination
#@ on mx1
postconf -e 'mydestination = $myhostname, example.com, localhost, {{club}}'
postfix reload
