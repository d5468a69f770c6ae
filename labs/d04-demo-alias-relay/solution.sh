#@ wait 3m
#@ answer targets: alice, bob@example.org, /var/mail-archive/support
#@ answer steps: 2
#@ answer lan-own: accept
#@ answer lan-other: accept
#@ answer out-own: accept
#@ answer out-other: refuse
#@ answer rule-lan: permit_mynetworks
#@ answer rule-out: {{relay.rule}}
#@ answer kind from mx1: case {{relay.code}} in 454) echo later;; *) echo never;; esac
