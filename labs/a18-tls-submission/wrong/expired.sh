# task: 1
# feedback: this certificate has expired
#@ on mx1
chmod 600 {{dir}}/*.key
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.2}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.2}}.key' 'smtpd_tls_security_level = may'
postfix reload
