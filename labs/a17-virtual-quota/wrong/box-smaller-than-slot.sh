# task: 7
# feedback: smaller than the slot
#@ on mx1
postconf -e 'message_size_limit = {{size.octets}}' 'mailbox_size_limit = 1000000'
postfix reload
