#@ wait 6m
#@ task 1
#@ answer held: {{offer.4}}, {{offer.5}}
#@ answer never: {{offer.6}}
#@ answer again: {{offer.1}}, {{offer.2}}, {{offer.3}}
#@ task 2
#@ task 5
#@ on mx1 as alice
echo news | mail -s news bob@example.org
echo news | mail -s news u@bigmail.test
sleep 150
#@ answer evidence: {{fault.1.proof}}
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
sleep 15
#@ on mx1 as alice
echo news | mail -s news bob@example.org
echo news | mail -s news u@bigmail.test
sleep 150
#@ answer evidence: {{fault.2.proof}}
#@ on ns1 as hostmaster
{{fault.2.repair_ns1}}
#@ on mx1
{{fault.2.repair_mx1}}
sleep 15
#@ on mx1 as alice
echo news | mail -s news bob@example.org
echo news | mail -s news u@bigmail.test
sleep 150
#@ answer evidence: {{fault.3.proof}}
#@ on ns1 as hostmaster
{{fault.3.repair_ns1}}
#@ on mx1
{{fault.3.repair_mx1}}
sleep 15
#@ task 3
#@ on mx1
postsuper -H ALL
postsuper -r ALL
postqueue -f
sleep 120
#@ task 4
#@ task B
