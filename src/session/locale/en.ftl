# Words of the story. What hosts say to each other is English in every language.
begins = It is { $time } UTC. The hosts:
gap = { $gap } later: { $time }
because = because
ended = In the end
end-time = The story ends at { $time }.

writes = { $user } writes to { $to }: "{ $subject }"
sent = { $user }: handed over to { $server }
not-sent = { $user }: { $server } did not take it: { $text }
fetched = { $user }: { $count ->
    [0] no mail
    [one] one mail
   *[other] { $count } mails
} fetched over { $protocol }
polled = { $user }: { $count ->
    [0] no mail
    [one] one mail
   *[other] { $count } mails
} fetched from { $server }

dns-asks = { $type ->
    [MX] which servers take mail for { $name }? (MX)
    [A] which address has { $name }? (A)
    [AAAA] which IPv6 address has { $name }? (AAAA)
    [PTR] which name has { $name }? (PTR)
   *[other] what does { $name } have as { $type }?
}
told-answer = { $type } of { $name }: { $answer }
told-remembered = { $type } of { $name }: { $answer } (remembered from before)
told-queue = { $queue ->
    [active] the mail { $id } is worked on now
    [deferred] the mail { $id } has to wait for another attempt
    [hold] the mail { $id } is held until somebody releases it
   *[other] the mail { $id } goes into the queue { $queue }: { $reason }
}
told-leave = the mail { $id } is done and leaves the queue
told-bounce = writes a report to { $to } (mail { $id })
told-output = prints { $text }
caption-rule = { $text }, because of { $rule }
dns-lost = { $type } { $name }?  (no answer)
dns-answer = { $type } { $name }?  { $answer }
dns-cached = { $type } { $name }?  { $answer } (from the cache)
dns-none = { $rcode ->
    [NXDOMAIN] NXDOMAIN: no such name
    [NOERROR] nothing of this type
   *[other] { $rcode }
}

connect = { $result ->
    [open] connects to port { $port }
    [refused] port { $port }: connection refused
    [timeout] port { $port }: no answer at all
   *[other] port { $port }: unreachable
}
session = session between { $client } and { $server }
message = (the message: { $octets } octets, then a lone dot)
octets = ({ $octets } octets)
tls = { $verified ->
    [yes] { $version }, certificate of { $peer } verified ({ $verdict })
   *[no] { $version }, encrypted; certificate: { $verdict }
}
auth-ok = { $user } has logged in ({ $mechanism }, { $encrypted ->
    [yes] encrypted
   *[no] in the clear
})
auth-failed = login as { $user } refused ({ $mechanism })

policy-step = { $restriction } [{ $input }]: { $result }
policy-permit = { $list }: permitted
policy-refuse = { $list }: { $text }
policy-other = { $list }: { $action } { $text }

queue-enter = queued as { $id }: <{ $sender }> to { $to }
queue-move = { $id } moves from { $from } to { $queue }: { $reason }
queue-leave = { $id } leaves the queue: { $reason }
route = { $rcpt } goes by { $transport }{ $nexthop ->
    [none] {""}
   *[other] {" "}to { $nexthop }
} ({ $class } class)
mx = servers of { $domain } in order: { $servers }
rewrite = { $field } { $from } becomes { $to }
alias = { $name } is an alias of { $to }

deliver-sent = ✓ { $rcpt }: { $agent ->
    [local] put into { $target }
    [virtual] put into { $target }
    [mailbox] put into { $target }
    [file] appended to { $target }
    [command] given to the command { $target }
    [pipe] given to the program { $target }
    [lmtp] handed over by LMTP to { $target }
    [discard] thrown away on purpose
   *[smtp] handed over to { $target }
}
deliver-other = ✓ { $rcpt }: { $text }
deliver-deferred = … { $rcpt } has to wait ({ $dsn }): { $text }
deliver-bounced = ✗ { $rcpt } cannot be delivered ({ $dsn }): { $text }
deliver-expired = ✗ { $rcpt }: given up ({ $dsn }): { $text }
deliver-deliverable = ✓ { $rcpt } could be delivered ({ $text })
deliver-undeliverable = ✗ { $rcpt } could not be delivered ({ $text })
bounce = a report goes to { $to } as { $id }
delay = a warning goes to { $to }: { $reason }

