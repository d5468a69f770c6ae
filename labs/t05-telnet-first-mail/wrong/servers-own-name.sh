# task: 2
# feedback: the name of the host that is calling
#@ on laptop as {{me}}
(sleep 1; echo 'HELO mailserver.example.com'; sleep 1; echo QUIT; sleep 1) | telnet mailserver.example.com 25
