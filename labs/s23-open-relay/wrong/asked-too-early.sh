# task: 6
# feedback: before the server was closed
#@ wait 3m
#@ on mx1
delist mx1.example.com
sleep 60
{{cause.repair}}
postfix reload
sleep 2
delist mx1.example.com
sleep 60
