# task: 2
# feedback: expected delivered
#@ wait 6m
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
