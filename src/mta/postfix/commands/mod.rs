//! Commands of Postfix, as programs of a host.

pub mod postdrop;
pub mod sendmail;
