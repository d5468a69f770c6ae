#@ wait 2m
#@ answer roles: a=MUA, b=MSA, c=MTA, d=MTA, e=MDA, f=IMAP server
#@ answer first: {{mx.first}}.example.com
#@ power {{mx.first}} off
#@ on ws2 as bob
write-alice
sleep 60
#@ answer second: {{mx.second}}
#@ answer ports: a=587, b=25, c=143, d=110
#@ answer auth: SASL
#@ on ws1 as alice
read-imap
read-pop
#@ power imap off
#@ on ws1 as alice
read-imap
cat ~/Mail/inbox
#@ answer offline: POP3
