//! Packets as a file for Wireshark and tcpdump (pcap, link type RAW: IPv4 and IPv6).
//!
//! The world has connections and datagrams; sequence numbers, acknowledgements and checksums are
//! added here. Inside the world TLS is facts without ciphertext: in the file it is a handshake of
//! the right shape and records of the right sizes whose content says nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::sim::tap::{Packet, PacketKind};
use crate::sim::{Payload, Time, TlsMessage};

/// Octets of a TCP segment on an Ethernet.
const SEGMENT: usize = 1440;
/// Largest content of a TLS record that is written.
const RECORD: usize = 16_000;
/// Octets that TLS 1.3 adds to a record's content.
const RECORD_TAIL: usize = 17;
/// `LINKTYPE_RAW`.
const LINK_TYPE: u32 = 101;
const SNAP_LENGTH: u32 = 262_144;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    /// The next sequence number.
    next: u32,
}

/// Writes packets as they come.
#[derive(Clone, Debug, Default)]
pub struct Pcap {
    flows: BTreeMap<(SocketAddr, SocketAddr), Flow>,
    /// Connections within TLS, by their clients' ends first.
    secured: BTreeMap<(SocketAddr, SocketAddr), bool>,
    identification: u16,
}

impl Pcap {
    /// The file's header.
    pub fn header() -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        out.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
        out.extend_from_slice(&2u16.to_le_bytes());
        out.extend_from_slice(&4u16.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&SNAP_LENGTH.to_le_bytes());
        out.extend_from_slice(&LINK_TYPE.to_le_bytes());
        out
    }

    /// Appends a packet, and what a real network would add to it.
    pub fn packet(&mut self, packet: &Packet, out: &mut Vec<u8>) {
        let Packet { time, from, to, kind } = packet;
        match kind {
            PacketKind::Syn => {
                self.flows.insert((*from, *to), Flow { next: first_number(*from, *to) });
                self.flows.remove(&(*to, *from));
                self.secured.remove(&(*from, *to));
                self.segment(packet, SYN, &[], out);
            }
            PacketKind::SynAck => {
                self.flows.insert((*from, *to), Flow { next: first_number(*from, *to) });
                self.segment(packet, SYN | ACK, &[], out);
                self.acknowledge(packet, out);
            }
            PacketKind::Payload(Payload::Bytes(bytes)) if self.is_secured(*from, *to) => {
                let mut octets = Vec::new();
                bytes.chunks(RECORD).for_each(|chunk| hidden(chunk.len() + RECORD_TAIL, time.micros(), &mut octets));
                self.stream(packet, &octets, out);
            }
            PacketKind::Payload(Payload::Bytes(bytes)) => self.stream(packet, bytes, out),
            PacketKind::Payload(Payload::Tls(message)) => {
                let octets = handshake(message, *time);
                self.stream(packet, &octets, out);
                if **message == TlsMessage::Finished {
                    self.secured.insert((*from, *to), true);
                }
            }
            PacketKind::Fin => {
                self.segment(packet, FIN | ACK, &[], out);
                self.acknowledge(packet, out);
            }
            PacketKind::Reset => {
                self.segment(packet, RST | ACK, &[], out);
                for ends in [(*from, *to), (*to, *from)] {
                    self.flows.remove(&ends);
                    self.secured.remove(&ends);
                }
            }
            PacketKind::Datagram(bytes) => {
                let mut datagram = Vec::with_capacity(8 + bytes.len());
                datagram.extend_from_slice(&from.port().to_be_bytes());
                datagram.extend_from_slice(&to.port().to_be_bytes());
                datagram.extend_from_slice(&((8 + bytes.len()) as u16).to_be_bytes());
                datagram.extend_from_slice(&[0; 2]);
                datagram.extend_from_slice(bytes);
                self.internet(*time, *from, *to, 17, 6, datagram, out);
            }
        }
    }

    fn is_secured(&self, from: SocketAddr, to: SocketAddr) -> bool {
        self.secured.contains_key(&(from, to)) || self.secured.contains_key(&(to, from))
    }

    /// Octets of a connection, in segments, and the acknowledgement of the last one.
    fn stream(&mut self, packet: &Packet, octets: &[u8], out: &mut Vec<u8>) {
        for chunk in octets.chunks(SEGMENT) {
            self.segment(packet, PSH | ACK, chunk, out);
        }
        self.acknowledge(packet, out);
    }

    /// The receiver's bare acknowledgement.
    fn acknowledge(&mut self, packet: &Packet, out: &mut Vec<u8>) {
        let answer = Packet { from: packet.to, to: packet.from, ..packet.clone() };
        self.segment(&answer, ACK, &[], out);
    }

    fn segment(&mut self, packet: &Packet, flags: u8, content: &[u8], out: &mut Vec<u8>) {
        let (from, to) = (packet.from, packet.to);
        let acknowledged = self.flows.get(&(to, from)).map_or(0, |flow| flow.next);
        let flow = self.flows.entry((from, to)).or_default();
        let number = flow.next;
        let counted = content.len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        flow.next = flow.next.wrapping_add(counted);
        let mut segment = Vec::with_capacity(20 + content.len());
        segment.extend_from_slice(&from.port().to_be_bytes());
        segment.extend_from_slice(&to.port().to_be_bytes());
        segment.extend_from_slice(&number.to_be_bytes());
        segment.extend_from_slice(&acknowledged.to_be_bytes());
        segment.extend_from_slice(&[0x50, flags]);
        segment.extend_from_slice(&65_535u16.to_be_bytes());
        segment.extend_from_slice(&[0; 4]);
        segment.extend_from_slice(content);
        self.internet(packet.time, from, to, 6, 16, segment, out);
    }

    /// Wraps a transport message whose checksum stands at `checksum_at`.
    #[allow(clippy::too_many_arguments, reason = "the fields of a header")]
    fn internet(
        &mut self,
        time: Time,
        from: SocketAddr,
        to: SocketAddr,
        protocol: u8,
        checksum_at: usize,
        mut message: Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let mut pseudo = Vec::new();
        let mut header = Vec::with_capacity(40);
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        match (from.ip(), to.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.identification = self.identification.wrapping_add(1);
                header.extend_from_slice(&[0x45, 0]);
                header.extend_from_slice(&length.saturating_add(20).to_be_bytes());
                header.extend_from_slice(&self.identification.to_be_bytes());
                header.extend_from_slice(&[0x40, 0, 64, protocol, 0, 0]);
                header.extend_from_slice(&source.octets());
                header.extend_from_slice(&destination.octets());
                let sum = checksum(&[&header]);
                header[10..12].copy_from_slice(&sum.to_be_bytes());
                pseudo.extend_from_slice(&source.octets());
                pseudo.extend_from_slice(&destination.octets());
            }
            (source, destination) => {
                let six = |addr: IpAddr| match addr {
                    IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
                    IpAddr::V6(addr) => addr.octets(),
                };
                header.extend_from_slice(&[0x60, 0, 0, 0]);
                header.extend_from_slice(&length.to_be_bytes());
                header.extend_from_slice(&[protocol, 64]);
                header.extend_from_slice(&six(source));
                header.extend_from_slice(&six(destination));
                pseudo.extend_from_slice(&header[8..]);
            }
        }
        pseudo.extend_from_slice(&[0, protocol]);
        pseudo.extend_from_slice(&length.to_be_bytes());
        let sum = checksum(&[&pseudo, &message]);
        if let Some(place) = message.get_mut(checksum_at..checksum_at + 2) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
        let total = (header.len() + message.len()) as u32;
        out.extend_from_slice(&(time.secs() as u32).to_le_bytes());
        out.extend_from_slice(&time.subsec_micros().to_le_bytes());
        out.extend_from_slice(&total.to_le_bytes());
        out.extend_from_slice(&total.to_le_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(&message);
    }
}

