#@ wait 2m
#@ task 1
#@ answer order: c, f, g, d, a, e, b
#@ task 2
#@ answer asks: {{hops.asks}}.example.com
#@ task 3
#@ on {{client}}
postconf -e relayhost=smtp.example.com
postfix reload
sleep 2
echo done | mail -s 'backup done' bob@example.org
sleep 10
#@ answer question: MX smtp.example.com
#@ task 4
#@ answer count: {{hops.count}}
#@ answer oldest: {{client}}.example.com
#@ task 5
#@ on out as guest
telnet {{client}}.example.com 25 </dev/null
true
