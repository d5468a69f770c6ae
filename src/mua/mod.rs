//! Mail user agents: composing, submitting, reading, fetching mail.

pub mod fetch;
pub mod fetchmail;
pub mod imap_client;
pub mod mailx;
pub mod pop3_client;
pub mod retrieve;
pub mod send;

pub use fetch::{Fetch, Reader};
pub use retrieve::{Errand, Protocol};
pub use send::{Credentials, SendMail, Submission};
