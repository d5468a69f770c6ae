# task: 5
# feedback: 0 of 3 found, 2 wrong
#@ answer evidence: the cable was pulled out
#@ answer evidence: it is always the DNS
