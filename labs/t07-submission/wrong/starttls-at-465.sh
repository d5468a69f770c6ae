# task: 6
# feedback: It waits for TLS
#@ on hotel as {{me.user}}
(sleep 1; echo 'EHLO room77.hotel.test'; sleep 1; echo 'STARTTLS'; sleep 2) | telnet smtp.example.com 465
true
