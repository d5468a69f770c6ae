//! Where mail rests and how it is fetched: mbox, Maildir, POP3 and IMAP servers.

pub mod copy;
pub mod lock;
pub mod maildir;
pub mod mbox;
