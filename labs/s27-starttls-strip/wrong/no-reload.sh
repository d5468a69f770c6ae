# task: 3
# feedback: the daemons do not know it yet
#@ on mx1
echo 'example.org encrypt' > /etc/postfix/tls_policy
postmap /etc/postfix/tls_policy
postconf -e 'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy'
