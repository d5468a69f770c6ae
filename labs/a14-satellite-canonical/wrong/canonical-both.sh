# task: 6
# feedback: rewrites recipients as well
#@ on sat
postconf -e 'relayhost = [smarthost.example.net]:587'
echo '[smarthost.example.net]:587 sat:{{password}}' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap /etc/postfix/sasl_passwd
postconf -e 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd'
postconf -e 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
echo example.com > /etc/mailname
printf 'root admin@example.com\nroot@example.com admin@example.com\n' > /etc/postfix/canonical
postmap /etc/postfix/canonical
postconf -e 'canonical_maps = hash:/etc/postfix/canonical'
postfix reload