map-build = { $file }: { $entries ->
    [one] one entry
   *[other] { $entries } entries
} compiled
config = reads its configuration ({ $how })
filter = { $id }: the filter says { $result }
spf = { $id }: SPF { $result }
dnsbl = { $name }: { $result }
sieve = sieve for { $user }: { $action }
file-write = writes { $path } ({ $by })
command = { $user }$ { $line }
exit = ends with status { $status }
service = { $name }: { $state }
clock = the clock jumps

host-down = { $host } is switched off
host-up = { $host } is switched on
fault = { $from } to { $to }{ $port ->
    [any] {""}
   *[other] , port { $port }
}: { $effects }
anywhere = anywhere
effect-latency = { $time } delay
effect-loss = { $percent } % of the packets are lost
effect-bandwidth = { $octets } octets per second
effect-drop = packets vanish
effect-reject = connections are refused
effect-unreachable = no route
repair = "{ $name }" is repaired

expect-met = ✓ as expected: { $what }
expect-missed = ✗ NOT AS EXPECTED: { $what } (found: { $found })
expect-mailbox = { $count ->
    [0] no mail
    [one] one mail
   *[other] { $count } mails
} in the mailbox of { $user } on { $host }
expect-queue = { $count ->
    [0] no mail waits
    [one] one mail waits
   *[other] { $count } mails wait
} on { $host }
expect-file = { $path } on { $host } contains "{ $text }"
expect-log = the log of { $host } says "{ $text }"
event-kind = { $kind ->
    [bounce] report about undeliverable mail
    [deliver] delivery
    [mua-fetch] fetching by a mail program
    [mua-send] submission by a mail program
    [mx-choose] choice of a mail server
    [policy-verdict] verdict of a server's rules
    [smtp-auth] login
    [smtp-tls] TLS handshake
    [tcp-connect] connection
   *[other] event { $name }
}
expect-event = { $kind }{ $text ->
    [any] {""}
   *[other] {" "}({ $text })
}
expect-events = { $count } × { $kind }{ $text ->
    [any] {""}
   *[other] {" "}({ $text })
}

total-delivered = delivered: { $count }
total-waiting = waiting: { $count }
total-bounced = undeliverable: { $count }
total-refused = refused in the dialogue: { $count }
told = told to { $to }
unmet = expectations not met: { $count }

# The window: pictures.
scene-gap = { $length } pass
note-servers = servers for { $domain }
note-aliases = aliases
note-won = takes it
note-hop = next hop { $domain }
note-nobody = none
note-unreached = not reached
note-class = { $class } class
asked-permitted = Is { $what } from { $whose } permitted?
asked-local = Where does { $what } go on this host?
asked-route = Where does { $what } go?
asked-mailbox = Which mailbox has { $what }?
asked-servers = Which servers take mail for { $what }?
asked-certificate = Is this the right server?
note-probes = probes: { $relayed } of { $count } relayed
note-rewrite = rewritten ({ $what })
note-route = route
probe-relayed = relays!
probe-refused = refused
probe-taken = accepted
alias-merged = one copy only
alias-loop = loop!
connect-refused = refused
connect-timeout = no answer
connect-unreachable = no route
stamp-accepted = accepted
stamp-later = try later
stamp-refused = refused
stamp-bounced = bounced
stamp-delivered = delivered
stamp-reported = report delivered
stamp-handed-over = handed over
stamp-relay-refused = relay refused
stamp-open-relay = OPEN RELAY
stamp-piped = given to a program
stamp-full = mailbox full
meaning-ehlo = The client says its name and asks which extensions there are.
meaning-mail = Begins a transaction: where reports go if something fails.
meaning-rcpt = One recipient. The server decides for each one by itself.
meaning-data = The message itself comes next.
meaning-rset = Forgets sender and recipients; the connection stays.
meaning-vrfy = Asks whether an address exists.
meaning-expn = Asks who is on a list.
meaning-noop = Nothing, to keep the connection alive.
meaning-quit = Good-bye.
meaning-starttls = Asks for encryption from here on.
meaning-auth = Logs in.
meaning-bdat = A piece of the message, with its length said before.
meaning-etrn = Asks to send what waits for a domain.
meaning-message = Header, an empty line, body; a dot alone on a line ends it, and dots at the beginning of lines are doubled.
meaning-220 = Ready.
meaning-221 = Closing the connection.
meaning-235 = Logged in.
meaning-334 = The next word of the login, in base64.
meaning-354 = Go on with the message.
meaning-extensions = The server says its name, and which extensions there are.
meaning-sender = The sender is taken; nothing is promised yet.
meaning-recipient = This recipient is taken.
meaning-queued = The server has the whole mail, and answers for it from here on.
meaning-421 = The server closes the connection; the client tries again later.
meaning-2xx = Done.
meaning-3xx = Go on.
meaning-4xx = Not now: the client keeps the mail and tries again.
meaning-5xx = No, and trying again will not help.

