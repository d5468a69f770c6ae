# swaks(1): every way to log in, every way to TLS
# needs: swaks
base=(swaks --from alice@example.com --to carol@example.org --timeout 15)
login=(--auth-user alice --auth-password sesame)
for mechanism in PLAIN LOGIN CRAM-MD5; do
    want '250 2\.0\.0 Ok: queued' "${base[@]}" --server "$SUBMISSION" -tls --auth $mechanism "${login[@]}"
done
want '250 2\.0\.0 Ok: queued' "${base[@]}" --server "$SUBMISSIONS" --tls-on-connect --auth PLAIN "${login[@]}"
want '250 2\.0\.0 Ok: queued' "${base[@]}" --server "$SUBMISSION" -tls --tls-ca-path "$CA" --tls-verify --auth PLAIN "${login[@]}"
want '535 5\.7\.8' "${base[@]}" --server "$SUBMISSION" -tls --auth PLAIN --auth-user alice --auth-password wrong
want '554 5\.7\.1|454 4\.7\.1' "${base[@]}" --server "$SUBMISSION"
want '451 4\.3\.0' swaks --server "$SMTP" --from alice@example.com --to 451.rcpt@fault.test
