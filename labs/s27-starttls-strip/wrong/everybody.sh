# task: 3
# feedback: for one domain only
#@ on mx1
postconf -e 'smtp_tls_security_level = encrypt'
postfix reload
