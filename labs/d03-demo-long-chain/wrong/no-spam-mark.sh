# task: 6
# feedback: no spam. Look at the other letter
#@ answer mark: {{mark.name}}: {{mark.no}}
