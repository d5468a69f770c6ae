# curl(1) for smtp, smtps, pop3, imap
# needs: curl
printf 'Subject: by curl\r\n\r\nHello.\r\n' >"$WORK/mail"
send=(--mail-from alice@example.com --mail-rcpt bob@example.com --upload-file "$WORK/mail" --max-time 15)
name=mail.example.com
to() { echo --connect-to "$name:$1:$2:$1" --cacert "$CA"; }
want '250 2\.0\.0 Ok: queued' curl -sv $(to "$SUBMISSION_PORT" "$SUBMISSION_HOST") --ssl-reqd -u alice:sesame "smtp://$name:$SUBMISSION_PORT/ws1.example.com" "${send[@]}"
want '250 2\.0\.0 Ok: queued' curl -sv $(to "$SUBMISSIONS_PORT" "$SUBMISSIONS_HOST") -u alice:sesame "smtps://$name:$SUBMISSIONS_PORT/ws1.example.com" "${send[@]}"
sleep 0.5
want 'Subject: by curl' curl -s $(to "$POP3S_PORT" "$POP3S_HOST") -u bob:hunter2 "pop3s://$name:$POP3S_PORT/1"
want 'INBOX' curl -s $(to "$IMAPS_PORT" "$IMAPS_HOST") -u bob:hunter2 "imaps://$name:$IMAPS_PORT/"
want 'exit 67' bash -c "curl -s -u bob:wrong imap://$IMAP/ --max-time 15; echo exit \$?"
want 'exit 60' bash -c "curl -s --connect-to $name:$IMAPS_PORT:$IMAPS_HOST:$IMAPS_PORT -u bob:hunter2 imaps://$name:$IMAPS_PORT/; echo exit \$?"
