# Certificates that are wrong on demand (`--certificate`), as openssl and curl see them
# needs: openssl curl python3
for flaw in expired wrong-name self-signed; do
    "$MXLAB" serve practice --certificate "$flaw" --single-address --no-record --json >"$WORK/flaw.json" 2>/dev/null </dev/null &
    server=$!
    for _ in $(seq 100); do [ -s "$WORK/flaw.json" ] && break; sleep 0.1; done
    port=$(python3 -c 'import json, sys
print(next(row["port"] for row in json.load(open(sys.argv[1])) if row["service"] == "imaps" and ":" not in row["address"]))' "$WORK/flaw.json")
    case $flaw in
        expired) openssl_says='certificate has expired' curl_exit=60 ;;
        wrong-name) openssl_says='[Hh]ostname mismatch' curl_exit=60 ;;
        self-signed) openssl_says='self.signed certificate' curl_exit=60 ;;
    esac
    want "$openssl_says" bash -c "typed 'a LOGOUT' | openssl s_client -connect 127.0.0.1:$port -CAfile $CA -verify_hostname mail.example.com -verify_return_error"
    want "exit $curl_exit" bash -c "curl -s --connect-to mail.example.com:$port:127.0.0.1:$port --cacert $CA -u bob:hunter2 imaps://mail.example.com:$port/; echo exit \$?"
    kill $server
    wait $server || true
    rm "$WORK/flaw.json"
done
