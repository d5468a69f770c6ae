# task: 4
# feedback: is not your alice
#@ wait 1m
#@ on mx1
postqueue -j | grep MAILER-DAEMON | grep -v alice | jq -r .queue_id | postsuper -d -
