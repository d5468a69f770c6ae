#@ wait 1m
#@ task 1
#@ answer count from ubu: postqueue -j | wc -l
#@ answer oldest from ubu: postqueue -j | jq -r '[.arrival_time, .queue_id] | @tsv' | sort -n | head -1 | cut -f2
#@ answer reason: user lookup error
#@ task 2
#@ answer from-root from ubu: postqueue -j | jq -r 'select(.sender=="root@ubuntu") | .queue_id'
#@ task 3
#@ answer first from ubu: postqueue -j | jq -r 'select(.recipients[0].address=="{{who}}@ubuntu") | .queue_id'
#@ task 4
#@ answer any from ubu: postqueue -j | jq -r 'select(any(.recipients[]; .address=="{{who}}@ubuntu")) | .queue_id'
#@ task 5
#@ on ubu
postqueue -j | jq -r 'select(any(.recipients[]; .address=="{{who}}@ubuntu")) | .queue_id' | xargs -I ID postsuper -d ID
#@ task 6
#@ answer word from ubu: postcat -q $(postqueue -j | jq -r 'select(.recipients[0].address=="{{unknown}}@ubuntu") | .queue_id') | sed -n 's/The code word is \(.*\)\./\1/p'
#@ on ubu
ID=$(postqueue -j | jq -r 'select(.recipients[0].address=="{{unknown}}@ubuntu") | .queue_id')
postsuper -h $ID
postcat -q $ID
postsuper -H $ID
#@ answer path from ubu: find /var/spool/postfix/deferred -name $(postqueue -j | jq -r 'select(.recipients[0].address=="{{unknown}}@ubuntu") | .queue_id')
#@ task 7
#@ on ubu
repair-users
sleep 2
postqueue -f
sleep 5
#@ task 8
echo hallo | mail -s weg x@{{gone}}
echo hallo | mail -s stumm x@{{dead}}
sleep 60
#@ answer stays: {{dead}}
#@ answer codes: gone=5.4.4, dead=4.4.3
#@ task 9
#@ on hub
echo 'nameserver 203.0.113.53' > /etc/resolv.conf
systemctl restart postfix
sleep 2
postqueue -f
sleep 20
#@ task 10
#@ answer directories: incoming, active, deferred, hold, corrupt
