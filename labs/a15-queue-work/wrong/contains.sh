# task: 4
# feedback: contains finds parts of names
#@ wait 1m
#@ answer any from ubu: postqueue -j | jq -r 'select(.recipients[].address | contains("{{who}}@ubuntu")) | .queue_id'
