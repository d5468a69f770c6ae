#@ wait 3m
#@ task 1
#@ answer targets: {{tree.who}}, bob@example.org, /var/mail-archive/support
#@ task 2
#@ answer steps: 2
#@ task 3
#@ answer matrix: a=accept, b=accept, c=accept, d=accept, e=accept, f=refuse, g=accept, h=refuse
#@ task 4
#@ answer rule-lan: permit_mynetworks
#@ answer rule-auth: permit_sasl_authenticated
#@ answer rule-out: {{relay.rule}}
#@ task 5
#@ answer kind from mx1: case {{relay.code}} in 454) echo later;; *) echo never;; esac
#@ answer codes: 454=later, 554=never
