"""Uses every service of `mxlab serve practice` once, good and bad."""
import socket

for port, lines in [
    (2525, [b"EHLO a.example\r\n", b"MAIL FROM:<alice@example.com>\r\n", b"RCPT TO:<carol@example.org>\r\n", b"DATA\r\n",
            b"Subject: x\r\n\r\nx\r\n.\r\n", b"QUIT\r\n"]),
    (2526, [b"EHLO a.example\r\n", b"MAIL FROM:<a@elsewhere.example>\r\n", b"RCPT TO:<x@elsewhere.example>\r\n"]),
    (1110, [b"USER bob\r\n", b"PASS hunter2\r\n", b"STAT\r\n"]),
    (1143, [b"a LOGIN bob hunter2\r\n", b"b SELECT INBOX\r\n"]),
    (4465, [b"no handshake\r\n"]),
]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.settimeout(1)
        for line in [b""] + lines:
            try:
                client.sendall(line)
                client.recv(4096)
            except OSError:
                break
question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00%s\x00\x00\x0f\x00\x01"
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(5)
for name in (b"\x07example\x03com", b"\x03www\x06debian\x03org"):
    asker.sendto(question % name, ("127.0.0.1", 5300))
    asker.recv(4096)
