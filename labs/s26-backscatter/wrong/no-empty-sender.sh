# task: 5
# feedback: refuses <>
#@ wait 1m
#@ on mx1
{{cause.repair}}
#@ on mx2
for name in alice carol root info postmaster sales; do echo $name@example.com ok; done > /etc/postfix/relay_recipients
postmap /etc/postfix/relay_recipients
postconf -e 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
postfix reload
#@ on mx1
postconf -e "smtpd_sender_restrictions = check_sender_access inline:{<>=REJECT}"
postfix reload
