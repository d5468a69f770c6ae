# task: 1
# feedback: the database has not
#@ on mx1 as root
echo '{{team}}: alice' >> /etc/aliases
