# task: 4
# feedback: the daemons do not know it yet
#@ on mx1
postconf -e 'myhostname = mx1.example.com' 'mydomain = example.com' 'myorigin = $mydomain'
