# task: 4
# feedback: a name, not an address
#@ on ns as hostmaster
sed -i 's/{{target}}.{{d.6}}$/203.0.113.43./; s/2026030101/2026030102/' /etc/bind/db.{{d.6}}
rndc reload {{d.6}}
