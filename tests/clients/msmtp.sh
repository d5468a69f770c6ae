# msmtp(1)
# needs: msmtp
options=(--host=mail.example.com --port="$SUBMISSION_PORT" --tls=on --tls-trust-file="$CA" --auth=plain --user=alice
    --from=alice@example.com --timeout=15)
# The certificate is for a name; the address is found without asking anybody.
base=(msmtp --file=/dev/null --host="$SUBMISSION_HOST" --port="$SUBMISSION_PORT" --tls=on --tls-certcheck=off --auth=plain
    --user=alice --from=alice@example.com --timeout=15)
want 'exit 0' bash -c "printf 'Subject: by msmtp\n\nHello.\n' | ${base[*]} --passwordeval='echo sesame' carol@example.org; echo exit \$?"
want 'authentication failed|535' bash -c "printf 'Subject: x\n\nx\n' | ${base[*]} --passwordeval='echo wrong' carol@example.org"
want 'certificate|TLS' bash -c "printf 'Subject: x\n\nx\n' | ${base[*]/--tls-certcheck=off/--tls-trust-file=$CA} --passwordeval='echo sesame' carol@example.org"
