//! What `?` prints.

/// The commands of mail(1) that exist here.
pub(super) const HELP: &str = "Mail Command\t\t\tDescription
-------------------------\t--------------------------------------------
t [message list]\t\ttype message(s).
n\t\t\t\tgoto and type next message.
f [message list]\t\tgive head lines of messages.
d [message list]\t\tdelete message(s).
s [message list] <file>\t\tappend message(s) to file.
u [message list]\t\tundelete message(s).
R [message list]\t\treply to message sender(s).
r [message list]\t\treply to message sender(s) and all recipients.
p [message list]\t\tprint message list.
pre [message list]\t\tmake messages go back to /var/mail.
m <recipient list>\t\tmail to specific recipient(s).
q\t\t\t\tquit, saving unresolved messages in mbox.
x\t\t\t\tquit, do not remove system mailbox.
h\t\t\t\tprint out active message headers.

A [message list] consists of integers, ranges of same, :status, /subject, or
user names separated by spaces.  If omitted, Mail uses the current message.
";
