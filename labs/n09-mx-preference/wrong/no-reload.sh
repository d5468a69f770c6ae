# task: 5
# feedback: the name server does not know them yet
#@ on ns1 as hostmaster
printf '@ IN MX 10 mx1\n@ IN MX 20 mx2\n' >> /etc/bind/db.example.com
