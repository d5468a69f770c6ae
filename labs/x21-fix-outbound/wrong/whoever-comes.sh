# task: 4
# feedback: pretends to be the smarthost
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
postconf -X smtp_tls_policy_maps
postfix reload
