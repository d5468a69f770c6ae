#@ wait 1m
#@ task A1
#@ answer q1: {{q.1.say}}
#@ answer q2: {{q.2.say}}
#@ answer q3: {{q.3.say}}
#@ answer q4: {{q.4.say}}
#@ answer q5: {{q.5.say}}
#@ answer q6: {{q.6.say}}
#@ answer q7: {{q.7.say}}
#@ answer q8: {{q.8.say}}
#@ answer q9: {{q.9.say}}
#@ answer q10: {{q.10.say}}
#@ answer q11: {{q.11.say}}
#@ task A2
#@ answer s1: {{s.1.say}}
#@ answer s2: {{s.2.say}}
#@ answer s3: {{s.3.say}}
#@ task A3
#@ answer i1: {{i.1.say}}
#@ answer i2: {{i.2.say}}
#@ answer i3: {{i.3.say}}
#@ task A4
#@ answer u1: {{u.1.say}}
#@ answer u2: {{u.2.say}}
#@ answer u3: {{u.3.say}}
#@ task B1
#@ on one
{{b1.solve}}
#@ task B2
#@ on two as {{b2.user}}
{{b2.solve}}
#@ task B3
#@ on three
{{b3.solve}}
#@ task B4
#@ on four
{{b4.solve}}
#@ task B5
#@ on five
{{b5.solve}}
#@ task B6
#@ on six
{{b6.solve}}
