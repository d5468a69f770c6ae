# task: 7
# feedback: every user of the machine
#@ on ubu
chmod 666 /srv/intake/box
