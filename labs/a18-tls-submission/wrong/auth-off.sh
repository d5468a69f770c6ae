# task: 5
# feedback: Now nobody can log in at all
#@ on mx1
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.1}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.1}}.key' 'smtpd_tls_security_level = may' 'smtpd_sasl_auth_enable = no'
postconf -Me 'submission/inet = submission inet n - y - - smtpd -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt'
postfix reload
