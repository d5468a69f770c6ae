# task: 4
# feedback: took your command for a tag
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE {{box.spam}}'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
#@ on home as {{me}}
(
  sleep 1; echo 'LOGIN {{me}} {{password}}'
  sleep 1; echo 'SELECT INBOX'
) | telnet pop.example.net 143
