# task: 2
# feedback: hands everything to its relay host
#@ answer asks: {{client}}
