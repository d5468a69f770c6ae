#@ task 1
#@ on mx1
postconf -e 'virtual_alias_domains = {{club}} {{shop}}' 'virtual_alias_maps = hash:/etc/postfix/virtual'
printf 'info@{{club}} {{who.1}}\nsales@{{club}} {{who.2}}, bob@example.org\n' > /etc/postfix/virtual
postmap /etc/postfix/virtual
postfix reload
#@ task 2
echo 'info@{{shop}} {{who.3}}' >> /etc/postfix/virtual
postmap /etc/postfix/virtual
#@ task 3
echo '@{{shop}} {{who.3}}' >> /etc/postfix/virtual
postmap /etc/postfix/virtual
#@ task 4
postconf -e 'virtual_mailbox_domains = {{post}}' 'virtual_mailbox_base = /var/mail/vhosts'
postconf -e 'virtual_mailbox_maps = hash:/etc/postfix/vmailbox' 'virtual_uid_maps = static:5000' 'virtual_gid_maps = static:5000'
printf 'box@{{post}} {{post}}/box/\nold@{{post}} {{post}}/old\n' > /etc/postfix/vmailbox
postmap /etc/postfix/vmailbox
postfix reload
#@ task 5
grep warning /var/log/mail.log
true
#@ task 6
postconf -e 'message_size_limit = {{size.octets}}'
postfix reload
#@ task 7
postconf -e 'mailbox_size_limit = {{box.octets}}'
postfix reload
