# task: 3
# feedback: whoever just hangs up
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE {{box.spam}}'
) | telnet pop.example.net 110
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'LIST'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
