# task: 2
# feedback: an open relay of strangers
#@ wait 6m
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
{{fault.2.repair_ns1}}
{{fault.3.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
{{fault.2.repair_mx1}}
{{fault.3.repair_mx1}}
sleep 15
postconf -e 'relayhost = [relay.friendly.test]:2525'
postfix reload
