# task: 7
# feedback: fetchmail has brought the three letters
#@ on home as {{me}}
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE {{box.spam}}'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
for subject in Saturday 'Bill {{bill}}' 'News from the club'; do echo 'copied' | mail -s "$subject" {{me}}; done
sleep 5
(
  sleep 1; echo "USER {{me}}"
  sleep 1; echo "PASS {{password}}"
  sleep 1; echo 'DELE 1'
  sleep 1; echo 'DELE 2'
  sleep 1; echo 'DELE 3'
  sleep 1; echo 'QUIT'
) | telnet pop.example.net 110
echo 'poll pop.example.net protocol pop3 user {{me}} password {{password}} is {{me}} here' > .fetchmailrc
chmod 600 .fetchmailrc
fetchmail
true
