# task: 3
# feedback: there is a second MX record
#@ answer second: it bounces
