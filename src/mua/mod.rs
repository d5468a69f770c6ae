//! Mail user agents: composing, submitting, reading, fetching mail, and command-line clients.

pub mod curl;
pub mod fetch;
pub mod fetchmail;
pub mod imap_client;
pub mod mailx;
pub mod pop3_client;
pub mod relaytest;
pub mod retrieve;
pub mod send;
pub mod swaks;

pub use fetch::{Fetch, Reader};
pub use retrieve::{Errand, Protocol, Security};
pub use send::{Credentials, SendMail, Submission};
