#@ task 1
#@ on mx1 as alice
for d in {{d.1}} {{d.2}} {{d.3}} {{d.4}} {{d.5}} {{d.6}}; do echo hello | mail -s hello info@$d; done
sleep 30
#@ answer ends: {{d.1}}=delivered, {{d.2}}=delivered, {{d.3}}=bounced, {{d.4}}=bounced, {{d.5}}=waits, {{d.6}}=bounced
#@ task 2
#@ answer address: 203.0.113.41
#@ answer rule: the implicit MX
#@ task 3
#@ answer codes: gone=5.4.4, broken=4.4.3
#@ task 4
#@ on ns as hostmaster
sed -i 's/{{target}}.{{d.6}}$/{{target}}.{{d.6}}./; s/2026030101/2026030102/' /etc/bind/db.{{d.6}}
rndc reload {{d.6}}
#@ task 5
#@ on ns as hostmaster
sed -i '/^10 /d; s/2026030101/2026030102/' /etc/bind/db.2.0.192.in-addr.arpa
echo '10 IN PTR mx1.example.com.' >> /etc/bind/db.2.0.192.in-addr.arpa
rndc reload 2.0.192.in-addr.arpa
#@ task 6
#@ on ns as hostmaster
sed -i 's/2026030101/2026030102/' /etc/bind/db.{{parked}}
echo '@ IN MX 0 .' >> /etc/bind/db.{{parked}}
rndc reload {{parked}}
#@ task 7
#@ answer sender: 550
