# task: 5
# feedback: sets \Seen
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
  sleep 1; echo 'c SEARCH UNSEEN'
  sleep 1; echo 'd FETCH {{box.bill}} BODY[HEADER.FIELDS (SUBJECT)]'
  sleep 1; echo 'e LOGOUT'
) | telnet pop.example.net 143
#@ answer unseen: 3 2
