# task: 4
# feedback: found 0 such messages
#@ on laptop as {{me}}
(
  sleep 1; echo 'HELO {{me}}-mbp.example.com'
  sleep 1; echo 'MAIL FROM:<{{me}}@example.com>'
  sleep 1; echo 'RCPT TO:<{{friend}}@example.org>'
  sleep 1; echo QUIT
  sleep 1
) | telnet mailserver.example.com 25
#@ on fks1 as {{friend}}
printf 'From {{me}}@example.com Mon Mar  2 09:00:00 2026\nFrom: {{me}}@example.com\nTo: {{friend}}@example.org\nSubject: bowling\n\n{{word}}\n\n' > /var/mail/{{friend}}
