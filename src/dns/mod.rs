//! DNS: zones, answers, resolvers; the only place below the shells that names hickory.

pub mod lookup;

pub use lookup::{Answer, Lookup, Outcome, Qtype, Rdata};
