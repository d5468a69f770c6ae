#@ wait 1m
#@ task 1
#@ answer layers: {{fault.1.word}}, {{fault.2.word}}, {{fault.3.word}}
#@ task 2
#@ task 5
#@ on out as guest
swaks --to alice@example.com --from guest@example.net
sleep 5
#@ answer evidence: {{fault.1.proof}}
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
#@ wait 2m
#@ on out as guest
swaks --to alice@example.com --from guest@example.net
sleep 5
#@ answer evidence: {{fault.2.proof}}
#@ on ns1 as hostmaster
{{fault.2.repair_ns1}}
#@ on mx1
{{fault.2.repair_mx1}}
#@ wait 2m
#@ on out as guest
swaks --to alice@example.com --from guest@example.net
sleep 5
#@ answer evidence: {{fault.3.proof}}
#@ on ns1 as hostmaster
{{fault.3.repair_ns1}}
#@ on mx1
{{fault.3.repair_mx1}}
#@ task 3
#@ task 4
#@ wait 20m
