# task: 2
# feedback: is not right
#@ answer steps: 3
