# task: 7
# feedback: But the line does not name the version
#@ on mx1
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.1}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.1}}.key' 'smtpd_tls_security_level = may'
postfix reload
#@ on out as guest
swaks --server mx1.example.com --tls --auth PLAIN --auth-user alice --auth-password {{password}} --from alice@example.com --to carol@example.com --body 'The word is {{word}}.'
sleep 5
#@ answer version: TLSv1.3
