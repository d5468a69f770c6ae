#@ task 1
#@ on out as guest
(sleep 1; echo 'EHLO probe.example.net'; sleep 1; echo 'QUIT'; sleep 1) | telnet mx1.example.com 25
#@ answer size from mx1: postconf -h message_size_limit
#@ answer vrfy from mx1: test "$(postconf -h disable_vrfy_command)" = no && echo yes || echo no
#@ answer starttls from mx1: test "$(postconf -h smtpd_tls_security_level)" = may && echo yes || echo no
#@ answer login: no
#@ task 2
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL'
  sleep 1; echo 'DATA'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<nosuch@example.com>'
  sleep 1; echo 'RCPT TO:<u@elsewhere.test>'
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ task 3
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{carol}}@example.com>'
  sleep 1; echo 'RSET'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: once more'; echo; echo 'begun again'; echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ task 4
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net> SIZE=99999999'
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ task 5
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'From: boss@example.org'; echo 'To: everybody@example.org'; echo 'Subject: envelope'; echo; echo 'who am I?'; echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ task 6
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{carol}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'From: a@example.net'; echo 'To: {{alice}}@example.com'; echo 'Subject: copy'; echo; echo 'for your eyes'; echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ task 7
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<a@example.net>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: dots'; echo; echo '..'; echo '..hidden'; echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ task 8
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<>'
  sleep 1; echo 'RCPT TO:<{{alice}}@example.com>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: a report'; echo; echo 'it failed'; echo .
  sleep 1; echo 'QUIT'
  sleep 1
) | telnet mx1.example.com 25
#@ answer null-sender: bounces
