//! What is to happen, in a total order.

use std::cmp::Ordering;
use std::net::SocketAddr;

use bytes::Bytes;

use super::connection::{End, Segment};
use crate::sim::net::{ConnectError, Endpoint, HostId};
use crate::sim::time::{Duration, Time};

#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A SYN arrives at the host it was sent to.
    Syn {
        conn: u32,
        generation: u32,
    },
    /// The client learns how its attempt ended.
    ConnectDone {
        conn: u32,
        generation: u32,
        result: Result<(), ConnectError>,
    },
    /// A segment arrives at one end.
    Segment {
        conn: u32,
        generation: u32,
        to: End,
        payload: Segment,
    },
    /// The window or the link may have room again.
    Pump {
        conn: u32,
        generation: u32,
        from: End,
    },
    /// The sender's kernel has given up on a dead path.
    GaveUp {
        conn: u32,
        generation: u32,
        end: End,
    },
    /// The sender's backlog has left.
    Writable {
        conn: u32,
        generation: u32,
        end: End,
    },
    Datagram {
        to_host: HostId,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Bytes,
    },
    Wake {
        to: Endpoint,
        token: u64,
        reason: &'static str,
        /// For a timer against a person outside: what must have been attended when it rings.
        attended: Option<Duration>,
    },
}

/// An event in the queue, which moves a lot: what happens lies elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    pub(super) time: Time,
    pub(super) seq: u64,
    /// Its place among the kernel's actions.
    pub(super) place: u32,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Queued) -> bool {
        (self.time, self.seq) == (other.time, other.seq)
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Queued) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Queued) -> Ordering {
        (self.time, self.seq).cmp(&(other.time, other.seq))
    }
}
