# task: 1
# feedback: archive is a file
#@ answer targets: {{tree.who}}, bob@example.org
