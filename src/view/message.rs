//! A message for reading: the envelope beside the letter, the way that its Received lines tell, the body.

use serde::Serialize;

use super::index::{Index, session_of};
use crate::mail::header::Fields;
use crate::session::Session;
use crate::sim::Duration;
use crate::trace::{Event, EventId, Kind};

/// Most octets of a body that are shown.
const MOST_BODY: usize = 20_000;

/// The envelope: what the hosts said to each other, which no reader of the letter sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// Reverse path, as in `MAIL FROM`; empty for a report.
    pub from: Option<String>,
    /// Recipients that were accepted.
    pub to: Vec<String>,
}

/// One station of the way, as a `Received` line tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Who handed the message over; empty if it was written there.
    pub from: String,
    /// Who took it.
    pub by: String,
    /// By which protocol.
    pub with: String,
    /// When, as written.
    pub time: String,
    /// How long after the station before; unknown for the first one.
    pub delay: Option<Duration>,
}

/// A message taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The envelope, as far as it is known.
    pub envelope: Envelope,
    /// Header fields in order, unfolded.
    pub fields: Vec<(String, String)>,
    /// The way, first station first.
    pub hops: Vec<Hop>,
    /// The body.
    pub body: String,
    /// The message as it was on the wire or in the file.
    pub octets: Vec<u8>,
}

impl Letter {
    /// The first field of a name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Takes a message apart. On the wire lines end with CRLF, dots at their beginnings are doubled, and a dot
/// stands at the end; a file has none of it.
pub fn letter(envelope: Envelope, octets: &[u8], on_wire: bool) -> Letter {
    let plain = if on_wire { unstuffed(octets) } else { octets.to_vec() };
    let text: Vec<u8> = plain.iter().copied().filter(|octet| *octet != b'\r').collect();
    let fields = Fields::new(&text).map(|field| (String::from_utf8_lossy(field.name).into_owned(), field.unfolded()));
    let all: Vec<(String, String)> = fields.collect();
    let (_, _, start) = crate::mail::header::split(&text);
    let body = &text[start.min(text.len())..];
    let body = String::from_utf8_lossy(&body[..body.len().min(MOST_BODY)]).into_owned();
    let hops = way(&all);
    Letter { envelope, fields: all, hops, body, octets: octets.to_vec() }
}

/// An event of the connection that brought a mail to a host, or took it away: of the mail that an event is about,
/// or of the one that led to it.
pub fn carrier(session: &Session, index: &Index, event: EventId) -> Option<EventId> {
    let trace = session.world().trace();
    let mut next = trace.get(event);
    while let Some(event) = next {
        if session_of(event).is_some() && carried(session, index, event.id).is_some() {
            return Some(event.id);
        }
        next = event.cause.filter(|cause| *cause < event.id).and_then(|id| trace.get(id));
    }
    None
}

/// The message that goes over a connection at an event, with its envelope from the dialogue.
pub fn carried(session: &Session, index: &Index, event: EventId) -> Option<Letter> {
    let trace = session.world().trace();
    let socket = session_of(trace.get(event)?)?;
    let events = index.session_events(socket);
    let message = |id: &&EventId| index.facts.is_message(**id);
    let at = events.partition_point(|id| *id < event);
    let id = events[at..].iter().find(message).or_else(|| events[..at].iter().rev().find(message))?;
    let Kind::SmtpData { bytes, .. } = &trace.get(*id)?.kind else { return None };
    let before = events.iter().take_while(|earlier| *earlier < id).filter_map(|id| trace.get(*id));
    Some(letter(envelope(before), bytes, true))
}

/// The envelope of the last transaction of a dialogue: recipients count that were answered with 2xx.
fn envelope<'a>(events: impl Iterator<Item = &'a Event>) -> Envelope {
    let mut envelope = Envelope::default();
    let mut asked: std::collections::VecDeque<String> = std::collections::VecDeque::new();
    for event in events {
        match &event.kind {
            Kind::SmtpCmd { line, .. } => {
                asked.push_back(line.to_string());
            }
            Kind::SmtpReply { code, .. } if *code < 400 => {
                let line = asked.pop_front().unwrap_or_default();
                let upper = line.to_ascii_uppercase();
                let path =
                    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned());
                match path {
                    Some(path) if upper.starts_with("MAIL") => envelope = Envelope { from: Some(path), to: Vec::new() },
                    Some(path) if upper.starts_with("RCPT") => envelope.to.push(path),
                    _ => {}
                }
            }
            Kind::SmtpReply { .. } => {
                asked.pop_front();
            }
            _ => {}
        }
    }
    envelope
}

