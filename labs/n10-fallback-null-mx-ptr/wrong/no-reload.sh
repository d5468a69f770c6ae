# task: 4
# feedback: does not know it yet
#@ on ns as hostmaster
sed -i 's/{{target}}.{{d.6}}$/{{target}}.{{d.6}}./; s/2026030101/2026030102/' /etc/bind/db.{{d.6}}
