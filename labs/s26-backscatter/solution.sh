#@ wait 1m
#@ task 1
#@ answer took: mx1
#@ answer wrote: mx1
#@ answer why: MAIL
#@ task 2
#@ on mx1
{{cause.repair}}
#@ task 3
#@ on mx2
for name in alice carol root info postmaster sales; do echo $name@example.com ok; done > /etc/postfix/relay_recipients
postmap /etc/postfix/relay_recipients
postconf -e 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
postfix reload
#@ task 4
#@ on mx1
postqueue -j | jq -r 'select(.sender=="MAILER-DAEMON" and any(.recipients[]; .address|endswith("@{{shut}}"))) | .queue_id' | postsuper -d -
#@ task 5
#@ on mx1 as alice
echo hi | sendmail nosuch@example.org
#@ on out as guest
swaks --server mx1.example.com --from '<>' --to alice@example.com
#@ task 6
#@ answer else: a, c, e
