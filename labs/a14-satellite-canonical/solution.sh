#@ task 1
#@ on sat as {{peter}}
echo report | mail -s report u@bigmail.test
sleep 10
#@ answer code: {{why.code}}
#@ task 2
#@ on sat
postconf -e 'relayhost = [smarthost.example.net]:587'
postfix reload
#@ task 3
echo '[smarthost.example.net]:587 sat:{{password}}' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap /etc/postfix/sasl_passwd
postconf -e 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd'
postconf -e 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
postfix reload
#@ task 4
postconf -e 'inet_interfaces = loopback-only'
systemctl restart postfix
#@ task 5
echo example.com > /etc/mailname
postconf -e 'mydestination = $myhostname, {{lan}}, localhost'
postfix reload
#@ task 6
echo 'root admin@example.com' > /etc/postfix/sender_canonical
postmap /etc/postfix/sender_canonical
postconf -e 'sender_canonical_maps = hash:/etc/postfix/sender_canonical'
postfix reload
#@ task 7
#@ on srv1
postconf -e 'mydestination =' 'relayhost = [smtp.example.com]' 'inet_interfaces = loopback-only'
systemctl restart postfix
