# task: 1
# feedback: HELO is the old greeting
#@ on out as guest
(sleep 1; echo 'HELO probe.example.net'; sleep 1; echo QUIT; sleep 1) | telnet mx1.example.com 25
