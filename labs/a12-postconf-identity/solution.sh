#@ task 1
#@ answer queue from mx1: postconf -h queue_directory 2>/dev/null
#@ answer mailboxes from mx1: postconf -h mail_spool_directory 2>/dev/null
#@ answer daemons from mx1: postconf -h daemon_directory 2>/dev/null
#@ answer data from mx1: postconf -h data_directory 2>/dev/null
#@ task 2
#@ answer built-in from mx1: postconf -dh myorigin 2>/dev/null
#@ answer configured from mx1: postconf -h myorigin 2>/dev/null
#@ answer expanded from mx1: postconf -xh myorigin 2>/dev/null
#@ answer manual: postconf(5)
#@ task 3
#@ on mx1
sed -i '/^message_size_limit = {{double.first}}$/d' /etc/postfix/main.cf
#@ task 4
postconf -e 'myhostname = mx1.example.com' 'mydomain = example.com' 'myorigin = $mydomain'
postfix reload
#@ task 5
postconf -e 'inet_interfaces = all'
systemctl restart postfix
#@ task 6
postconf -e 'mydestination = $myhostname, $mydomain, localhost'
postfix reload
#@ task 7
postconf -e 'mynetworks = 127.0.0.0/8 [::1]/128 192.0.2.0/{{lan.prefix}} [2001:db8:1::]/64'
postfix reload
#@ task 8
#@ answer daemon: smtpd
#@ answer sixty: wake-up time in seconds
