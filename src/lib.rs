//! mxlab: a whole mail internet in one process.
//!
//! See `ARCHITECTURE.md` for the map of these modules and what each may use.

pub mod cli;
pub mod conform;
pub mod dns;
pub mod grade;
#[cfg(feature = "gui")]
pub mod gui;
pub mod host;
pub mod lab;
#[cfg(feature = "live")]
pub mod live;
pub mod mail;
pub mod mailbox;
pub mod mta;
pub mod mua;
pub mod scenario;
pub mod session;
pub mod sim;
pub mod smtp;
pub mod trace;
pub mod view;
pub mod world;
