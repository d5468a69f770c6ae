# task: B5
# feedback: expected
#@ wait 1m
#@ on five
{{b5.solve}}
postsuper -d ALL
