# task: 5
# feedback: The notes say so
#@ answer auth: the MDA
