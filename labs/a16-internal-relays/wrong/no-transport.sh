# task: 1
# feedback: loops back to myself
#@ on mx1
postconf -e 'mydestination = $myhostname, localhost' 'relay_domains = example.com'
postfix reload
