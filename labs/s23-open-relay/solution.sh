#@ wait 3m
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  sleep 1; echo 'MAIL FROM:<{{cause.sender}}>'
  sleep 1; echo 'RCPT TO:<{{me}}@example.org>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: relay test'; echo; echo 'This should not have arrived.'; echo .
  sleep 1; echo 'QUIT'; sleep 1
) | telnet mx1.example.com {{cause.number}}
#@ answer rule: {{cause.rule}}
#@ on mx1
{{cause.repair}}
postfix reload
sleep 2
postqueue -j | jq -r 'select(.sender|test("^{{spam.name}}[0-9]+@")) | .queue_id' | postsuper -d -
delist mx1
sleep 30
#@ on mx1 as alice
echo 'We are back.' | mail -s back u@bigmail.test
sleep 10
#@ answer temporary: 454
#@ answer final: 554
