# task: 7
# feedback: says plainly
#@ answer sender: 450
