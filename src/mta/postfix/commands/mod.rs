//! Commands of Postfix, as programs of a host.

pub mod messages;
pub mod postcat;
pub mod postdrop;
pub mod postqueue;
pub mod postsuper;
pub mod qshape;
pub mod sendmail;
