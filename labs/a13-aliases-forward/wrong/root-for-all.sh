# task: 7
# feedback: Postfix refuses to
#@ on ubu
postconf -e default_privs=root
postfix reload
