# task: 3
# feedback: Not only the spam
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE 1'
  sleep 1; echo 'DELE 2'
  sleep 1; echo 'DELE 3'
  sleep 1; echo 'DELE 4'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
