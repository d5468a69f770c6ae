# task: 3
# feedback: Only one spammer is shut out
#@ wait 3m
#@ on mx1
printf '203.0.113.66 REJECT\n' > /etc/postfix/clients
postmap /etc/postfix/clients
postconf -e 'smtpd_client_restrictions = check_client_access hash:/etc/postfix/clients'
postfix reload
