# task: 2
# feedback: 450 says
#@ wait 1m
#@ on mx1
{{cause.repair}}
postconf -e "soft_bounce = yes"
postfix reload
