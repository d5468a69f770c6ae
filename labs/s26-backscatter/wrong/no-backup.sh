# task: 3
# feedback: A backup that nobody reaches
#@ wait 1m
#@ on mx2
postfix stop
