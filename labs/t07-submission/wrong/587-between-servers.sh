# task: 5
# feedback: The course notes say so
#@ answer between: 587
