# task: 4
# feedback: the code word is not in its text
#@ on laptop as {{me}}
(
  sleep 1; echo 'HELO {{me}}-mbp.example.com'
  sleep 1; echo 'MAIL FROM:<{{me}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{friend}}@example.org>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: bowling'; echo; echo 'tonight?'; echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mailserver.example.com 25
#@ on fks1 as {{friend}}
sed -i 's/^tonight?$/{{word}}/; s/^Subject:/From: a\nTo: b\nSubject:/' /var/mail/{{friend}}
