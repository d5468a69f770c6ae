# task: 1
# feedback: archive is a file
#@ answer targets: alice, bob@example.org