/// The stations, first one first: every host puts its line above the others.
fn way(fields: &[(String, String)]) -> Vec<Hop> {
    let received = fields.iter().rev().filter(|(name, _)| name.eq_ignore_ascii_case("Received"));
    let mut hops: Vec<Hop> = Vec::new();
    let mut last: Option<i64> = None;
    for (_, value) in received {
        let (what, date) = value.rsplit_once(';').unwrap_or((value, ""));
        let time = jiff::fmt::rfc2822::parse(date.split('(').next().unwrap_or_default().trim())
            .ok()
            .map(|zoned| zoned.timestamp().as_second());
        let delay = match (last, time) {
            (Some(before), Some(now)) => u64::try_from(now - before).ok().map(Duration::from_secs),
            _ => None,
        };
        last = time.or(last);
        hops.push(Hop {
            from: word_after(what, "from"),
            by: word_after(what, "by"),
            with: word_after(what, "with"),
            time: date.trim().to_owned(),
            delay,
        });
    }
    hops
}

/// The word that follows a keyword of a Received line, outside of comments.
fn word_after(text: &str, keyword: &str) -> String {
    let mut depth = 0_u32;
    let plain: String = text
        .chars()
        .filter(|letter| {
            let inside = depth > 0;
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            !inside && depth == 0
        })
        .collect();
    let mut words = plain.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case(keyword));
    words.next().unwrap_or_default().to_owned()
}

/// A message as it was before it went onto the wire.
fn unstuffed(octets: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        match line {
            b".\r\n" | b".\n" => break,
            [b'.', rest @ ..] => plain.extend_from_slice(rest),
            line => plain.extend_from_slice(line),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &[u8] = b"Received: from mx1.example.com (mx1.example.com [192.0.2.10])\r\n\tby mx.example.org (Postfix) with ESMTP id 4F\r\n\tfor <bob@example.org>; Sat, 21 Nov 2026 12:00:07 +0000 (UTC)\r\nReceived: by mx1.example.com (Postfix, from userid 1000)\r\n\tid 3E; Sat, 21 Nov 2026 12:00:02 +0000 (UTC)\r\nSubject: dots\r\n\r\n..one\r\ntwo\r\n.\r\n";

    #[test]
    fn the_way_begins_at_the_first_host_and_knows_its_delays() {
        let letter = letter(Envelope::default(), WIRE, true);
        let hops: Vec<(&str, &str, &str)> =
            letter.hops.iter().map(|hop| (hop.from.as_str(), hop.by.as_str(), hop.with.as_str())).collect();
        assert_eq!(hops, [("", "mx1.example.com", ""), ("mx1.example.com", "mx.example.org", "ESMTP")]);
        assert_eq!(letter.hops[0].delay, None);
        assert_eq!(letter.hops[1].delay, Some(Duration::from_secs(5)));
    }

    #[test]
    fn doubled_dots_and_the_last_dot_belong_to_the_wire() {
        let letter = letter(Envelope::default(), WIRE, true);
        assert_eq!(letter.body, ".one\ntwo\n");
        assert_eq!(letter.field("subject"), Some("dots"));
        assert_eq!(letter.octets, WIRE);
    }
}
