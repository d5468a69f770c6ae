# task: 5
# feedback: More was deleted than asked for
#@ wait 1m
#@ on ubu
postsuper -d ALL
