# task: 6
# feedback: not kilobytes
#@ on mx1
postconf -e 'message_size_limit = {{size.little}}'
postfix reload
