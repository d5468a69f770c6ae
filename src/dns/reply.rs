//! A DNS message as the tools that show it need it: plain text in the form of master files.

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{RData, Record};
use smol_str::{SmolStr, format_smolstr};

use super::message::{decode, rcode_text, rdata_text};
use super::name::name_text;

/// A record in the form of master files, names with their final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The owner's name.
    pub name: SmolStr,
    /// Its time to live in seconds.
    pub ttl: u32,
    /// Its type.
    pub rtype: SmolStr,
    /// Its data.
    pub data: SmolStr,
}

/// What a name server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The number of the question.
    pub id: u16,
    /// The response code by name.
    pub rcode: SmolStr,
    /// The response code by number.
    pub code: u16,
    /// The flags that are set, as `qr rd ra`.
    pub flags: SmolStr,
    /// Whether the server does recursion.
    pub recursion: bool,
    /// Name and type that were asked for.
    pub question: Option<(SmolStr, SmolStr)>,
    /// The answer section.
    pub answers: Vec<Line>,
    /// The authority section.
    pub authority: Vec<Line>,
    /// The additional section, without the OPT record.
    pub additional: Vec<Line>,
    /// The UDP payload size of the OPT record, if there is one (RFC 6891).
    pub udp: Option<u16>,
    /// Octets of the message.
    pub size: usize,
}

impl Reply {
    /// Reads a message; `None` for octets that are no answer.
    pub fn read(octets: &[u8]) -> Option<Reply> {
        let message: Message = decode(octets)?;
        let meta = &message.metadata;
        if meta.message_type != MessageType::Response {
            return None;
        }
        let flags = [
            ("qr", true),
            ("aa", meta.authoritative),
            ("tc", meta.truncation),
            ("rd", meta.recursion_desired),
            ("ra", meta.recursion_available),
        ];
        let flags: Vec<&str> = flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
        let lines = |records: &[Record]| records.iter().map(line).collect::<Vec<_>>();
        Some(Reply {
            id: meta.id,
            rcode: rcode_text(meta.response_code),
            code: meta.response_code.into(),
            flags: flags.join(" ").into(),
            recursion: meta.recursion_available,
            question: message
                .queries
                .first()
                .map(|query| (dotted(&name_text(query.name())), format_smolstr!("{}", query.query_type()))),
            answers: lines(&message.answers),
            authority: lines(&message.authorities),
            additional: lines(&message.additionals),
            udp: message.edns.as_ref().map(|edns| edns.max_payload()),
            size: octets.len(),
        })
    }
}

fn dotted(name: &str) -> SmolStr {
    if name.ends_with('.') { name.into() } else { format_smolstr!("{name}.") }
}

fn line(record: &Record) -> Line {
    let text = rdata_text(&record.data);
    let data = match &record.data {
        RData::MX(_) | RData::CNAME(_) | RData::NS(_) | RData::PTR(_) | RData::SRV(_) => dotted(&text),
        RData::SOA(_) => {
            let words = text.split(' ').enumerate();
            let words = words.map(|(at, word)| if at < 2 { dotted(word) } else { word.into() });
            words.collect::<Vec<_>>().join(" ").into()
        }
        _ => text,
    };
    Line {
        name: dotted(&name_text(&record.name)),
        ttl: record.ttl,
        rtype: format_smolstr!("{}", record.record_type()),
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookup::Qtype;
    use super::super::message::encode_query;
    use super::*;

    #[test]
    fn questions_and_noise_are_no_replies() {
        let query = encode_query(7, "example.org", Qtype::Mx, true).unwrap();
        assert_eq!(Reply::read(&query), None);
        assert_eq!(Reply::read(b"noise"), None);
        let mut answer = query.to_vec();
        answer[2] |= 0x80;
        let reply = Reply::read(&answer).unwrap();
        assert_eq!((reply.flags.as_str(), reply.rcode.as_str()), ("qr rd", "NOERROR"));
        assert_eq!(reply.question, Some(("example.org.".into(), "MX".into())));
    }
}
