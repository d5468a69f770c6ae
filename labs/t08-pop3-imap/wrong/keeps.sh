# task: 7
# feedback: keep says so
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE {{box.spam}}'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
#@ on home as {{me}}
echo 'poll pop.example.net protocol pop3 user {{me}} password {{password}} is {{me}} here keep' > .fetchmailrc
chmod 600 .fetchmailrc
fetchmail
