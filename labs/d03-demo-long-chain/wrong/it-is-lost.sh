# task: 3
# feedback: neither lost nor sent back
#@ answer waits: it is lost
