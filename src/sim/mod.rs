//! The kernel: virtual time, one ordered queue, connections and datagrams, faults, dice.
//!
//! It knows bytes and addresses, and nothing of mail: no host files, no DNS, no SMTP. It has no
//! IO, threads or wall clock. Three jobs are three types: [`kernel::Kernel`] schedules and keeps
//! connections, [`faults::Faults`] decides what a path does to traffic, the trace (elsewhere)
//! records.

pub mod dice;
pub mod faults;
pub mod firewall;
pub mod kernel;
pub mod net;
pub mod outside;
pub mod tap;
pub mod time;

pub use dice::Dice;
pub use kernel::Kernel;
pub use net::{ConnectError, Endpoint, HostId, Listener, Payload, ProcId, Socket, TlsMessage};
pub use time::{Duration, Time};
