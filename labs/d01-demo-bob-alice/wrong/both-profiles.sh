# task: 6
# feedback: IMAP shows what lies on the server
#@ wait 2m
#@ on ws1 as alice
read-imap
read-pop
#@ answer offline: both
