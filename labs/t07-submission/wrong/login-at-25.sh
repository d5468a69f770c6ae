# task: 3
# feedback: Port 25 has no login
#@ on hotel as {{me.user}}
token=$(printf '\0{{me.user}}\0{{password}}' | base64)
(
  sleep 1; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'QUIT'; sleep 1
) | telnet smtp.example.com 25
