# task: 5
# feedback: both ways to agree
#@ on ns as hostmaster
sed -i '/^10 /d; s/2026030101/2026030102/' /etc/bind/db.2.0.192.in-addr.arpa
echo '10 IN PTR example.com.' >> /etc/bind/db.2.0.192.in-addr.arpa
rndc reload 2.0.192.in-addr.arpa
