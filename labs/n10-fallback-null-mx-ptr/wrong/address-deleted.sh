# task: 6
# feedback: its web page is gone
#@ on ns as hostmaster
sed -i '/IN A 203/d; s/2026030101/2026030102/' /etc/bind/db.{{parked}}
rndc reload {{parked}}
