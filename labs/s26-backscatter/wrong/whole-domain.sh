# task: 4
# feedback: order is gone
#@ wait 1m
#@ on mx1
mailq | grep -B2 {{shut}} | grep -o "^[0-9A-F]\{8,\}" | postsuper -d -
postqueue -j | jq -r 'select(any(.recipients[]; .address|endswith("@{{shut}}"))) | .queue_id' | postsuper -d -
