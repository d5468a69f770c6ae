# task: 4
# feedback: Only blanks at its beginning
#@ on mx1
sed -i 's/^#submission inet/submission inet/; s/^#  -o syslog_name=postfix.submission$/-o syslog_name=postfix\/submission/; s/^#  -o smtpd_tls_security_level=encrypt/-o smtpd_tls_security_level=encrypt/' /etc/postfix/master.cf
postfix reload
