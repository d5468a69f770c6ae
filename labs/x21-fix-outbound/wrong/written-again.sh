# task: 3
# feedback: That is a letter of yours
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
postsuper -h ALL
#@ on mx1 as alice
printf 'Subject: {{offer.4}}\n\nWe offer {{offer.4}}.\n' | sendmail u@bigmail.test
sleep 30
