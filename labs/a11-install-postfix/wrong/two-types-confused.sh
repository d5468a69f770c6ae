# task: 3
# feedback: is not right
#@ answer types: no configuration = nothing, internet site = open direct, smarthost = closed relay, satellite = open relay, local only = closed none
