# task: 2
# feedback: expected delivered mx1/alice
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
