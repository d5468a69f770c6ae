//! DNS messages on the wire (RFC 1035, section 4), and what they say in text.

use bytes::Bytes;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use smol_str::{SmolStr, format_smolstr};

use super::lookup::{Answer, Qtype, Rdata};
use super::name::{name_text, wire_name};

/// Octets of an answer that a resolver here says it can take by UDP (RFC 6891).
pub const UDP_PAYLOAD: u16 = 1232;

/// CNAME records that are followed in one lookup, as in Postfix and BIND.
pub const MAX_CNAMES: usize = 10;

/// hickory's record type for one that can be asked for.
pub fn record_type(qtype: Qtype) -> RecordType {
    match qtype {
        Qtype::A => RecordType::A,
        Qtype::Aaaa => RecordType::AAAA,
        Qtype::Mx => RecordType::MX,
        Qtype::Cname => RecordType::CNAME,
        Qtype::Ns => RecordType::NS,
        Qtype::Ptr => RecordType::PTR,
        Qtype::Soa => RecordType::SOA,
        Qtype::Txt => RecordType::TXT,
        Qtype::Srv => RecordType::SRV,
        Qtype::Tlsa => RecordType::TLSA,
        Qtype::Any => RecordType::ANY,
    }
}

/// The name of a type for the trace, without allocation for the usual ones.
pub fn type_text(rtype: RecordType) -> SmolStr {
    match rtype {
        RecordType::A => SmolStr::new_static("A"),
        RecordType::AAAA => SmolStr::new_static("AAAA"),
        RecordType::MX => SmolStr::new_static("MX"),
        RecordType::PTR => SmolStr::new_static("PTR"),
        RecordType::TXT => SmolStr::new_static("TXT"),
        other => format_smolstr!("{other}"),
    }
}

/// The name of a response code as `dig` prints it.
pub fn rcode_text(code: ResponseCode) -> SmolStr {
    match code {
        ResponseCode::NoError => SmolStr::new_static("NOERROR"),
        ResponseCode::NXDomain => SmolStr::new_static("NXDOMAIN"),
        ResponseCode::ServFail => SmolStr::new_static("SERVFAIL"),
        ResponseCode::Refused => SmolStr::new_static("REFUSED"),
        ResponseCode::FormErr => SmolStr::new_static("FORMERR"),
        ResponseCode::NotImp => SmolStr::new_static("NOTIMP"),
        other => format_smolstr!("RCODE{}", u16::from(other)),
    }
}

/// A question as octets; `None` if the name cannot stand in a message.
pub fn encode_query(id: u16, qname: &str, qtype: Qtype, recursion_desired: bool) -> Option<Bytes> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = recursion_desired;
    message.add_query(Query::query(wire_name(qname)?, record_type(qtype)));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    message.set_edns(edns);
    encode(&message)
}

/// A message as octets; `None` if it is longer than 64 KiB.
pub fn encode(message: &Message) -> Option<Bytes> {
    message.to_vec().ok().map(Bytes::from)
}

/// Reads a message; `None` for octets that are none.
pub fn decode(bytes: &[u8]) -> Option<Message> {
    if bytes.len() > usize::from(u16::MAX) {
        return None;
    }
    Message::from_vec(bytes).ok()
}

/// The record data in presentation format, with names in ASCII and without their final dot.
pub fn rdata_text(data: &RData) -> SmolStr {
    match data {
        RData::MX(mx) => format_smolstr!("{} {}", mx.preference, name_text(&mx.exchange)),
        RData::CNAME(name) => name_text(name),
        RData::NS(name) => name_text(name),
        RData::PTR(name) => name_text(name),
        RData::SRV(srv) => {
            format_smolstr!("{} {} {} {}", srv.priority, srv.weight, srv.port, name_text(&srv.target))
        }
        RData::SOA(soa) => {
            let (server, mailbox) = (name_text(&soa.mname), name_text(&soa.rname));
            let [refresh, retry, expire] = [soa.refresh, soa.retry, soa.expire];
            format_smolstr!("{server} {mailbox} {} {refresh} {retry} {expire} {}", soa.serial, soa.minimum)
        }
        RData::TXT(txt) => {
            let parts = txt.txt_data.iter().map(|part| format!("\"{}\"", part.escape_ascii()));
            SmolStr::from(parts.collect::<Vec<_>>().join(" "))
        }
        other => format_smolstr!("{other}"),
    }
}

