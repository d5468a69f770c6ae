//! A connection as the kernel keeps it: two ends, two directions.

use std::collections::VecDeque;
use std::net::SocketAddr;

use smol_str::SmolStr;

use crate::sim::net::{Endpoint, HostId, Payload, Socket};
use crate::sim::time::{Duration, Time};

/// What travels in one direction.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// Octets, or a step of a TLS handshake.
    Payload(Payload),
    /// The orderly end of a direction.
    Fin,
    /// The end of the connection.
    Reset,
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

impl End {
    pub(super) fn other(self) -> End {
        match self {
            End::Client => End::Server,
            End::Server => End::Client,
        }
    }
}

/// One direction of a connection: what its sender has sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Direction {
    pub(super) backlog: VecDeque<(Segment, u64)>,
    pub(super) in_flight: u64,
    pub(super) last_arrival: Time,
    pub(super) link_free: Time,
    pub(super) closed: bool,
    pub(super) blocked_writer: bool,
    /// Arrived, but the receiver has paused reading.
    pub(super) inbox: VecDeque<(Segment, u64)>,
    pub(super) paused: bool,
    pub(super) stalled_since: Option<Time>,
    pub(super) retry: Duration,
}

/// A connection, from its SYN on.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    pub(super) client: Endpoint,
    pub(super) client_sock: Socket,
    pub(super) server: Option<Endpoint>,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) target: Target,
    pub(super) open: bool,
    pub(super) up: Direction,
    pub(super) down: Direction,
    pub(super) gone: [bool; 2],
    /// A person outside the world sits at the client's end.
    pub(super) outside: bool,
}

/// What the client connects to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Tcp(HostId),
    Unix(SmolStr),
}

/// A place for a connection; the generation tells an old one from a new one.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) generation: u32,
    pub(super) conn: Option<Box<Conn>>,
}

impl Segment {
    pub(super) fn len(&self) -> u64 {
        match self {
            Segment::Payload(payload) => payload.wire_len(),
            Segment::Fin | Segment::Reset => 0,
        }
    }
}

impl Conn {
    /// What this end sends.
    pub(super) fn direction(&mut self, end: End) -> &mut Direction {
        match end {
            End::Client => &mut self.up,
            End::Server => &mut self.down,
        }
    }

    pub(super) fn end(&self, end: End) -> (Option<Endpoint>, Socket) {
        match end {
            End::Client => (Some(self.client), self.client_sock),
            End::Server => (self.server, Socket(self.client_sock.0 | 1)),
        }
    }
}
