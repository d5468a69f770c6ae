# task: 6
# feedback: Only RCPT does
#@ on out as guest
(
  sleep 1; echo 'HELO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'To: {{alice}}@example.com'; echo 'Bcc: {{carol}}@example.com'; echo; echo 'psst'; echo .
  sleep 1; echo 'QUIT'; sleep 1
) | telnet mx1.example.com 25
