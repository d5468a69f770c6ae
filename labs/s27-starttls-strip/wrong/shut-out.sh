# task: 5
# feedback: shuts her out
#@ on mx1
postconf -P 'submission/inet/smtpd_sasl_auth_enable=no'
postfix reload
