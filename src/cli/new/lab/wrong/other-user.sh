# task: 1
# feedback: mail to {{team}} reaches alice
#@ on mx1 as root
echo '{{team}}: root' >> /etc/aliases
newaliases
