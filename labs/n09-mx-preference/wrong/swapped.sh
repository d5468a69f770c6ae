# task: 5
# feedback: Now mx2 is preferred
#@ on ns1 as hostmaster
sed -i "s/ {{serial}} / 2026999999 /" /etc/bind/db.example.com
printf '@ IN MX 20 mx1\n@ IN MX 10 mx2\n' >> /etc/bind/db.example.com
rndc reload example.com
