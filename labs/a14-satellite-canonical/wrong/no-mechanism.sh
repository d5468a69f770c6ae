# task: 3
# feedback: no mechanism available
#@ on sat
postconf -e 'relayhost = [smarthost.example.net]:587'
echo '[smarthost.example.net]:587 sat:{{password}}' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap /etc/postfix/sasl_passwd
postconf -e 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_tls_security_level = encrypt'
postfix reload
