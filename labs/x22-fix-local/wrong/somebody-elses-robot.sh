# task: 3
# feedback: the robot belongs to root
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
chown alice /usr/local/bin/robot
