# task: 1
# feedback: Reporting-MTA says who
#@ wait 1m
#@ answer wrote: host.attacker.test
