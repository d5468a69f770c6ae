# task: 3
# feedback: lacks addresses
#@ wait 1m
#@ on mx2
postconf -e "relay_recipient_maps = inline:{alice@example.com=ok,carol@example.com=ok}"
postfix reload
