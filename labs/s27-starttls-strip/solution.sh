#@ task 1
#@ on ns as eve
attack off
#@ on mx1
(sleep 1; echo EHLO mx1.example.com; sleep 1; echo QUIT; sleep 1) | telnet fks1.example.org 25
#@ on ns as eve
attack strip
#@ on mx1
(sleep 1; echo EHLO mx1.example.com; sleep 1; echo QUIT; sleep 1) | telnet fks1.example.org 25
#@ answer line: STARTTLS
#@ task 2
#@ on ns as eve
attack strip
#@ on mx1 as alice
echo 'The word is {{word}}.' | mail -s secret bob@example.org
sleep 10
#@ answer label from tap: sed -n 's/^Delivered-To: eve+\(.*\)@.*/\1/p' /var/mail/eve | tail -n 1
#@ task 3
#@ on mx1
echo 'example.org encrypt' > /etc/postfix/tls_policy
postmap /etc/postfix/tls_policy
postconf -e 'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy'
postfix reload
#@ task 4
#@ on mx1
echo 'example.org secure' > /etc/postfix/tls_policy
postmap /etc/postfix/tls_policy
postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/training-ca.pem'
postfix reload
#@ task 5
#@ on mx1
postconf -e 'smtpd_tls_auth_only = yes'
postconf -P 'submission/inet/smtpd_tls_security_level=encrypt'
postfix reload
#@ task 6
#@ on hotel as alice
sed -i 's/^tls=.*/tls=required/' ~/.account
#@ answer port: 465
#@ task 7
#@ answer mechanisms: DANE, MTA-STS
