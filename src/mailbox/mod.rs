//! Where mail rests and how it is fetched: mbox, Maildir, POP3 and IMAP servers.
