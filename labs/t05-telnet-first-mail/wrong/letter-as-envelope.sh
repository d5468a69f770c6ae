# task: 3
# feedback: lines of the letter
#@ on laptop as {{me}}
(sleep 1; echo 'HELO {{me}}-mbp.example.com'; sleep 1; echo 'From: {{me}}@example.com'; sleep 1; echo QUIT; sleep 1) | telnet mailserver.example.com 25
