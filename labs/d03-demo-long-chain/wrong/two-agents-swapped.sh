# task: 1
# feedback: is not right
#@ answer agents: MUA MSA MTA MTA MDA MTA MRA
