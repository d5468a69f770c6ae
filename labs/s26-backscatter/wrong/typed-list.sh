# task: 2
# feedback: aliases are recipients, too
#@ wait 1m
#@ on mx1
{{cause.repair}}
postconf -e "local_recipient_maps = inline:{alice=ok,carol=ok,root=ok}"
postfix reload
