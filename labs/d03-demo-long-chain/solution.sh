#@ wait 3m
#@ answer agents: MUA MSA MTA MTA MTA MDA MRA
#@ answer queues: msa, out, gw, hub, home
#@ answer transport: LMTP
#@ answer ids: 2
#@ answer why: the content filter
#@ answer mark from home: grep '^{{mark.name}}: {{mark.yes}}' /var/mail/bob | head -1
#@ power {{stop.host}} off
#@ on ws3 as carol
write-bob later
#@ wait 15m
#@ answer waits: {{stop.waits}}
#@ answer again from {{stop.waits}}: grep "queue active" /var/log/mail.log | tail -1 | cut -c8-12
