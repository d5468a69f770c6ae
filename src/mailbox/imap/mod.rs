//! An IMAP4rev1 server as a sans-IO machine (RFC 3501, LITERAL+ of RFC 7888, IDLE of RFC 2177).
//!
//! [`syntax`] reads commands, [`server`] is the machine, [`fetch`] and [`search`] answer for
//! single messages.

pub mod fetch;
pub mod search;
pub mod server;
pub mod structure;
pub mod syntax;

pub use server::{Output, Server};
