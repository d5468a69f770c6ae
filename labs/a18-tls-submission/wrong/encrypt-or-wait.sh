# task: 3
# feedback: TLS is required, but was not offered
#@ on mx1
postconf -e 'smtp_tls_security_level = encrypt'
postfix reload
