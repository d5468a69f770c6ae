# task: 4
# feedback: stop and start
#@ on sat
postconf -e 'inet_interfaces = loopback-only'
postfix reload
