#@ wait 2m
#@ answer order: c, f, g, d, a, e, b
#@ answer asks: smtp.example.com
#@ on {{client}}
postconf -e relayhost=smtp.example.com
postfix reload
sleep 2
echo done | mail -s 'backup done' bob@example.org
sleep 10
#@ answer question: MX smtp.example.com
#@ answer count: 3
#@ answer oldest: {{client}}.example.com
#@ on out as guest
telnet {{client}}.example.com 25 </dev/null
true