/// A record in one line for people: `example.org 3600 MX 10 mx1.example.org`.
pub fn record_text(record: &Record) -> SmolStr {
    let (name, rtype, data) = (name_text(&record.name), record.record_type(), rdata_text(&record.data));
    format_smolstr!("{name} {} {rtype} {data}", record.ttl)
}

/// A message in lines for people, section by section as `dig` prints it; `None` for octets that are none.
pub fn describe(bytes: &[u8]) -> Option<Vec<String>> {
    let message = decode(bytes)?;
    let head = &message.metadata;
    let mut flags = Vec::new();
    for (set, name) in [
        (head.message_type == MessageType::Response, "qr"),
        (head.authoritative, "aa"),
        (head.truncation, "tc"),
        (head.recursion_desired, "rd"),
        (head.recursion_available, "ra"),
    ] {
        if set {
            flags.push(name);
        }
    }
    let mut lines = vec![format!(
        "opcode {}, status {}, id {}, flags {}",
        head.op_code,
        rcode_text(head.response_code),
        head.id,
        flags.join(" ")
    )];
    let questions = message.queries.iter();
    lines.extend(questions.map(|query| format!("QUESTION    {} {}", name_text(query.name()), query.query_type())));
    for (section, records) in
        [("ANSWER", &message.answers), ("AUTHORITY", &message.authorities), ("ADDITIONAL", &message.additionals)]
    {
        lines.extend(records.iter().map(|record| format!("{section:<11} {}", record_text(record))));
    }
    if message.edns.is_some() {
        lines.push(format!("EDNS        udp {}", message.max_payload()));
    }
    Some(lines)
}

/// What programs above the wire get of a record.
pub fn answer(record: &Record) -> Answer {
    let data = match &record.data {
        RData::A(addr) => Rdata::A(addr.0),
        RData::AAAA(addr) => Rdata::Aaaa(addr.0),
        RData::MX(mx) => Rdata::Mx { preference: mx.preference, exchange: name_text(&mx.exchange) },
        RData::CNAME(name) => Rdata::Cname(name_text(name)),
        RData::NS(name) => Rdata::Ns(name_text(name)),
        RData::PTR(name) => Rdata::Ptr(name_text(name)),
        RData::TXT(txt) => {
            let octets = txt.txt_data.concat();
            Rdata::Txt(String::from_utf8_lossy(&octets).into())
        }
        other => Rdata::Other(rdata_text(other)),
    };
    Answer { name: name_text(&record.name), ttl: record.ttl, data }
}

/// How long a negative answer may be remembered, in seconds, from the SOA record in its authority
/// section (RFC 2308, section 5); `None` without one.
pub fn negative_ttl(message: &Message) -> Option<u32> {
    message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_survives_the_wire() {
        let bytes = encode_query(7, "Example.org", Qtype::Mx, true).unwrap();
        let message = decode(&bytes).unwrap();
        assert_eq!(message.metadata.id, 7);
        assert!(message.metadata.recursion_desired);
        assert_eq!(name_text(message.queries[0].name()), "example.org");
        assert_eq!(message.max_payload(), UDP_PAYLOAD);
        assert_eq!(encode_query(7, "a..b", Qtype::Mx, true), None);
        let lines = describe(&bytes).unwrap();
        assert_eq!(lines[0], "opcode QUERY, status NOERROR, id 7, flags rd");
        assert_eq!(lines[1], "QUESTION    example.org MX");
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(message) = decode(&bytes) {
                let texts: Vec<_> = message.all_sections().map(record_text).collect();
                prop_assert_eq!(texts.len(), message.all_sections().count());
            }
        }

        #[test]
        fn damaged_answers_never_panic(at in 0usize..60, octet in any::<u8>()) {
            let mut bytes = encode_query(7, "mail.example.org", Qtype::Any, true).unwrap().to_vec();
            let at = at % bytes.len();
            bytes[at] = octet;
            prop_assert!(decode(&bytes).is_none_or(|message| message.queries.len() <= 1));
        }
    }
}
