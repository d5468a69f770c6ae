# task: 2
# feedback: this time the line was encrypted
#@ on ns as eve
attack fake
#@ on mx1 as alice
echo 'The word is {{word}}.' | mail -s secret bob@example.org
sleep 10
#@ answer label from tap: sed -n 's/^Delivered-To: eve+\(.*\)@.*/\1/p' /var/mail/eve | tail -n 1
