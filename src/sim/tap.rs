//! What travels over the network, for those who want to see packets.

use std::net::SocketAddr;

use super::net::Payload;
use super::time::Time;

/// Something that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub time: Time,
    /// Who sent it.
    pub from: SocketAddr,
    /// For whom.
    pub to: SocketAddr,
    /// What.
    pub kind: PacketKind,
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// The request to open a connection.
    Syn,
    /// The consent to it.
    SynAck,
    /// Octets, or a step of a TLS handshake.
    Payload(Payload),
    /// The orderly end of a direction.
    Fin,
    /// The end of a connection, or the refusal to open one.
    Reset,
    /// A datagram.
    Datagram(bytes::Bytes),
}

/// Collects packets while somebody wants them.
#[derive(Clone, Debug, Default)]
pub struct Tap {
    packets: Option<Vec<Packet>>,
}

impl Tap {
    /// Collects from now on.
    pub fn open(&mut self) {
        self.packets.get_or_insert_with(Vec::new);
    }

    /// Takes what was collected, in order of arrival.
    pub fn take(&mut self) -> Vec<Packet> {
        self.packets.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn is_open(&self) -> bool {
        self.packets.is_some()
    }

    pub(super) fn note(&mut self, time: Time, from: SocketAddr, to: SocketAddr, kind: PacketKind) {
        if let Some(packets) = &mut self.packets {
            packets.push(Packet { time, from, to, kind });
        }
    }
}
