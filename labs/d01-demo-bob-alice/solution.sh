#@ wait 2m
#@ task 1
#@ answer roles: a=MUA, b=MSA, c=MTA, d=MTA, e=MDA, f=IMAP server
#@ task 2
#@ answer first: {{mx.first}}.example.com
#@ task 3
#@ power {{mx.first}} off
#@ on ws2 as bob
write-alice
sleep 60
#@ answer second: {{mx.second}}
#@ task 4
#@ answer ports: a=587, b=25, c=143, d=110
#@ task 5
#@ answer auth: SASL
#@ task 6
#@ on ws1 as alice
read-imap
read-pop
#@ power imap off
#@ on ws1 as alice
read-imap
cat ~/Mail/inbox
#@ answer offline: POP3
