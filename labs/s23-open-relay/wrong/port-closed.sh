# task: 3
# feedback: the server does not answer
#@ wait 3m
#@ on mx1
postfix stop
