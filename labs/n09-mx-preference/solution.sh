#@ on mx1
host -t MX example.org
dig {{old.domain}} -t mx +short
echo hello | mail -s hello {{friend}}@example.org
sleep 5
#@ answer servers: {{mx.first}}.example.org, {{mx.second}}.example.org
#@ answer short from mx1: dig {{old.domain}} -t mx +short
#@ answer took: {{mx.first}}
#@ answer spared: {{mx.second}}
#@ on {{mx.first}}
go-away
#@ on mx1
echo again | mail -s again {{friend}}@example.org
sleep 60
#@ on ns1 as hostmaster
serial=$(sed -n 's/.*SOA [^ ]* [^ ]* \([0-9]*\) .*/\1/p' /etc/bind/db.example.com)
sed -i "s/ $serial / $((serial + 1)) /" /etc/bind/db.example.com
printf '@ IN MX 10 mx1\n@ IN MX 20 mx2\n' >> /etc/bind/db.example.com
named-checkzone example.com /etc/bind/db.example.com
rndc reload example.com
sleep 1
host -t MX example.com
sed -i "s/ $((serial + 1)) / $((serial + 2)) /; s/MX 20 mx2/MX 10 mx2/" /etc/bind/db.example.com
rndc reload example.com
#@ on out as guest
send20 alice@example.com
#@ answer equal: random, about half each
#@ on {{mx.first}}
be-busy
#@ on mx1
echo busy | mail -s busy {{friend}}@example.org
sleep 30
#@ answer busy: {{mx.second}}
