# task: 2
# feedback: 550 at the door
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
postconf -e "local_recipient_maps ="; postfix reload
