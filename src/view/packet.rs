//! What was on the wire for an event: the datagram itself, octet by octet, and decoded.

use crate::dns::message;
use crate::session::Session;
use crate::sim::tap::{Packet, PacketKind};
use crate::sim::{Duration, Time};
use crate::trace::{Event, Kind};

/// How long a datagram may be under way.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// A datagram made ready for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// What it says, line by line.
    pub lines: Vec<String>,
    /// Its octets, sixteen to a line, with what is printable beside them.
    pub octets: Vec<String>,
}

/// The DNS message of an event; `None` if nothing went over the wire for it (an answer from a cache, a lost
/// packet), or it is no DNS event. The past is played again for it.
pub fn dns(session: &Session, event: &Event) -> Option<Datagram> {
    let (Kind::DnsQuery { qname, qtype, .. } | Kind::DnsAnswer { qname, qtype, .. }) = &event.kind else {
        return None;
    };
    let is_answer = matches!(event.kind, Kind::DnsAnswer { .. });
    let fits = |packet: &Packet| {
        let ends = match &event.kind {
            Kind::DnsQuery { from, resolver, .. } => (*from, *resolver),
            Kind::DnsAnswer { from, to, .. } => (*from, *to),
            _ => return None,
        };
        let PacketKind::Datagram(bytes) = &packet.kind else { return None };
        let lines = message::describe(bytes)?;
        let asked = format!("QUESTION    {} {qtype}", qname.to_ascii_lowercase());
        let direction = lines[0].contains(" qr") == is_answer;
        let right = (packet.from.ip(), packet.to.ip()) == ends
            && direction
            && lines.iter().any(|line| line.eq_ignore_ascii_case(&asked));
        right.then(|| Datagram { lines, octets: hex(bytes) })
    };
    let micros = event.time.secs() * 1_000_000 + u64::from(event.time.subsec_micros());
    let before = Time::from_micros(micros.saturating_sub(1));
    session.packets(before, event.time + UNDER_WAY).iter().find_map(fits)
}

/// Octets as `hexdump -C` writes them.
pub fn hex(bytes: &[u8]) -> Vec<String> {
    let line = |(number, octets): (usize, &[u8])| {
        let (mut codes, mut text) = (String::new(), String::new());
        for octet in octets {
            codes.push_str(&format!("{octet:02x} "));
            let letter = char::from(*octet);
            text.push(if letter.is_ascii_graphic() || letter == ' ' { letter } else { '.' });
        }
        format!("{:04x}  {codes:<48} {text}", number * 16)
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_stand_beside_what_is_printable() {
        assert_eq!(
            hex(b"\x00\x07mxlab.test. and so on"),
            [
                "0000  00 07 6d 78 6c 61 62 2e 74 65 73 74 2e 20 61 6e  ..mxlab.test. an",
                "0010  64 20 73 6f 20 6f 6e                             d so on",
            ]
        );
    }
}
