# task: 2
# feedback: default_privs was changed
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
postconf -e 'default_privs = root'; postfix reload
