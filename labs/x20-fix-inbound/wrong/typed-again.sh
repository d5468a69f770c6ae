# task: 4
# feedback: typed again
#@ on ns1 as hostmaster
{{fault.1.repair_ns1}}
{{fault.2.repair_ns1}}
{{fault.3.repair_ns1}}
#@ on mx1
{{fault.1.repair_mx1}}
{{fault.2.repair_mx1}}
{{fault.3.repair_mx1}}
#@ on mx1 as alice
echo 'We order {{waiting.1}}. And also {{waiting.2}}. Do you have {{waiting.3}}?' | mail -s order carol
