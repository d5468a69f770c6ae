# task: 1
# feedback: That was the true fks1
#@ on mx1
(sleep 1; echo EHLO mx1.example.com; sleep 1; echo QUIT; sleep 1) | telnet fks1.example.org 25
#@ answer line: STARTTLS
