# The capture file opens in Wireshark, with SMTP and DNS dissected.
# needs: tshark nc dig
printf 'EHLO a.example\r\nQUIT\r\n' | nc -N "$SMTP_HOST" "$SMTP_PORT" >/dev/null
dig "@$DOMAIN_HOST" -p "$DOMAIN_PORT" +short MX example.com >/dev/null
sleep 0.5
cp "$WORK/run.pcap" "$WORK/seen.pcap"
want 'C: EHLO a\.example' tshark -r "$WORK/seen.pcap" -Y smtp.req
want 'MX example\.com' tshark -r "$WORK/seen.pcap" -Y dns
want '^0$' bash -c "tshark -r $WORK/seen.pcap -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y 'tcp.checksum.status==0 || ip.checksum.status==0 || _ws.malformed' 2>/dev/null | wc -l"
