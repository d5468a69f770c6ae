# task: 5
# feedback: the list does not know the branch
#@ on mx1
postconf -e 'mydestination = $myhostname, localhost' 'relay_domains = example.com' 'transport_maps = hash:/etc/postfix/transport' 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
printf 'example.com smtp:[hub.example.com]\n.example.com smtp:[hub.example.com]\n' > /etc/postfix/transport
printf '{{who.one}}@example.com x\n{{who.two}}@example.com x\n' > /etc/postfix/relay_recipients
postmap /etc/postfix/transport
postmap /etc/postfix/relay_recipients
postfix reload
