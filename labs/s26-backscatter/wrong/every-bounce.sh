# task: 4
# feedback: All bounces are gone
#@ wait 1m
#@ on mx1
postqueue -j | jq -r 'select(.sender=="MAILER-DAEMON") | .queue_id' | postsuper -d -
