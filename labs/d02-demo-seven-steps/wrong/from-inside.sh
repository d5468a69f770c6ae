# task: 5
# feedback: Try from out
#@ on {{client}}
(sleep 1; echo QUIT; sleep 1) | telnet localhost 25
