# task: 2
# feedback: Accepted, and sent back later
#@ on mx1
postconf -e 'mydestination = $myhostname, localhost' 'relay_domains = example.com' 'transport_maps = hash:/etc/postfix/transport'
echo 'example.com smtp:[hub.example.com]' > /etc/postfix/transport
postmap /etc/postfix/transport
postfix reload
