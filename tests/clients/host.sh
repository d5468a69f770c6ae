# host(1)
# needs: host
want 'example\.com mail is handled by 10 mail\.example\.com\.' host -p "$DOMAIN_PORT" -t MX example.com "$DOMAIN_HOST"
want 'not found: 3\(NXDOMAIN\)' host -p "$DOMAIN_PORT" nobody.example.com "$DOMAIN_HOST"
