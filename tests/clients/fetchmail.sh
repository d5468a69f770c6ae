# fetchmail(1): POP3 and IMAP into a file
# needs: fetchmail
cat >"$WORK/deliver" <<'SH'
#!/bin/sh
cat >>"$WORK/fetched"
SH
chmod +x "$WORK/deliver"
rc() {
    printf 'poll %s protocol %s port %s user "alice" password "%s" sslproto "" mda "%s" keep\n' "$1" "$2" "$3" "$4" "$WORK/deliver" >"$WORK/fetchmailrc"
    chmod 600 "$WORK/fetchmailrc"
}
swaks --server "$SMTP" --from bob@example.com --to alice@example.com --h-Subject 'for fetchmail' >/dev/null 2>&1 ||
    printf 'EHLO a.example\r\nMAIL FROM:<bob@example.com>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\nSubject: for fetchmail\r\n\r\nx\r\n.\r\nQUIT\r\n' | nc -N "$SMTP_HOST" "$SMTP_PORT" >/dev/null
sleep 0.5
fetch() { fetchmail --nodetach --nosyslog -v -a -f "$WORK/fetchmailrc" --idfile "$WORK/ids" --pidfile "$WORK/pid" 2>&1; cat "$WORK/fetched" 2>/dev/null; }
for protocol in pop3 imap; do
    upper=${protocol^^}; host=${upper}_HOST; port=${upper}_PORT
    rm -f "$WORK/fetched"
    rc "${!host}" $protocol "${!port}" sesame
    want '^Subject: for fetchmail' fetch
    rc "${!host}" $protocol "${!port}" wrong
    want 'Authorization failure|Authentication failed' fetch
done
