#@ task 1
#@ on home as {{me}}
(
  sleep 1; echo 'USER {{me}}'
  sleep 1; echo 'PASS {{password}}'
  sleep 1; echo 'STAT'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet pop.example.net 110 | tee stat
#@ answer stat from home: tr -d '\r' < /home/{{me}}/stat | sed -n 's/^+OK \([0-9]* [0-9]*\)$/\1/p'
#@ task 2
#@ on home as {{me}}
(
  sleep 1; echo 'USER {{me}}'
  sleep 1; echo 'PASS {{password}}'
  sleep 1; echo 'LIST'
  sleep 1; echo 'TOP {{box.letter}} 0'
  sleep 1; echo 'RETR {{box.letter}}'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet pop.example.net 110
#@ answer word: {{word}}
#@ task 3
#@ on home as {{me}}
(
  sleep 1; echo 'USER {{me}}'
  sleep 1; echo 'PASS {{password}}'
  sleep 1; echo 'DELE {{box.spam}}'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet pop.example.net 110
#@ task 4
#@ on home as {{me}}
(
  sleep 1; echo 'a LOGIN {{me}} {{password}}'
  sleep 1; echo 'b SELECT INBOX'
  sleep 1; echo 'c SEARCH UNSEEN'
  sleep 1; echo 'd LOGOUT'; sleep 1
) | telnet pop.example.net 143
#@ answer unseen: 3 2
#@ task 5
#@ on home as {{me}}
(
  sleep 1; echo 'a LOGIN {{me}} {{password}}'
  sleep 1; echo 'b SELECT INBOX'
  sleep 1; echo 'c FETCH {{box.bill}} BODY.PEEK[HEADER.FIELDS (SUBJECT)]'
  sleep 1; echo 'd LOGOUT'; sleep 1
) | telnet pop.example.net 143
#@ task 6
#@ on home as {{me}}
(
  sleep 1; echo 'a LOGIN {{me}} {{password}}'
  sleep 1; echo 'b SELECT INBOX'
  sleep 1; echo 'c STORE {{box.news}} +FLAGS (\Seen)'
  sleep 1; echo 'd LOGOUT'; sleep 1
) | telnet pop.example.net 143
#@ on phone as {{me}}
(
  sleep 1; echo 'a LOGIN {{me}} {{password}}'
  sleep 1; echo 'b SELECT INBOX'
  sleep 1; echo 'c FETCH 1:* FLAGS'
  sleep 1; echo 'd LOGOUT'; sleep 1
) | telnet pop.example.net 143
(
  sleep 1; echo 'USER {{me}}'
  sleep 1; echo 'PASS {{password}}'
  sleep 1; echo 'LIST'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet pop.example.net 110
#@ answer knows: imap
#@ task 7
#@ on home as {{me}}
echo 'poll pop.example.net protocol pop3 user {{me}} password {{password}} is {{me}} here' > .fetchmailrc
chmod 600 .fetchmailrc
fetchmail -v
