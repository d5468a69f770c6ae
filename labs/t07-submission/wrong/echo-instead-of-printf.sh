# task: 3
# feedback: The word is not right
#@ on hotel as {{me.user}}
token=$(echo '{{me.user}} {{password}}' | base64)
(
  sleep 2; echo 'EHLO room77.hotel.test'
  sleep 1; echo "AUTH PLAIN $token"
  sleep 1; echo 'QUIT'; sleep 1
) | openssl s_client -starttls smtp -crlf -quiet -connect smtp.example.com:587
true
