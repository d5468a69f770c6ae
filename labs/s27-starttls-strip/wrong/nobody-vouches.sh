# task: 3
# feedback: knows nobody who vouches
#@ on mx1
echo 'example.org secure' > /etc/postfix/tls_policy
postmap /etc/postfix/tls_policy
postconf -e 'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy'
postfix reload
