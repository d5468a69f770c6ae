# task: 2
# feedback: An alias has no domain
#@ on mx1
postconf -e 'virtual_alias_domains = {{club}} {{shop}}' 'virtual_alias_maps = hash:/etc/postfix/virtual'
printf 'info@{{club}} {{who.1}}\nsales@{{club}} {{who.2}}, bob@example.org\n' > /etc/postfix/virtual
postmap /etc/postfix/virtual
postfix reload
sed -i 's/^info:.*/info: {{who.3}}/' /etc/aliases
newaliases
