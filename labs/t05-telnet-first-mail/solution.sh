#@ task 1
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
  echo
  echo 'Tonight at eight? The word is {{word}}.'
  echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mailserver.example.com 25
#@ task 6
#@ answer queue-id from mailserver: grep -o 'smtpd.*client=' /var/log/mail.log | head -1 | sed 's/.*: \(.*\): client=/\1/'
#@ answer mailbox: /var/mail/{{friend}}
#@ task 7
#@ on laptop as {{me}}
(
  sleep 1; echo 'helo {{me}}-mbp.example.com'
  sleep 1; echo 'mail from: {{me}}@example.com'
  sleep 1; echo 'rcpt to: {{friend}}@example.org'
  sleep 1; echo 'data'
  sleep 1; echo 'subject: bowling'; echo 'see you at eight'; echo .
  sleep 1; echo 'quit'
  sleep 1
) | telnet mailserver.example.com 25
#@ answer missing: {{adds.words}}
