# The model solution: it must earn everything. `#@ task 2` says that what stands before is all that
# task 2 needs: a student who is stuck can catch up to there.
#@ task 1
#@ on mx1 as root
echo '{{team}}: alice' >> /etc/aliases
newaliases
#@ task 2
#@ on mx1 as alice
echo 'The word is {{word}}.' | mail -s hello {{team}}
#@ answer queue-id from mx1: grep -o 'pickup.*: uid=' /var/log/mail.log | head -1 | sed 's/.*: \(.*\): uid=/\1/'
