//! Where mail rests and how it is fetched: mbox, Maildir, POP3 and IMAP servers.

pub mod admin;
pub mod copy;
pub mod dovecot;
pub mod imap;
pub mod lines;
pub mod lmtp;
pub mod lock;
pub mod maildir;
pub mod mbox;
pub mod memory;
pub mod output;
pub mod pop3;
pub mod sasl;
pub mod store;
