# task: 5
# feedback: never a port
#@ on ns1 as hostmaster
sed -i "s/ {{serial}} / 2026999999 /" /etc/bind/db.example.com
printf '@ IN MX 10 mx1:587\n@ IN MX 20 mx2:587\n' >> /etc/bind/db.example.com
rndc reload example.com
