# offlineimap(1)
# needs: offlineimap
rc() {
    cat >"$WORK/offlineimaprc" <<RC
[general]
accounts = lab
metadata = $WORK/offlineimap
ui = basic
[Account lab]
localrepository = local
remoterepository = remote
[Repository local]
type = Maildir
localfolders = $WORK/offline
[Repository remote]
type = IMAP
remotehost = $IMAP_HOST
remoteport = $IMAP_PORT
remoteuser = bob
remotepass = $1
ssl = no
starttls = no
folderfilter = lambda name: name == 'INBOX'
RC
}
printf 'EHLO a.example\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nSubject: for offlineimap\r\n\r\nx\r\n.\r\nQUIT\r\n' |
    nc -N "$SMTP_HOST" "$SMTP_PORT" >/dev/null
sleep 0.5
rc hunter2
want 'Subject: for offlineimap' bash -c "offlineimap -o -c $WORK/offlineimaprc; grep -rh ^Subject: $WORK/offline"
rc wrong
want 'AUTHENTICATIONFAILED|Authentication failed' timeout 20 offlineimap -o -c "$WORK/offlineimaprc"
