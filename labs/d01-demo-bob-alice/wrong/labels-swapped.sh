# task: 1
# feedback: is not right
#@ answer roles: a=MUA, b=MTA, c=MSA, d=MTA, e=MDA, f=IMAP server
