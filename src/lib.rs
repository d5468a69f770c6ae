//! mxlab: a whole mail internet in one process.
//!
//! See `ARCHITECTURE.md` for the map of these modules and what each may use.

pub mod cli;
pub mod conform;
pub mod dns;
pub mod host;
pub mod mail;
pub mod mailbox;
pub mod mta;
pub mod mua;
pub mod scenario;
pub mod session;
pub mod sim;
pub mod smtp;
pub mod trace;
pub mod world;
