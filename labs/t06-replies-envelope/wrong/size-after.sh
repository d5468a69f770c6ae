# task: 4
# feedback: Say the size beforehand
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: large'; echo
  i=0; while [ $i -lt 1500 ]; do echo '0123456789012345678901234567890123456789012345678901234567890123456789'; i=$((i+1)); done
  echo .
  sleep 2; echo 'QUIT'; sleep 1
) | telnet mx1.example.com 25
