# task: 2
# feedback: an open relay
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
{{fault.2.repair_ns1}}
{{fault.3.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
{{fault.2.repair_mx1}}
{{fault.3.repair_mx1}}
postconf -e 'mynetworks = 0.0.0.0/0 [::]/0'
postfix reload
