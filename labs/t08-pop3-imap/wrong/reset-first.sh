# task: 3
# feedback: took the mark away
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE {{box.spam}}'
  sleep 1; echo 'RSET'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
