# task: 1
# feedback: For its own domain
#@ on hotel as {{me.user}}
(
  sleep 1; echo 'EHLO room77.hotel.test'
  sleep 1; echo 'MAIL FROM:<{{me.user}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{me.boss}}@example.com>'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet smtp.example.com 25
