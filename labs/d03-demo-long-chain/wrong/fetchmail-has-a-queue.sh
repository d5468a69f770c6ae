# task: 2
# feedback: fetchmail keeps nothing
#@ answer queues: msa, out, gw, hub, home, fetchmail
