# task: A1
# feedback: 1 wrong
#@ answer q1: something else
#@ answer q1: {{q.1.say}}
