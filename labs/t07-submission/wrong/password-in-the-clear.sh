# task: 2
# feedback: in the clear
#@ on hotel as {{me.user}}
token=$(printf '\0{{me.user}}\0{{password}}' | base64)
(
  sleep 1; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'MAIL FROM:<{{me.user}}@example.com>'
  sleep 1; echo 'QUIT'; sleep 1
) | telnet smtp.example.com 587
#@ answer code: 530
