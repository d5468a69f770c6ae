# task: 2
# feedback: A public MX may only offer it
#@ on mx1
postconf -e 'smtpd_tls_cert_file = {{dir}}/{{cert.1}}.pem' 'smtpd_tls_key_file = {{dir}}/{{cert.1}}.key' 'smtpd_tls_security_level = encrypt'
postfix reload
