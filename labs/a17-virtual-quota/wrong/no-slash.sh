# task: 4
# feedback: ends with a slash
#@ on mx1
postconf -e 'virtual_mailbox_domains = {{post}}' 'virtual_mailbox_base = /var/mail/vhosts'
postconf -e 'virtual_mailbox_maps = hash:/etc/postfix/vmailbox' 'virtual_uid_maps = static:5000' 'virtual_gid_maps = static:5000'
printf 'box@{{post}} {{post}}/box\nold@{{post}} {{post}}/old\n' > /etc/postfix/vmailbox
postmap /etc/postfix/vmailbox
postfix reload