/// The whole file of these packets.
pub fn file(packets: &[Packet]) -> Vec<u8> {
    let mut out = Pcap::header();
    let mut pcap = Pcap::default();
    packets.iter().for_each(|packet| pcap.packet(packet, &mut out));
    out
}

/// An initial sequence number that looks like one and is the same in every run.
fn first_number(from: SocketAddr, to: SocketAddr) -> u32 {
    let ports = u32::from(from.port()) << 16 | u32::from(to.port());
    ports.wrapping_mul(2_654_435_761)
}

/// The Internet checksum (RFC 1071).
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn record(kind: u8, content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[kind, 3, 3]);
    out.extend_from_slice(&(content.len() as u16).to_be_bytes());
    out.extend_from_slice(content);
}

/// A record of which only the size is true.
fn hidden(length: usize, seed: u64, out: &mut Vec<u8>) {
    let mut state = seed | 1;
    let noise: Vec<u8> = (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    record(23, &noise, out);
}

/// A step of a handshake in the shape of TLS (RFC 8446).
fn handshake(message: &TlsMessage, time: Time) -> Vec<u8> {
    let mut out = Vec::new();
    let counted = |length: usize, body: &[u8]| {
        let prefix = (body.len() as u32).to_be_bytes();
        [&prefix[4 - length..], body].concat()
    };
    let extension = |kind: u16, body: &[u8]| [kind.to_be_bytes().as_slice(), &counted(2, body)].concat();
    let random = [time.micros().to_be_bytes(); 4].concat();
    match message {
        TlsMessage::ClientHello { server_name, versions } => {
            let number = |version: &str| if version == "TLSv1.3" { [3, 4] } else { [3, 3] };
            let offered: Vec<u8> = versions.iter().flat_map(|version| number(version)).collect();
            let mut extensions = extension(43, &counted(1, &offered));
            if let Some(name) = server_name {
                let entry = [&[0], counted(2, name.as_bytes()).as_slice()].concat();
                extensions.extend(extension(0, &counted(2, &entry)));
            }
            let mut body = vec![3, 3];
            body.extend_from_slice(&random);
            body.push(0);
            body.extend(counted(2, &[0x13, 0x02, 0x13, 0x01, 0x13, 0x03, 0xc0, 0x30, 0xc0, 0x2f]));
            body.extend_from_slice(&[1, 0]);
            body.extend(counted(2, &extensions));
            record(22, &[&[1], counted(3, &body).as_slice()].concat(), &mut out);
        }
        TlsMessage::ServerHello { version, cipher, chain, .. } => {
            let suite: [u8; 2] = match cipher.as_str() {
                "TLS_AES_128_GCM_SHA256" => [0x13, 0x01],
                "TLS_AES_256_GCM_SHA384" => [0x13, 0x02],
                "TLS_CHACHA20_POLY1305_SHA256" => [0x13, 0x03],
                _ => [0xc0, 0x30],
            };
            let mut body = vec![3, 3];
            body.extend_from_slice(&random);
            body.push(0);
            body.extend_from_slice(&suite);
            body.push(0);
            let is_13 = version == "TLSv1.3";
            body.extend(counted(2, &if is_13 { extension(43, &[3, 4]) } else { Vec::new() }));
            record(22, &[&[2], counted(3, &body).as_slice()].concat(), &mut out);
            record(20, &[1], &mut out);
            let certificates: usize = chain.iter().map(|der| der.len() + 5).sum();
            hidden((certificates + 180).min(RECORD), time.micros(), &mut out);
        }
        TlsMessage::Finished => {
            record(20, &[1], &mut out);
            hidden(53, time.micros(), &mut out);
        }
        TlsMessage::Alert(_) => record(21, &[2, 40], &mut out),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_packet_has_lengths_that_fit_and_checksums_that_hold() {
        let (client, server) = (addr("192.0.2.1:40000"), addr("192.0.2.2:25"));
        let bytes = |text: &'static [u8]| PacketKind::Payload(Payload::Bytes(Bytes::from_static(text)));
        let hello = TlsMessage::ClientHello { server_name: Some("mx".into()), versions: vec!["TLSv1.3".into()] };
        let packets: Vec<Packet> = [
            (client, server, PacketKind::Syn),
            (server, client, PacketKind::SynAck),
            (server, client, bytes(b"220 mx\r\n")),
            (client, server, PacketKind::Payload(Payload::Tls(hello.into()))),
            (client, server, PacketKind::Payload(Payload::Tls(TlsMessage::Finished.into()))),
            (client, server, bytes(b"EHLO secret\r\n")),
            (client, server, PacketKind::Fin),
            (server, client, PacketKind::Reset),
            (addr("[2001:db8::1]:5353"), addr("[2001:db8::2]:53"), PacketKind::Datagram(Bytes::from_static(b"odd"))),
        ]
        .into_iter()
        .map(|(from, to, kind)| Packet { time: Time::from_secs(1_800_000_000), from, to, kind })
        .collect();
        let file = file(&packets);
        let mut rest = &file[24..];
        let mut count = 0;
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
            let packet = &rest[16..16 + length];
            rest = &rest[16 + length..];
            count += 1;
            let (pseudo, message) = match packet[0] >> 4 {
                4 => {
                    assert_eq!(checksum(&[&packet[..20]]), 0);
                    assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), length);
                    ([&packet[12..20], &[0, packet[9]]].concat(), &packet[20..])
                }
                _ => ([&packet[8..40], &[0, packet[6]]].concat(), &packet[40..]),
            };
            let length = (message.len() as u16).to_be_bytes();
            assert_eq!(checksum(&[&[pseudo.as_slice(), &length].concat(), message]), 0);
        }
        assert_eq!(count, 9 + 6);
        assert!(!file.windows(6).any(|window| window == b"secret"));
    }
}
