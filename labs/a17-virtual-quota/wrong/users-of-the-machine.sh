# task: 4
# feedback: users of the machine
#@ on mx1
useradd -m box
useradd -m old
postconf -e 'mydestination = $myhostname, example.com, localhost, {{post}}'
postfix reload
