# task: 4
# feedback: Not 587 between servers
#@ answer ports: a=587, b=587, c=143, d=110
