# task: 1
# feedback: Those are the recipients
#@ wait 1m
#@ answer count: {{more.recipients}}
