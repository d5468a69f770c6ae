# task: 5
# feedback: still names
#@ on out as guest
(
  sleep 1; echo 'HELO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'From: a@example.net'; echo 'To: {{alice}}@example.com'; echo; echo 'hello'; echo .
  sleep 1; echo 'QUIT'; sleep 1
) | telnet mx1.example.com 25
