# task: 8
# feedback: say the course notes
#@ on ubu
echo hallo | mail -s weg x@{{gone}}
echo hallo | mail -s stumm x@{{dead}}
sleep 60
#@ answer stays: both
