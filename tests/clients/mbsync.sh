# mbsync(1), from isync
# needs: mbsync
mkdir -p "$WORK/box"
rc() {
    cat >"$WORK/mbsyncrc" <<RC
IMAPAccount lab
Host $IMAPS_HOST
Port $IMAPS_PORT
User bob
Pass $1
SSLType IMAPS
CertificateFile $WORK/cert.pem

IMAPStore remote
Account lab

MaildirStore local
Path $WORK/box/
Inbox $WORK/box/INBOX

Channel lab
Far :remote:
Near :local:
Patterns INBOX
Create Near
SyncState *
RC
}
# mbsync trusts the server's own certificate: it is connected to by address, not by name.
openssl s_client -connect "$IMAPS" </dev/null 2>/dev/null | openssl x509 >"$WORK/cert.pem"
printf 'EHLO a.example\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nSubject: for mbsync\r\n\r\nx\r\n.\r\nQUIT\r\n' |
    nc -N "$SMTP_HOST" "$SMTP_PORT" >/dev/null
sleep 0.5
rc hunter2
want 'Subject: for mbsync' bash -c "mbsync -c $WORK/mbsyncrc lab; grep -rh ^Subject: $WORK/box"
rc wrong
want 'LOGIN|Authentication' mbsync -c "$WORK/mbsyncrc" lab
