#@ wait 3m
#@ task 1
#@ on out as guest
(
  sleep 1; echo 'EHLO probe.example.net'
  {{cause.login}}
  sleep 1; echo 'MAIL FROM:<{{cause.sender}}>'
  sleep 1; echo 'RCPT TO:<{{cause.rcpt}}>'
  sleep 1; echo 'DATA'
  sleep 1; echo 'Subject: relay test'; echo; echo 'This should not have arrived.'; echo .
  sleep 1; echo 'QUIT'; sleep 1
) | telnet {{cause.door}}.example.com {{cause.number}}
#@ task 2
#@ answer rule: {{cause.rule}}
#@ task 3
#@ on mx1
{{cause.repair}}
postfix reload
sleep 2
#@ task 5
postqueue -j | jq -r 'select(.sender|test("^{{spam.name}}[0-9]+@")) | .queue_id' | postsuper -d -
#@ task 6
delist mx1.example.com
sleep 90
#@ on mx1 as alice
echo 'We are back.' | mail -s back u@bigmail.test
sleep 10
#@ task 7
#@ answer temporary: 454
#@ answer final: 554