# The practice coach.
coach-help = This is Postfix's true answer to HELP: it has none. A message takes EHLO, MAIL FROM:<…>, RCPT TO:<…>, DATA, a line with only a dot, and QUIT.
coach-unknown = The server does not know this word. It knows HELO, EHLO, MAIL FROM, RCPT TO, DATA, RSET, NOOP, VRFY, STARTTLS, AUTH and QUIT.
coach-helo = Say who you are with one word, your host's name: EHLO ws1.example.com
coach-mail = The sender stands in angle brackets after the colon: MAIL FROM:<alice@example.com>; for nobody: MAIL FROM:<>
coach-rcpt = One recipient per command, in angle brackets: RCPT TO:<bob@example.org>
coach-auth-syntax = AUTH takes a mechanism that EHLO has named: AUTH PLAIN, AUTH LOGIN. What follows is base64.
coach-arguments = The word is right, what follows it is not: some commands take an argument, others none.
coach-helo-first = Introduce yourself first: EHLO and your host's name.
coach-mail-first = First say from whom: MAIL FROM:<…>, then RCPT TO:<…>.
coach-rcpt-first = No recipient was accepted so far: at least one RCPT TO:<…> must have been answered with 250.
coach-nested-mail = A transaction is open already. Go on with RCPT TO, or forget it with RSET.
coach-order = The right order is EHLO, MAIL FROM, RCPT TO, DATA.
coach-relay = This server neither keeps mail for that domain nor passes it on for you. Use the server of the domain (its MX), come from a network it trusts, or log in.
coach-no-user = The domain is right, but nobody there has this name.
coach-later = 4xx means: not now. A mail server would keep the message and try again later.
coach-tls-first = The server wants encryption first: STARTTLS (telnet cannot do that; openssl s_client -starttls smtp can).
coach-password = User or password is wrong, or they were encoded with a newline: use printf '%s', not echo, before base64.
coach-size = The message is larger than the server takes; EHLO says the limit after SIZE.
coach-domain = The server wants a full name with a domain that exists in the DNS.
coach-pop3 = The order is USER name, PASS password, then STAT, LIST, RETR 1, DELE 1, QUIT.
coach-imap = Each command begins with a tag of your own: a1 LOGIN name password, a2 SELECT INBOX, a3 FETCH 1 BODY[], a4 LOGOUT.
coach-meant = Did you mean { $word }?

card-down = switched off
card-outside = outside
card-mailbox = { $count ->
    [one] { $count } mail
   *[other] { $count } mails
}
card-queue = { $count } in work
card-deferred = { $count ->
    [one] { $count } waits { $wait }
   *[other] { $count } wait { $wait }
}
card-waiting = { $count ->
    [one] { $count } waits
   *[other] { $count } wait
}
mover-envelope = envelope
mover-report = envelope of a report
mover-letter = letter
inside-title = inside { $host }
inside-nothing = There is no mail system on this host.
inside-mails = { $count } mails
talk-server = server
talk-client = client
talk-next = The server would understand now: { $commands }

