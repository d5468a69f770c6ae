#@ task 1
#@ on lab
{{os.solve}}
postfix status
ss -ltnp
#@ task 2
#@ answer pid from lab: cat /var/spool/postfix/pid/master.pid
#@ answer address: 127.0.0.1:25
#@ task 3
#@ answer types: no configuration = nothing, internet site = open direct, smarthost = open relay, satellite = closed relay, local only = closed none
#@ task 4
{{os.addmail}}
#@ task 5
echo 'root: {{admin}}@example.com' >> /etc/aliases
newaliases
#@ task 6
echo Hallo | mail -s Testmail root
sleep 10
#@ task 7
#@ answer queue-id from lab: grep relay={{relay}} {{os.log}} | tail -1 | sed 's/.*\]: \([0-9A-F]*\): .*/\1/'
#@ answer dsn: 2.0.0
#@ answer relay: {{relay}}.example.com
