# task: 4
# feedback: That is what the drawing says
#@ answer transport: SMTP, port 25
