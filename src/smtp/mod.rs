//! SMTP as values and as two sans-IO machines (RFC 5321 and its extensions).
//!
//! [`server::Server`] and [`client::Client`] know the protocol and none of the wording or policy
//! of an MTA: whoever owns a machine decides replies, limits and texts. What they exchange are
//! values: [`command::Command`], [`reply::Reply`], [`path::Path`], [`extensions::Extensions`].

pub mod auth;
pub mod client;
pub mod command;
pub mod decode64;
pub mod diagram;
pub mod extensions;
pub mod framing;
pub mod path;
pub mod rehearsal;
pub mod reply;
pub mod server;

pub use command::{Command, Verb};
pub use path::Path;
pub use reply::Reply;
