# task: 2
# feedback: did not pass by eve
#@ on mx1 as alice
echo 'The word is {{word}}.' | mail -s secret bob@example.org
sleep 10
