//! One driver for every shell: world, recording, replay, forks, and the story of a trace.
//!
//! [`Session`] is a scenario being played. [`Input`]s go in and are kept in a [`Recording`];
//! [`story`] and [`sequence`] render the trace that comes out.

pub mod coach;
mod driver;
pub mod errors;
pub mod exam;
mod input;
pub mod lab;
mod outside;
pub mod pcap;
mod permission;
pub mod recording;
mod replay;
pub mod sequence;
pub mod story;
pub mod terminal;
pub mod words;

pub use driver::{Branch, Session};
pub use input::{FaultEffect, Input, InputError, REFUSED};
pub use outside::{CloseHow, TlsStep};
pub use recording::{Damage, Recording};
pub use replay::{Drift, ReplayError, Replayed};
