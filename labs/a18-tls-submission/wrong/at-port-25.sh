# task: 7
# feedback: it came another way
#@ on out as guest
swaks --server mx1.example.com --from alice@example.com --to carol@example.com --body 'The word is {{word}}.'
sleep 5
#@ answer version: TLSv1.3
