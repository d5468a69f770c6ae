# task: B
# feedback: smtpd_banner
#@ on mx1
{{fault.1.repair}}
{{fault.2.repair}}
{{fault.3.repair}}
{{loop.repair}}
postconf -e 'smtpd_banner = hello'
