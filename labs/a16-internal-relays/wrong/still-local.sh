# task: 1
# feedback: The mail stays on mx1
#@ on mx1
postconf -e 'relay_domains = example.com' 'transport_maps = hash:/etc/postfix/transport'
echo 'example.org smtp:[hub.example.com]' > /etc/postfix/transport
postmap /etc/postfix/transport
postfix reload
