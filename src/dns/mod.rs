//! DNS: zones, answers, resolvers; the only place below the shells that names hickory.
//!
//! [`zone`] reads master files, [`authority`] answers from zones, [`message`] is the wire format;
//! [`server`] and [`recursive`] are processes, [`stub`] is each host's own resolver.

pub mod authority;
pub mod lookup;
mod master_file;
pub mod message;
pub mod name;
pub mod zone;

pub use authority::Catalog;
pub use lookup::{Answer, Lookup, Outcome, Qtype, Rdata};
pub use name::{name_text, reverse_name, wire_name};
pub use zone::{Behaviour, Zone, ZoneError, ZoneErrors};
