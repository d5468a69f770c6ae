# task: 7
# feedback: every command in the alias file runs as root
#@ on ubu
postconf -e default_privs=root
postfix reload
