# task: 4
# feedback: stamps it, too
#@ answer count: 2
