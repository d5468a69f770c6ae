# task: 9
# feedback: a crutch for one name
#@ wait 1m
#@ on hub
echo '198.51.100.10 fks1.example.org example.org' >> /etc/hosts
