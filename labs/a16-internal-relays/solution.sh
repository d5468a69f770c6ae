#@ task 1
#@ on mx1
postconf -e 'mydestination = $myhostname, localhost' 'relay_domains = example.com' 'transport_maps = hash:/etc/postfix/transport'
echo 'example.com smtp:[hub.example.com]' > /etc/postfix/transport
postmap /etc/postfix/transport
postfix reload
#@ task 2
printf '{{who.one}}@example.com x\n{{who.two}}@example.com x\n' > /etc/postfix/relay_recipients
postmap /etc/postfix/relay_recipients
postconf -e 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
postfix reload
#@ task 3
postconf -e 'mynetworks = 127.0.0.0/8 192.0.2.35/32'
postfix reload
#@ on hub
postconf -e 'relayhost = [mx1.example.com]'
postfix reload
#@ task 4
#@ on mx2
postconf -e 'mydestination = $myhostname, localhost' 'relay_domains = example.com'
printf '{{who.one}}@example.com x\n{{who.two}}@example.com x\n' > /etc/postfix/relay_recipients
postmap /etc/postfix/relay_recipients
postconf -e 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
postfix reload
#@ task 5
#@ on mx1
echo '.example.com smtp:[hub.example.com]' >> /etc/postfix/transport
postmap /etc/postfix/transport
echo '@{{branch}}.example.com x' >> /etc/postfix/relay_recipients
postmap /etc/postfix/relay_recipients
#@ task 6
#@ on out as guest
swaks --to {{who.one}}@example.com --from bob@example.org
sleep 10
#@ answer path: out, mx1, hub
