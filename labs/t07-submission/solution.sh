#@ task 1
#@ on hotel as {{me.user}}
(
  sleep 1; echo 'EHLO room77.hotel.test'
  sleep 1; echo 'MAIL FROM:<{{me.user}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{friend}}@example.org>'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet smtp.example.com 25
#@ task 2
#@ on hotel as {{me.user}}
(
  sleep 1; echo 'EHLO room77.hotel.test'
  sleep 1; echo 'MAIL FROM:<{{me.user}}@example.com>'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet smtp.example.com 587
#@ answer code: 530
#@ task 3
#@ on hotel as {{me.user}}
token=$(printf '\0{{me.user}}\0{{password}}' | base64)
(
  sleep 2; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'QUIT'; sleep 1
) | openssl s_client -starttls smtp -crlf -quiet -connect smtp.example.com:587
true
#@ task 4
#@ on hotel as {{me.user}}
token=$(printf '\0{{me.user}}\0{{password}}' | base64)
(
  sleep 2; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'MAIL FROM:<{{me.user}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{friend}}@example.org>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: from the hotel'; echo; echo 'The word is {{word}}.'; echo .
  sleep 1; echo 'QUIT'; sleep 1
) | openssl s_client -starttls smtp -crlf -quiet -connect smtp.example.com:587
true
#@ answer with: ESMTPSA
#@ task 5
#@ on hotel as {{me.user}}
(
  sleep 1; echo 'EHLO room77.hotel.test'
  sleep 1; echo 'MAIL FROM:<{{me.user}}@example.com>'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet fks1.example.org 587
#@ answer between: 25
#@ task 6
#@ on hotel as {{me.user}}
token=$(printf '\0{{me.user}}\0{{password}}' | base64)
(
  sleep 2; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'QUIT'; sleep 1
) | openssl s_client -crlf -quiet -connect smtp.example.com:465
true
#@ answer padlock: before
#@ task 7
#@ on hotel as {{me.user}}
token=$(printf '\0{{me.user}}\0{{password}}' | base64)
(
  sleep 2; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'MAIL FROM:<{{me.boss}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{friend}}@example.org>'
  sleep 1; echo 'QUIT'; sleep 1
) | openssl s_client -starttls smtp -crlf -quiet -connect smtp.example.com:587
true
