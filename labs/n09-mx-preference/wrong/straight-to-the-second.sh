# task: 4
# feedback: addressed to {{mx.second}} itself
#@ on mx1
echo again | mail -s again {{friend}}@{{mx.second}}.example.org
sleep 10
