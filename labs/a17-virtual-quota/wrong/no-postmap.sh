# task: 1
# feedback: the table that postmap makes
#@ on mx1
postconf -e 'virtual_alias_domains = {{club}} {{shop}}' 'virtual_alias_maps = hash:/etc/postfix/virtual'
printf 'info@{{club}} {{who.1}}\nsales@{{club}} {{who.2}}, bob@example.org\n' > /etc/postfix/virtual
postfix reload
