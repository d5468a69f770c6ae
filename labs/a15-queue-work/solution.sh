#@ wait 1m
#@ answer count from ubu: postqueue -j | wc -l
#@ answer reason: user lookup error
#@ answer from-root from ubu: postqueue -j | jq -r 'select(.sender=="root@ubuntu") | .queue_id'
#@ answer first from ubu: postqueue -j | jq -r 'select(.recipients[0].address=="{{who}}@ubuntu") | .queue_id'
#@ answer any from ubu: postqueue -j | jq -r 'select(any(.recipients[]; .address=="{{who}}@ubuntu")) | .queue_id'
#@ answer word from ubu: postcat -q $(postqueue -j | jq -r 'select(.recipients[0].address=="{{unknown}}@ubuntu") | .queue_id') | sed -n 's/The code word is \(.*\)\./\1/p'
#@ on ubu
postqueue -j | jq -r 'select(any(.recipients[]; .address=="{{who}}@ubuntu")) | .queue_id' | xargs -I ID postsuper -d ID
ID=$(postqueue -j | jq -r 'select(.recipients[0].address=="{{unknown}}@ubuntu") | .queue_id')
postsuper -h $ID
postcat -q $ID
postsuper -H $ID
repair-users
sleep 2
postqueue -f
sleep 5
echo hallo | mail -s weg x@{{gone}}
echo hallo | mail -s stumm x@{{dead}}
sleep 60
#@ answer stays: {{dead}}
#@ on hub
echo 'nameserver 203.0.113.53' > /etc/resolv.conf
systemctl restart postfix
sleep 2
postqueue -f
sleep 20
#@ answer directories: incoming, active, deferred, hold, corrupt
