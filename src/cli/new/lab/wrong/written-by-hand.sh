# task: 2
# feedback: a mail with the code word
#@ on mx1 as root
echo '{{team}}: alice' >> /etc/aliases
newaliases
#@ on mx1 as alice
echo hello | mail -s hello {{team}}
#@ on mx1 as root
printf 'From a Mon Mar  2 09:00:00 2026\nFrom: a\nSubject: c\n\n{{word}}\n\n' >> /var/mail/alice
