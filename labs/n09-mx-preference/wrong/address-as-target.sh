# task: 5
# feedback: neither an address nor an alias
#@ on ns1 as hostmaster
sed -i "s/ {{serial}} / 2026999999 /" /etc/bind/db.example.com
printf '@ IN MX 10 192.0.2.10.\n@ IN MX 20 192.0.2.20.\n' >> /etc/bind/db.example.com
rndc reload example.com
