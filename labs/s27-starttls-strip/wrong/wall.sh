# task: 3
# feedback: expected deferred bob@example.org: TLS is required
#@ on mx1
iptables -A OUTPUT -p tcp -d 203.0.113.66 -j DROP
iptables -A OUTPUT -p tcp -d 203.0.113.67 -j DROP
