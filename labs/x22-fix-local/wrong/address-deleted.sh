# task: 4
# feedback: Only one step
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.gone}}
