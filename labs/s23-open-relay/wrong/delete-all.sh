# task: 5
# feedback: All mail is gone
#@ wait 3m
#@ on mx1
{{cause.repair}}
postfix reload
postsuper -d ALL
