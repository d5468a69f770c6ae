# Python's smtplib, poplib and imaplib
# needs: python3
python3 - <<'PY'
import imaplib, os, poplib, smtplib, ssl, time
port = lambda name: (os.environ[name + "_HOST"], int(os.environ[name + "_PORT"]))
trust = ssl.create_default_context(cafile=os.environ["CA"])
trust.check_hostname = False
s = smtplib.SMTP(*port("SUBMISSION"), timeout=15)
s.starttls(context=trust)
s.login("alice", "sesame")
s.sendmail("alice@example.com", ["bob@example.com"], "Subject: by python\r\n\r\n.a dot\r\nGr\u00fc\u00dfe\r\n".encode())
s.quit()
s = smtplib.SMTP_SSL(*port("SUBMISSIONS"), timeout=15, context=trust)
try:
    s.login("alice", "wrong")
    raise SystemExit("a wrong password was accepted")
except smtplib.SMTPAuthenticationError as error:
    assert error.smtp_code == 535, error
s.quit()
try:
    smtplib.SMTP_SSL(*port("SUBMISSIONS"), timeout=15, context=ssl.create_default_context())
    raise SystemExit("an unknown authority was trusted")
except ssl.SSLError:
    pass
time.sleep(0.5)
p = poplib.POP3(*port("POP3"), timeout=15)
p.stls(context=trust)
p.user("bob"); p.pass_("hunter2")
count = p.stat()[0]
mail = b"\n".join(p.retr(count)[1])
assert b"Subject: by python" in mail and b"\n.a dot" in mail and "Gr\u00fc\u00dfe".encode() in mail, mail
p.quit()
i = imaplib.IMAP4_SSL(*port("IMAPS"), ssl_context=trust, timeout=15)
i.login("bob", "hunter2")
assert int(i.select()[1][0]) >= 1
assert b"Subject: by python" in i.search(None, "SUBJECT", '"by python"')[1][0] or i.search(None, "SUBJECT", '"by python"')[1][0]
i.logout()
i = imaplib.IMAP4(*port("IMAP"), timeout=15)
try:
    i.login("bob", "wrong")
    raise SystemExit("a wrong password was accepted")
except imaplib.IMAP4.error:
    pass
PY
