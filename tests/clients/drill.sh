# drill(1)
# needs: drill
want 'example\.com\..*MX.*10 mail\.example\.com\.' drill -p "$DOMAIN_PORT" example.com "@$DOMAIN_HOST" MX
want 'rcode: NXDOMAIN' drill -p "$DOMAIN_PORT" nobody.example.com "@$DOMAIN_HOST" A
