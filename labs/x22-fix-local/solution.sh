#@ task 1
#@ on mx1
for address in {{info}} {{team}} owner-{{team}} {{robot}} archive news a.miller gina {{hotline}} eva doris+lists nosuch; do
  printf 'Subject: test\n\ntest\n' | sendmail -f doris $address
done
sleep 30
#@ answer lines: {{fault.1.line}}, {{fault.2.line}}, {{fault.3.line}}, {{loop.line}}
#@ answer evidence: {{fault.1.proof}}
#@ answer evidence: {{fault.2.proof}}
#@ answer evidence: {{fault.3.proof}}
#@ answer evidence: {{loop.proof}}
#@ task 2
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
#@ task 3
#@ task 4
#@ task 5
