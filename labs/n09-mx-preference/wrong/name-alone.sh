# task: 2
# feedback: also has a number
#@ answer short: {{old.host}}.{{old.domain}}
