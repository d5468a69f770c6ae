# task: 6
# feedback: wants wrapper mode
#@ on mx1
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.1}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.1}}.key' 'smtpd_tls_security_level = may'
postconf -Me 'submissions/inet = submissions inet n - y - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject'
postfix reload
