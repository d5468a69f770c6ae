# task: 2
# feedback: refuses to run
#@ answer rule: no restrictions are set
