//! What other events of a trace say about one: the ends of its connection, its number among its like.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use smol_str::{SmolStr, ToSmolStr as _};

use crate::sim::Socket;
use crate::trace::{Event, EventId, Kind};
use crate::world::World;

/// What must be known of a whole trace to put any one of its events into words. It is read once and
/// may be read further when the trace has grown.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    read: u64,
    /// Client and server of each connection.
    ends: BTreeMap<Socket, (SmolStr, SmolStr)>,
    /// Connections whose server has asked for the message with 354.
    in_message: BTreeSet<Socket>,
    /// Octets that are a message.
    messages: BTreeSet<EventId>,
    /// The how-manieth of its kind, for expectations and for faults of the script.
    ordinals: BTreeMap<EventId, usize>,
    expectations: usize,
    faults: usize,
}

impl Facts {
    /// The facts of a world's trace.
    pub fn of(world: &World) -> Facts {
        let mut facts = Facts::default();
        facts.read(world);
        facts
    }

    /// Reads what has happened since the last time.
    pub fn read(&mut self, world: &World) {
        for event in world.trace().since(self.read) {
            self.event(world, event);
        }
        self.read = world.trace().len();
    }

    fn event(&mut self, world: &World, event: &Event) {
        match &event.kind {
            Kind::TcpConnect { from, to, sock, .. } => {
                let ends = (name_at(world, from.ip(), event), name_at(world, to.ip(), event));
                self.ends.insert(connection(*sock), ends);
            }
            Kind::SmtpReply { session, code: 354, .. } => {
                self.in_message.insert(connection(*session));
            }
            Kind::SmtpData { session, .. } if self.in_message.remove(&connection(*session)) => {
                self.messages.insert(event.id);
            }
            Kind::Fault { .. } if event.actor == crate::trace::Actor::Scenario => {
                self.ordinals.insert(event.id, self.faults);
                self.faults += 1;
            }
            Kind::Expect { .. } => {
                self.ordinals.insert(event.id, self.expectations);
                self.expectations += 1;
            }
            _ => {}
        }
    }

    /// The names of client and server of a connection.
    pub fn ends(&self, session: Socket) -> Option<&(SmolStr, SmolStr)> {
        self.ends.get(&connection(session))
    }

    /// Whether octets are a message, not command lines.
    pub fn is_message(&self, event: EventId) -> bool {
        self.messages.contains(&event)
    }

    /// The number of an expectation or of a fault of the script, among their like, from 0.
    pub fn ordinal(&self, event: EventId) -> Option<usize> {
        self.ordinals.get(&event).copied()
    }
}

/// Both ends of a connection have neighbouring numbers: the client's is even. The client's stands for both.
pub fn connection(sock: Socket) -> Socket {
    Socket(sock.0 & !1)
}

/// The name of the host with an address, or the address.
pub(super) fn name_of(world: &World, addr: IpAddr) -> SmolStr {
    world.host_of(addr).map_or_else(|| addr.to_smolstr(), |host| world.name(host))
}

/// The same for an event of a host, to which loopback addresses belong.
pub(super) fn name_at(world: &World, addr: IpAddr, event: &Event) -> SmolStr {
    match event.host.filter(|_| addr.is_loopback()) {
        Some(host) => world.trace().host_name(host).into(),
        None => name_of(world, addr),
    }
}
