# task: 5
# feedback: without a final dot
#@ on ns1 as hostmaster
sed -i "s/ {{serial}} / 2026999999 /" /etc/bind/db.example.com
printf '@ IN MX 10 mx1.example.com\n@ IN MX 20 mx2.example.com\n' >> /etc/bind/db.example.com
rndc reload example.com
