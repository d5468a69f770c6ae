# task: 4
# feedback: No filter looked at the mail
#@ answer rule-lan: permit_mynetworks
#@ answer rule-out: the spam filter
