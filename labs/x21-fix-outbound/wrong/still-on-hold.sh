# task: 3
# feedback: still on hold
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
postsuper -r ALL deferred
postqueue -f
sleep 60
