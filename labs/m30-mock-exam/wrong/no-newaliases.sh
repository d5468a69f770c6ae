# task: B2
# feedback: newaliases
#@ on two
echo '{{b2.rcpt}}: carl, dora' >> /etc/aliases
