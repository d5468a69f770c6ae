# task: 3
# feedback: the table that postmap makes
#@ on mx1
touch /etc/postfix/tls_policy
postmap /etc/postfix/tls_policy
echo 'example.org encrypt' > /etc/postfix/tls_policy
postconf -e 'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy'
postfix reload
