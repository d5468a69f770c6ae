# task: 1
# feedback: each place that is sound is a mistake
#@ answer layers: dns, network, service, acceptance, delivery
