# task: 1
# feedback: server of the recipient
#@ on laptop as {{me}}
(sleep 1; echo 'HELO {{me}}-mbp.example.com'; sleep 1; echo QUIT; sleep 1) | telnet fks1.example.org 25
