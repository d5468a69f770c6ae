# task: 1
# feedback: Deferred is not on hold
#@ wait 6m
#@ answer held: {{offer.1}}, {{offer.2}}, {{offer.3}}, {{offer.4}}, {{offer.5}}, {{offer.6}}
