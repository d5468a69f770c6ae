# task: 7
# feedback: only 5xx sends a mail back
#@ answer busy: it bounces
