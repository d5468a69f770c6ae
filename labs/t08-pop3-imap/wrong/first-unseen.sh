# task: 4
# feedback: not how many there are
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE {{box.spam}}'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
#@ on home as {{me}}
(
  sleep 1; echo 'a LOGIN {{me}} {{password}}'
  sleep 1; echo 'b SELECT INBOX'
) | telnet pop.example.net 143
#@ answer unseen: 3 3
