# nc(1): all at once, and a half-closed connection
# needs: nc
want '^221 2\.0\.0 Bye' bash -c "printf 'EHLO a.example\r\nNOOP\r\nQUIT\r\n' | nc -N $SMTP_HOST $SMTP_PORT"
want '^503 5\.5\.1 Error: need MAIL command' bash -c "printf 'EHLO a.example\r\nRCPT TO:<a@b>\r\nQUIT\r\n' | nc -N $SMTP_HOST $SMTP_PORT"
