# task: 5
# feedback: there is more than one door
#@ on mx1
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.1}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.1}}.key' 'smtpd_tls_security_level = may'
postconf -Me 'submission/inet = submission inet n - y - - smtpd -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject'
postfix reload
