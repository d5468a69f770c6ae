# task: 2
# feedback: A domain has no door
#@ answer first: example.com
