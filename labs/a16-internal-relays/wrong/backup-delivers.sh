# task: 4
# feedback: mx2 delivers the mail itself
#@ on mx1
postconf -e 'mydestination = $myhostname, localhost' 'relay_domains = example.com' 'transport_maps = hash:/etc/postfix/transport'
echo 'example.com smtp:[hub.example.com]' > /etc/postfix/transport
postmap /etc/postfix/transport
postfix reload
#@ on mx2
useradd -m {{who.one}}
postconf -e 'mydestination = $myhostname, example.com, localhost'
postfix reload
