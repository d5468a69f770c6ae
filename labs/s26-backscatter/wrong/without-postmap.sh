# task: 3
# feedback: Is the .db built
#@ wait 1m
#@ on mx2
for name in alice carol root info postmaster sales; do echo $name@example.com ok; done > /etc/postfix/relay_recipients
postconf -e 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
postfix reload
