#@ task 1
#@ on mx1
for f in {{dir}}/*.pem; do echo $f; openssl x509 -in $f -noout -subject -enddate; done
install -m 644 {{dir}}/{{cert.1}}.pem /etc/postfix/mx1.pem
install -m 600 {{dir}}/{{cert.1}}.key /etc/postfix/mx1.key
postconf -e 'smtpd_tls_cert_file = /etc/postfix/mx1.pem' 'smtpd_tls_key_file = /etc/postfix/mx1.key' 'smtpd_tls_security_level = may'
postfix reload
#@ task 2
#@ task 3
#@ on mx1
postconf -e 'smtp_tls_security_level = may'
postfix reload
#@ task 4
#@ on mx1
postconf -Me 'submission/inet = submission inet n - y - - smtpd'
postconf -Pe 'submission/inet/syslog_name=postfix/submission' 'submission/inet/smtpd_tls_security_level=encrypt' 'submission/inet/smtpd_sasl_auth_enable=yes' 'submission/inet/smtpd_client_restrictions=permit_sasl_authenticated,reject'
postfix reload
#@ task 5
#@ on mx1
postconf -e 'smtpd_tls_auth_only = yes'
postfix reload
#@ task 6
#@ on mx1
postconf -Me 'submissions/inet = submissions inet n - y - - smtpd'
postconf -Pe 'submissions/inet/syslog_name=postfix/submissions' 'submissions/inet/smtpd_tls_wrappermode=yes' 'submissions/inet/smtpd_sasl_auth_enable=yes' 'submissions/inet/smtpd_client_restrictions=permit_sasl_authenticated,reject'
postfix reload
#@ task 7
#@ on mx1
postconf -e 'smtpd_tls_received_header = yes' 'smtpd_tls_loglevel = 1'
postfix reload
#@ on out as guest
swaks --server mx1.example.com:587 --tls --auth PLAIN --auth-user alice --auth-password {{password}} --from alice@example.com --to carol@example.com --body 'The word is {{word}}.'
sleep 5
#@ answer version: TLSv1.3
#@ task 8
#@ on out as guest
swaks --server mx1.example.com --tls --from guest@example.net --to alice@example.com
sleep 5
#@ answer with: ESMTPS
#@ answer levels: verify, secure
