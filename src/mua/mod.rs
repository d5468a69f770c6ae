//! Mail user agents: composing, submitting, reading, fetching mail.

pub mod dial;
pub mod send;

pub use send::{Credentials, SendMail, Submission};
