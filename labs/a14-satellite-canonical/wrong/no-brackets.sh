# task: 2
# feedback: Without brackets
#@ on sat
postconf -e 'relayhost = smarthost.example.net:587'
postfix reload
