# task: 2
# feedback: people who do not exist
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
{{fault.2.repair_ns1}}
{{fault.3.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
{{fault.2.repair_mx1}}
{{fault.3.repair_mx1}}
postconf -e 'local_recipient_maps ='
postfix reload
