# task: 6
# feedback: fit together
#@ on hotel as alice
sed -i 's/^port=.*/port=465/' ~/.account
#@ answer port: 465
