# task: 4
# feedback: not for a name
#@ on mx1
echo 'example.org encrypt' > /etc/postfix/tls_policy
postmap /etc/postfix/tls_policy
postconf -e 'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy'
postfix reload
