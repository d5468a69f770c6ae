# task: 7
# feedback: who may send
#@ answer mechanisms: SPF, DKIM
