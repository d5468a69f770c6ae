# task: 2
# feedback: never learns it
#@ wait 1m
#@ on mx1
printf "former: carol\n" >> /etc/aliases; newaliases
postconf -e "luser_relay = carol"
postfix reload
