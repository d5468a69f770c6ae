# task: 2
# feedback: every name there is or is not
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
postconf -e 'luser_relay = alice' 'local_recipient_maps ='; postfix reload
