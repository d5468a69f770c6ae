# telnet(1), as a learner types
# needs: telnet
want '^250 2\.0\.0 Ok: queued as' bash -c "typed 'EHLO ws1.example.com' 'MAIL FROM:<alice@example.com>' 'RCPT TO:<bob@example.com>' \
    DATA 'Subject: by hand' '' 'Hello.' . QUIT | telnet $SMTP_HOST $SMTP_PORT"
want '^45. 4\.7\.1 <carol@elsewhere\.test>: Relay access denied|^454 ' bash -c "typed 'EHLO cafe.example.net' \
    'MAIL FROM:<guest@example.net>' 'RCPT TO:<carol@elsewhere.test>' QUIT | telnet $SMTP_OUTSIDE_HOST $SMTP_OUTSIDE_PORT"
want '^500 5\.5\.2 Error: command not recognized' bash -c "typed 'HELLO there' QUIT | telnet $SMTP_HOST $SMTP_PORT"
want '^\+OK' bash -c "typed 'USER alice' 'PASS sesame' STAT QUIT | telnet $POP3_HOST $POP3_PORT"
