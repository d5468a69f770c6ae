# task: 1
# feedback: smtpd does not know it yet
#@ on mx1
chmod 600 {{dir}}/*.key
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.1}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.1}}.key' 'smtpd_tls_security_level = may'
