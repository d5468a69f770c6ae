# Words of the window's panels.
past-notice = You look at the past: what you do here begins another future.
caption-begin = Nothing has happened yet.
caption-rest = Nothing moves at this moment.
start-lab = Nothing has happened yet. With + Terminal you sit down at a host.
start-hint = Space plays, → takes one step, a click asks why. All keys: ?
note-end = This is the end.
note-beginning = This is the beginning.
note-no-command = No further command in this direction.
note-no-hop = No further hop in this direction.
note-no-refusal = No further refusal in this direction.
note-no-bounce = No further bounce in this direction.
note-no-decision = No further decision in this direction.
note-no-narration = No further chapter in this direction.
note-not-done = This task was not done at any moment.
note-no-future = There is only this future. Go back and do something differently, then there are two.

branch-compare = compare
branch-name = Name of this future
compare-first = ≠ The first difference
compare-same = Both futures are the same so far.
compare-cut = More follows that is not compared here.

ask-title = What will happen?
ask-choose = Choose before you see it.
ask-count = Count the raised hands: click, or press the number, once for each.
ask-show = Show the answer
ask-go-on = Go on

bench-wait = Let time pass
bench-program = Mail program
telnet-nobody = Nobody listens.
lab-sit = Sit down at { $host } as { $user }

tab-message = Message
letter-none = No message belongs to this. Select a mail on its way, or a dialogue with DATA.
letter-envelope = Envelope (MAIL FROM, RCPT TO)
letter-header = Header of the letter
letter-from = From
letter-to = To
letter-differs = Envelope and header differ: hosts follow the envelope, people read the header.
letter-all = all header fields
letter-octets = As on the wire: CR LF ends every line, a dot at the beginning of a line is doubled, a dot alone ends the message.
letter-way = The way (Received, read from below)
letter-written = written here
letter-by = from { $host }

program-write = Write
program-none = No mailbox yet.
program-choose = Choose a mailbox.
program-reply = Reply
program-at = At
program-user = as
program-server = SMTP server (empty: this host's mail command)
program-port = Port
program-login = Login
program-password = Password
program-subject = Subject
program-text = Text
program-send = Send

certificate-title = Certificate of the server
certificate-names = Names
certificate-wanted = Name that was asked for
certificate-issuer = Signed by
certificate-valid = Valid
certificate-key = Key
certificate-verdict = Verdict
datagram-none = Nothing went over the wire for this: the answer came from a cache, or the packet was lost.

config-filter = Parameter
config-all = with defaults
config-is-default = default
config-tables = Lookup tables
config-ask = key
config-entries = { $count ->
    [one] one entry
   *[other] { $count } entries
}
config-nothing = not found

chooser-demonstrations = Demonstrations
chooser-labs = Labs
chooser-recordings = What you did before

key-bounce-back = bounce before
key-decision-back = decision before
key-narration-back = chapter before
key-wait = let a minute pass
key-wait-long = let an hour pass
key-text = the story as text
key-program = mail program
key-compare = compare two futures
key-future = next future

exact-title = Exact faults in SMTP dialogues of this server
exact-next = the next
exact-every = 0 = every one
exact-stage = command
exact-for = address
exact-any = any
exact-answer = answer
exact-add = Arm
exact-left = { $count } left

why-nothing = Nothing has happened yet. Click anything on the map, in the log or in a list, and here stands why it is so.
why-without = Without this line?
why-without-tip = Plays everything again without this line, and compares both futures.

exam-over = The exam is over. Now everything can be seen.
exam-left = Exam: { $left } of { $all } minutes left
exam-hand-in = Hand in
exam-sit = Open a terminal below, and do the tasks on the left.
lab-exam = Do it as an exam …
lab-exam-terms = No hints, no map, no story, and how the tasks stand only at the end.
lab-exam-minutes = Begin: { $minutes } minutes
lab-back = Back to where this was done
lab-catch-up = Begin here: take over the solution of all before it
fetch-form = Fetch …
fetch-now = Fetch
fetch-server = Server
fetch-keep = leave on the server
program-fetched = Fetched by mail programs
program-stored = On the servers
