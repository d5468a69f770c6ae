# task: 8
# feedback: take any certificate
#@ answer levels: encrypt, verify, secure
