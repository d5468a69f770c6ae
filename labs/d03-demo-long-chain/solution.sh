#@ wait 3m
#@ task 1
#@ answer agents: MUA MSA MTA MTA MTA MDA MRA
#@ task 2
#@ answer queues: msa, out, gw, hub, home
#@ task 3
#@ power {{stop.host}} off
#@ on ws3 as carol
write-bob later
#@ wait 15m
#@ answer waits: {{stop.waits}}
#@ answer again from {{stop.waits}}: grep "queue active" /var/log/mail.log | tail -1 | cut -c8-12
#@ task 4
#@ answer transport: LMTP
#@ task 5
#@ answer ids: 2
#@ answer why: the content filter
#@ task 6
#@ answer mark from home: grep '^{{mark.name}}: {{mark.yes}}' /var/mail/bob | head -1
