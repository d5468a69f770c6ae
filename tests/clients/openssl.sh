# openssl s_client: STARTTLS and implicit TLS, with and without trust
# needs: openssl
want 'Verification: OK|Verify return code: 0 \(ok\)' bash -c "typed QUIT | openssl s_client -connect $SMTP -starttls smtp -crlf -CAfile $CA -verify_hostname mail.example.com"
want '^220 mail\.example\.com ESMTP' bash -c "typed QUIT | openssl s_client -quiet -connect $SUBMISSIONS -crlf -CAfile $CA"
want '\* OK' bash -c "typed 'a LOGOUT' | openssl s_client -quiet -connect $IMAPS -crlf -CAfile $CA"
want 'Verify return code: 0 \(ok\)' bash -c "typed QUIT | openssl s_client -connect $POP3 -starttls pop3 -crlf -CAfile $CA"
want 'Verify return code: 0 \(ok\)' bash -c "typed 'a LOGOUT' | openssl s_client -connect $IMAP -starttls imap -crlf -CAfile $CA"
want 'Hostname mismatch|hostname mismatch' bash -c "typed QUIT | openssl s_client -connect $SMTP -starttls smtp -CAfile $CA -verify_hostname other.example -verify_return_error"
want 'unable to (get local|verify)' bash -c "typed QUIT | openssl s_client -connect $SMTP -starttls smtp -no-CAfile -no-CApath"