# The window: panels.
bar-home = what there is to see
bar-out = out again
bar-help = keys
bar-presenter = presenter
bar-theme = light or dark
bar-language = deutsch
bar-faster = faster
bar-slower = slower
bar-refusal = next refusal
bar-next = next step
bar-pause = pause
bar-play = play
bar-back = step back
bar-start = to the beginning
bar-sockets = open sockets for real programs
chooser-title = See how mail travels.
chooser-filter = Find
chooser-file = Scenario or recording
chooser-open = Open
chooser-recent = Last seen:
story-jump = show this moment
story-checks = What must come out:
timeline-name = timeline
bench-events = Events
bench-sequence = Sequence
bench-mails = Mails
bench-text = Text
bench-terminal = + Terminal
branch-title = futures:
branch-switch = show this future
branch-parting = here { $name } went another way
tab-why = Why?
tab-dialogue = Dialogue
tab-event = Event
tab-config = Configuration
tab-mail = Mail
tab-log = Log
tab-files = Files
tab-faults = Trouble
why-because = because
why-otherwise = If that had not applied, { $rule } would have been asked next.
inspector-choose-host = Choose a host on the map.
inspector-no-dialogue = Nothing is said here. Connections:
inspector-octets = octets
inspector-dive = Look inside
event-cause = led to by event { $number }
config-unknown = not a parameter of Postfix
config-as-default = the same as the default
config-default = default: { $value }
files-list = All files
files-long = The file is too long to be shown here.
files-editor = text of { $path }
files-save = Save
files-discard = Discard
files-difference = Different from the beginning:
fault-off = Switch off
fault-on = Switch on
fault-between = Path to
fault-all-ports = all ports
fault-drop = pull the cable
fault-reject = refuse
fault-unreachable = no route
fault-slow = 2 s delay
fault-loss = lose 30 %
fault-repair = Repair
store-queue = Queue
store-next = next attempt at { $time }
store-empty = empty
store-mailboxes = Mailboxes
events-filter = Filter
events-hint = type of event, host: smtp mx1
sequence-copy = Copy as { $format }
terminal-gone = This future has no such terminal.
terminal-interrupt = interrupt
help-title = Keys
help-mouse = Drag to move, wheel to zoom, click to select, double click to look inside.
key-play = play or pause
key-next = next step
key-back = step back
key-command = next command
key-command-back = command before
key-hop = next hop of a mail
key-hop-back = hop before
key-refusal = next refusal
key-refusal-back = refusal before
key-bounce = next bounce
key-decision = next decision
key-narration = next chapter
key-faster = faster
key-slower = slower
key-start = to the beginning
key-end = to the end
key-fit = show the whole map
key-out = out again
key-presenter = presenter mode
key-black = black screen
key-laser = laser pointer
key-language = English or German
key-theme = light or dark
key-story = fold the story
key-inspector = fold the inspector
key-events = events
key-sequence = sequence diagram
key-mails = what happened to each mail
key-help = this sheet
program-smtpd = smtpd takes mail by SMTP, and decides whom to take it from.
program-pickup = pickup collects mail that was written on this host.
program-cleanup = cleanup completes headers, rewrites addresses, and puts the mail into the incoming queue.
program-qmgr = qmgr decides which mail is delivered when, and by whom.
program-smtp = smtp delivers to other hosts.
program-local = local delivers to users of this host, with aliases and .forward.
program-virtual = virtual delivers to mailboxes of domains whose users have no account here.
program-bounce = bounce writes the reports about what could not be delivered.
program-master = master starts all the other programs.
program-pipe = pipe gives mail to a command.
program-lmtp = lmtp hands mail to a mailbox server.
lab-hint = Hint ({ $left } left)

# A class at the door.
class-welcome = This is a class in mxlab.

class-code = Code:
class-wrong-code = That is not the code.
class-name = Your name (small letters, digits, hyphens):
class-bad-name = { $name }: a name has up to 20 small letters, digits and hyphens, and begins with a letter.
class-taken = { $name } is taken.
class-full = The class is full.
class-joined =
    Welcome, { $name }. The domain { $domain } is yours, with a server like { $server } of the class: the same users
    and passwords. What you send to these addresses comes from your workstation. The same name brings you the table again.

sockets-title = Open sockets
sockets-close = Close the sockets
sockets-note = What real programs do there appears here. Time follows the clock.

# What whoever serves real sockets should know.
notice-crowd = { $address } has as many connections as one machine may; further ones are refused (--max-per-client).
notice-full = All connections that may be open at the same time are; further ones wait (--max-connections).
notice-questions = More questions come to the name servers than they can answer; some are dropped.
notice-long-recording = The recording is nearly as long as one may be: nobody else is let in. End with q and begin a new session.
notice-end-of-recording = The recording is as long as one may be: all connections are closed. End with q and begin a new session.
