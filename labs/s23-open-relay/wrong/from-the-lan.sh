# task: 1
# feedback: The LAN may send
#@ wait 3m
#@ on ws1 as alice
(
  sleep 1; echo 'EHLO ws1.example.com'
  sleep 1; echo 'MAIL FROM:<alice@example.com>'
  sleep 1; echo 'RCPT TO:<{{me}}@example.org>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: relay test'; echo; echo 'from inside'; echo .
  sleep 1; echo 'QUIT'; sleep 1
) | telnet mx1.example.com 25
