//! DNS: zones, answers, resolvers; the only place below the shells that names hickory.
//!
//! [`zone`] reads master files, [`authority`] answers from zones, [`message`] is the wire format,
//! [`server`] what a name server answers, [`stub`] each host's own resolver.

pub mod authority;
mod cache;
pub mod hosts;
pub mod lookup;
mod master_file;
mod memory;
pub mod message;
pub mod name;
pub mod recursive;
pub mod reply;
pub mod resolv_conf;
pub mod server;
pub mod stub;
pub mod zone;
pub mod zone_check;

pub use authority::Catalog;
pub use hosts::Hosts;
pub use lookup::{Answer, Lookup, Outcome, Qtype, Rdata};
pub use name::{name_text, reverse_name, wire_name};
pub use recursive::{Recursor, RecursorOutput};
pub use reply::Reply;
pub use resolv_conf::ResolvConf;
pub use stub::{Question, StubOutput, StubResolver};
pub use zone::{Behaviour, Zone, ZoneError, ZoneErrors};
