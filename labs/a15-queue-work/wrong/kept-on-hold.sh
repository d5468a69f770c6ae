# task: 6
# feedback: It is still held
#@ wait 1m
#@ on ubu
postsuper -h $(postqueue -j | jq -r 'select(.recipients[0].address=="{{unknown}}@ubuntu") | .queue_id')
