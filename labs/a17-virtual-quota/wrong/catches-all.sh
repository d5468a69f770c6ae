# task: 3
# feedback: that catches all of the server
#@ on mx1
postconf -e 'virtual_alias_domains = {{club}} {{shop}}' 'virtual_alias_maps = hash:/etc/postfix/virtual'
printf 'info@{{club}} {{who.1}}\nsales@{{club}} {{who.2}}, bob@example.org\ninfo@{{shop}} {{who.3}}\n@{{shop}} {{who.3}}\n@{{club}} {{who.3}}\n' > /etc/postfix/virtual
postmap /etc/postfix/virtual
postfix reload
