# task: 1
# feedback: wrong order
#@ on mx1
host -t MX example.org
#@ answer servers: {{mx.second}}.example.org, {{mx.first}}.example.org
