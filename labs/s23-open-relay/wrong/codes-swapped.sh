# task: 7
# feedback: the other way round
#@ answer temporary: 554
#@ answer final: 454
