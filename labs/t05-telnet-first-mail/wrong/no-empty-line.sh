# task: 4
# feedback: empty line between header and text
#@ on laptop as {{me}}
(
  sleep 1; echo 'HELO {{me}}-mbp.example.com'
  sleep 1; echo 'MAIL FROM:<{{me}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{friend}}@example.org>'
  sleep 1; echo 'DATA'
  sleep 1
  echo 'From: {{me}}@example.com'
  echo 'To: {{friend}}@example.org'
  echo 'Subject: bowling'
  echo 'Word: {{word}}'
  echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mailserver.example.com 25
