#@ task 1
#@ on mx1
host -t MX example.org
#@ answer servers: {{mx.first}}.example.org, {{mx.second}}.example.org
#@ task 2
#@ answer short from mx1: dig {{old.domain}} -t mx +short
#@ task 3
#@ on mx1
echo hello | mail -s hello {{friend}}@example.org
sleep 5
#@ answer took: {{mx.first}}
#@ answer spared: {{mx.second}}
#@ task 4
#@ on {{mx.first}}
go-away
#@ on mx1
echo again | mail -s again {{friend}}@example.org
sleep 60
#@ task 5
#@ on ns1 as hostmaster
serial=$(sed -n 's/.*SOA [^ ]* [^ ]* \([0-9]*\) .*/\1/p' /etc/bind/db.example.com)
sed -i "s/ $serial / $((serial + 1)) /" /etc/bind/db.example.com
printf '@ IN MX 10 mx1\n@ IN MX 20 mx2\n' >> /etc/bind/db.example.com
named-checkzone example.com /etc/bind/db.example.com
rndc reload example.com
sleep 1
host -t MX example.com
#@ task 6
serial=$(sed -n 's/.*SOA [^ ]* [^ ]* \([0-9]*\) .*/\1/p' /etc/bind/db.example.com)
sed -i "s/ $serial / $((serial + 1)) /; s/MX 20 mx2/MX 10 mx2/" /etc/bind/db.example.com
rndc reload example.com
#@ on out as guest
send20 alice@example.com
#@ answer equal: random, about half each
#@ task 7
#@ on {{mx.first}}
be-busy
#@ on mx1
echo busy | mail -s busy {{friend}}@example.org
sleep 30
#@ answer busy: {{mx.second}}
