# task: 5
# feedback: mail of your own people is gone
#@ wait 3m
#@ on mx1
{{cause.repair}}
postfix reload
postqueue -j | jq -r 'select(.sender|test("{{spam.name}}")) | .queue_id' | postsuper -d -
