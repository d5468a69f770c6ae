//! What a name server makes of the octets that reach it; the daemon around it is the host's.

use std::net::IpAddr;

use bytes::Bytes;
use hickory_proto::rr::{Name, RecordType};
use smol_str::SmolStr;

use super::authority::{Catalog, Response};
use super::message::{self, UDP_PAYLOAD};
use super::name::name_text;
use crate::trace::{Decision, Kind};

/// How a question came; it says how long the answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram: 512 octets, or what the asker offers (RFC 6891).
    Udp,
    /// A connection: 64 KiB.
    Tcp,
}

/// An answer, ready to be sent.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The message.
    pub octets: Bytes,
    question: Option<(Name, RecordType)>,
    response: Response,
}

impl Reply {
    /// The event `dns.answer`.
    pub fn event(&self, from: IpAddr, to: IpAddr) -> Kind {
        let (qname, qtype) = match &self.question {
            Some((name, rtype)) => (name_text(name), message::type_text(*rtype)),
            None => Default::default(),
        };
        let records = self.response.answers.iter().chain(&self.response.authorities);
        let records = records.map(message::record_text).collect();
        let rcode = message::rcode_text(self.response.rcode);
        Kind::DnsAnswer { from, to, qname, qtype, rcode, records, cached: false }
    }

    /// The steps that led to it.
    pub fn decision(&self) -> Decision {
        match &self.question {
            Some((name, rtype)) => self.response.decision(name, *rtype),
            None => Decision::about("what is asked?"),
        }
    }
}

/// Name and type that a message asks for, as the trace has them; `None` if it asks nothing.
pub fn question_of(octets: &[u8]) -> Option<(SmolStr, SmolStr)> {
    let query = message::decode(octets)?;
    let question = query.queries.first()?;
    Some((name_text(question.name()), message::type_text(question.query_type())))
}

impl Catalog {
    /// Answers a message; `None` if nothing is to be sent. An answer that is too long for its way
    /// is cut off, with the TC flag.
    pub fn reply(&self, octets: &[u8], transport: Transport) -> Option<Reply> {
        let query = message::decode(octets)?;
        let (answer, response) = self.answer_message(&query)?;
        let question = query.queries.first().map(|question| (question.name().clone(), question.query_type()));
        let limit = match (transport, &query.edns) {
            (Transport::Tcp, _) => u16::MAX,
            (Transport::Udp, None) => 512,
            (Transport::Udp, Some(edns)) => edns.max_payload().clamp(512, UDP_PAYLOAD),
        };
        let whole = message::encode(&answer).filter(|octets| octets.len() <= usize::from(limit));
        let octets = whole.or_else(|| message::encode(&answer.truncate()))?;
        Some(Reply { octets, question, response })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::{Qtype, Zone};

    fn catalog() -> Catalog {
        let many: String = (1..=90).map(|n| format!("@ IN A 192.0.2.{n}\n")).collect();
        Catalog::new([Zone::parse_fragment("example.org", &many, "z").unwrap()])
    }

    #[test]
    fn long_answers_are_cut_off_on_datagrams_only() {
        let query = message::encode_query(1, "example.org", Qtype::A, true).unwrap();
        let size = |transport| {
            let reply = catalog().reply(&query, transport).unwrap();
            let message = message::decode(&reply.octets).unwrap();
            (message.metadata.truncation, message.answers.len())
        };
        assert_eq!(size(Transport::Udp), (true, 0));
        assert_eq!(size(Transport::Tcp), (false, 90));
    }

    #[test]
    fn the_event_says_what_was_answered() {
        let query = message::encode_query(1, "Nowhere.example.org", Qtype::Mx, true).unwrap();
        let reply = catalog().reply(&query, Transport::Udp).unwrap();
        let addr = "192.0.2.53".parse().unwrap();
        let Kind::DnsAnswer { qname, qtype, rcode, records, .. } = reply.event(addr, addr) else {
            panic!("dns.answer")
        };
        assert_eq!([qname, qtype, rcode], ["nowhere.example.org", "MX", "NXDOMAIN"]);
        assert!(records[0].starts_with("example.org 300 SOA"));
        assert_eq!(reply.decision().verdict, "NXDOMAIN");
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(reply) = catalog().reply(&octets, Transport::Udp) {
                prop_assert!(reply.octets.len() <= 1232);
            }
        }
    }
}
