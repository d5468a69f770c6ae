# task: 3
# feedback: The other way round
#@ on mx1 as alice
for d in {{d.1}} {{d.2}} {{d.3}} {{d.4}} {{d.5}} {{d.6}}; do echo hello | mail -s hello info@$d; done
sleep 30
#@ answer ends: {{d.1}}=delivered, {{d.2}}=delivered, {{d.3}}=bounced, {{d.4}}=bounced, {{d.5}}=waits, {{d.6}}=bounced
#@ answer codes: gone=4.4.3, broken=5.4.4
