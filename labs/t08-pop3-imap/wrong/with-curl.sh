# task: 1
# feedback: you are the program
#@ on home as {{me}}
curl -s pop3://{{me}}:{{password}}@pop.example.net/
