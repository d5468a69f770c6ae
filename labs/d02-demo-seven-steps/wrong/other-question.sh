# task: 3
# feedback: by the relay host alone
#@ answer question: MX example.org
