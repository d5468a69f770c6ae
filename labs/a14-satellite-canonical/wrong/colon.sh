# task: 6
# feedback: the style of /etc/aliases
#@ on sat
postconf -e 'relayhost = [smarthost.example.net]:587'
echo '[smarthost.example.net]:587 sat:{{password}}' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap /etc/postfix/sasl_passwd
postconf -e 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd'
postconf -e 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
echo example.com > /etc/mailname
echo 'root: admin@example.com' > /etc/postfix/sender_canonical
postmap /etc/postfix/sender_canonical
postconf -e 'sender_canonical_maps = hash:/etc/postfix/sender_canonical'
postfix reload
