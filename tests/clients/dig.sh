# dig(1): records, TCP, EDNS, transfers, names of elsewhere
# needs: dig
ask() { dig "@$DOMAIN_HOST" -p "$DOMAIN_PORT" +time=3 +tries=1 "$@"; }
export -f ask
want '^10 mail\.example\.com\.$' ask +short MX example.com
want '^192\.0\.2\.10$' ask +short +tcp A mail.example.com
want '^mail\.example\.com\.$' ask +short -x 192.0.2.10
want 'status: NOERROR' ask ANY example.com
want 'Truncated, retrying in TCP mode' ask +notcp ANY example.com
want 'flags: qr tc.* ANSWER: 0' ask +notcp +ignore ANY example.com
want 'udp: 1232' ask MX example.com
want 'status: NXDOMAIN' ask A nobody.example.com
want 'Transfer failed' ask AXFR example.com
want 'status: (REFUSED|NXDOMAIN)' ask A www.debian.org
