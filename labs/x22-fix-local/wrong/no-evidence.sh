# task: 5
# feedback: 0 of 4 found, 2 wrong
#@ answer evidence: it was fine yesterday
#@ answer evidence: status=sent (delivered to mailbox)
