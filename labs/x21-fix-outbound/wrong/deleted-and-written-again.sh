# task: 3
# feedback: The letters are deleted
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
postsuper -d ALL
#@ on mx1 as alice
printf 'Subject: {{offer.1}}\n\nWe offer {{offer.1}}.\n' | sendmail bob@example.org
printf 'Subject: {{offer.2}}\n\nWe offer {{offer.2}}.\n' | sendmail u@bigmail.test
printf 'Subject: {{offer.3}}\n\nWe offer {{offer.3}}.\n' | sendmail bob@example.org
printf 'Subject: {{offer.4}}\n\nWe offer {{offer.4}}.\n' | sendmail u@bigmail.test
printf 'Subject: {{offer.5}}\n\nWe offer {{offer.5}}.\n' | sendmail bob@example.org
sleep 30
