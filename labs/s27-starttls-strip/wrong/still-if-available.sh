# task: 6
# feedback: the password is out already
#@ on mx1
postconf -e 'smtpd_tls_auth_only = yes'
postfix reload
#@ answer port: 587
