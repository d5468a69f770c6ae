# task: 2
# feedback: writable for everybody
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
chmod 666 /srv/robot/box /srv/archive/mail
