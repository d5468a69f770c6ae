//! Patterns of events in the trace.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use serde_json::Value;

use super::{Bench, Fields, Finding, text};
use crate::lab::written::Text;
use crate::sim::Socket;
use crate::trace::{self, Actor, EventId, Kind, Trace};
use crate::world::World;

/// An event that must have happened since the student began.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its type: `tcp.connect`.
    pub kind: String,
    /// On which host.
    #[serde(default)]
    pub host: Option<String>,
    /// On whose behalf; on anybody's if missing.
    #[serde(default)]
    pub by: Option<By>,
    /// What its fields must match; see [`matches_text`]. Addresses match names of hosts, too.
    #[serde(default)]
    pub fields: Fields,
    /// How many there must be at least.
    #[serde(default = "one")]
    pub at_least: u64,
    /// How many there may be at most.
    #[serde(default)]
    pub at_most: Option<u64>,
}

fn one() -> u64 {
    1
}

/// On whose behalf something happened: who began the chain of causes that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum By {
    /// The student, with whatever.
    Student,
    /// The student, line by line: with telnet, nc, openssl s_client or a real socket.
    Hand,
    /// The script of the scenario.
    Scenario,
}

/// The first event of the chain of causes that led to an event. What happens in a session goes
/// back to whoever opened its connection, not to whoever started the server.
pub(super) fn root(trace: &Trace, mut id: EventId) -> EventId {
    // A cause is always older; anything else would never end.
    let mut bound = id;
    while let Some(event) = trace.get(id) {
        // A server notes a session a moment before its client notes that the connection is open.
        if let Kind::SmtpSession { session, .. } = &event.kind
            && let Some(connect) = opened(trace, *session)
        {
            id = connect;
            let cause = trace.get(connect).and_then(|event| event.cause).filter(|cause| *cause < bound);
            let Some(cause) = cause else { break };
            (id, bound) = (cause, cause);
            continue;
        }
        let cause = event.cause.or_else(|| session(&event.kind).and_then(|session| opened(trace, session)));
        let Some(cause) = cause.filter(|cause| *cause < bound) else { break };
        (id, bound) = (cause, cause);
    }
    id
}

/// The session that an event belongs to.
fn session(kind: &Kind) -> Option<Socket> {
    match kind {
        Kind::SmtpCmd { session, .. }
        | Kind::SmtpData { session, .. }
        | Kind::SmtpReply { session, .. }
        | Kind::SmtpAuth { session, .. }
        | Kind::SmtpTls { session, .. }
        | Kind::PopCmd { session, .. }
        | Kind::ImapCmd { session, .. } => Some(*session),
        _ => None,
    }
}

/// The event with which the connection of a session was opened.
fn opened(trace: &Trace, session: Socket) -> Option<EventId> {
    let client = Socket(session.0 & !1);
    let is = |kind: &Kind| matches!(kind, Kind::TcpConnect { sock, .. } if *sock == client);
    trace.iter().rev().find(|event| is(&event.kind)).map(|event| event.id)
}

/// Whether an event happened on somebody's behalf.
pub fn on_behalf(trace: &Trace, id: EventId, by: By) -> bool {
    let Some(first) = trace.get(root(trace, id)) else { return false };
    match by {
        By::Scenario => first.actor == Actor::Scenario,
        By::Student => first.actor == Actor::Student,
        By::Hand => {
            first.actor == Actor::Student
                && match &first.kind {
                    Kind::ShellCommand { line, .. } => is_by_hand(line),
                    // Octets of a real socket have no command.
                    _ => true,
                }
        }
    }
}

/// Whether a command line talks to a server line by line.
fn is_by_hand(line: &str) -> bool {
    let mut words = line.split(|c: char| c.is_whitespace() || "|;&()".contains(c)).filter(|word| !word.is_empty());
    words.any(|word| matches!(word.rsplit('/').next(), Some("telnet" | "nc" | "ncat" | "netcat" | "openssl")))
}

impl Event {
    /// The matching events in order.
    pub fn find(&self, bench: &Bench<'_>) -> Vec<EventId> {
        let trace = bench.world.trace();
        let host = self.host.as_deref().map(|name| bench.world.find(name));
        // What the scenario did, it may have done before the student came.
        let since = if self.by == Some(By::Scenario) { 0 } else { bench.since };
        trace
            .since(since)
            .filter(|event| event.kind.name() == self.kind)
            .filter(|event| host.is_none_or(|host| host.is_some() && event.host == host))
            .filter(|event| self.fields.is_empty() || has_fields(bench.world, event, &self.fields))
            // Last, for it is the most work.
            .filter(|event| self.by.is_none_or(|by| on_behalf(trace, event.id, by)))
            .map(|event| event.id)
            .collect()
    }

    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let found = self.find(bench);
        let count = found.len() as u64;
        let ok = count >= self.at_least && self.at_most.is_none_or(|most| count <= most);
        let (en, de) = match (self.at_least, self.at_most) {
            (1, None) => (String::new(), String::new()),
            (_, Some(0)) => (", never".to_owned(), ", nie".to_owned()),
            (least, None) => (format!(", at least {least} times"), format!(", mindestens {least} Mal")),
            (least, Some(most)) if least == most => {
                (format!(", exactly {least} times"), format!(", genau {least} Mal"))
            }
            (least, Some(most)) => (format!(", {least} to {most} times"), format!(", {least} bis {most} Mal")),
        };
        let what = self.describe();
        let expected = text(format!("{}{en}", what.en), format!("{}{de}", what.de));
        let actual = match count {
            0 => text("it did not happen", "es ist nicht geschehen"),
            n => text(format!("it happened {n} times"), format!("es geschah {n} Mal")),
        };
        Finding::new(ok, expected, actual).at(found.last().copied())
    }

    /// What is looked for, in words.
    fn describe(&self) -> Text {
        let (en, de) = kind_in_words(&self.kind);
        let fields: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        let (on, auf) = match &self.host {
            Some(host) => (format!(" on {host}"), format!(" auf {host}")),
            None => (String::new(), String::new()),
        };
        text(format!("{en}{on}{fields}"), format!("{de}{auf}{fields}"))
    }
}

/// A type of events in words; its name, where that says enough.
fn kind_in_words(kind: &str) -> (&str, &str) {
    match kind {
        "alias.expand" => ("an alias is expanded", "ein Alias wird aufgelöst"),
        "config.load" => ("the configuration is read", "die Konfiguration wird gelesen"),
        "deliver" => ("a delivery", "eine Zustellung"),
        "dns.answer" => ("an answer of the DNS", "eine Antwort des DNS"),
        "dns.query" => ("a question to the DNS", "eine Frage an das DNS"),
        "imap.cmd" => ("an IMAP command", "ein IMAP-Kommando"),
        "log.line" => ("a line in the log", "eine Zeile im Log"),
        "map.build" => ("a table is built", "eine Tabelle wird gebaut"),
        "mra.poll" => ("fetchmail asks a server", "fetchmail fragt einen Server"),
        "pop.cmd" => ("a POP3 command", "ein POP3-Kommando"),
        "queue.enter" => ("a mail enters the queue", "eine Mail kommt in die Warteschlange"),
        "queue.leave" => ("a mail leaves the queue", "eine Mail verlässt die Warteschlange"),
        "queue.move" => ("a mail moves within the queue", "eine Mail wechselt in der Warteschlange den Platz"),
        "smtp.auth" => ("a login", "eine Anmeldung"),
        "smtp.cmd" => ("an SMTP command", "ein SMTP-Kommando"),
        "smtp.reply" => ("a reply", "eine Antwort"),
        "tcp.connect" => ("a connection", "eine Verbindung"),
        other => (other, other),
    }
}

/// Whether events happened one after the other.
pub(super) fn in_order(events: &[Event], bench: &Bench<'_>) -> Finding {
    let mut after = EventId(0);
    let names: Vec<Text> = events.iter().map(Event::describe).collect();
    let join = |language: fn(&Text) -> &str, then: &str| names.iter().map(language).collect::<Vec<_>>().join(then);
    let expected = text(join(|name| &name.en, ", then "), join(|name| &name.de, ", dann "));
    for (event, name) in events.iter().zip(&names) {
        let Some(next) = event.find(bench).into_iter().find(|id| *id > after) else {
            let actual =
                text(format!("missing at that place: {}", name.en), format!("an dieser Stelle fehlt: {}", name.de));
            return Finding::new(false, expected, actual).at(Some(after).filter(|id| id.0 > 0));
        };
        after = next;
    }
    Finding::new(true, expected, text("in this order", "in dieser Reihenfolge")).at(Some(after))
}

fn has_fields(world: &World, event: &trace::Event, fields: &Fields) -> bool {
    let Ok(value) = serde_json::to_value(&event.kind) else { return false };
    fields.iter().all(|(name, wanted)| value.get(name).is_some_and(|found| has_value(world, found, wanted)))
}

fn has_value(world: &World, found: &Value, wanted: &str) -> bool {
    match found {
        Value::Array(items) => items.iter().any(|item| has_value(world, item, wanted)),
        Value::String(found) => matches_text(found, wanted) || is_host(world, found, wanted),
        Value::Null => wanted.is_empty(),
        other => matches_text(&other.to_string(), wanted),
    }
}

/// Whether an address, with or without port, is one of a host's: `mx1` or `mx1:25`.
fn is_host(world: &World, found: &str, wanted: &str) -> bool {
    let (addr, port) = match (found.parse::<SocketAddr>(), found.parse::<IpAddr>()) {
        (Ok(socket), _) => (socket.ip(), Some(socket.port())),
        (_, Ok(addr)) => (addr, None),
        _ => return false,
    };
    let (negated, wanted) = wanted.strip_prefix('!').map_or((false, wanted), |rest| (true, rest));
    let is = wanted.split('|').any(|wanted| {
        let (name, wanted_port) = match wanted.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok()),
            None => (wanted, None),
        };
        world.find(name).is_some_and(|id| world.host(id).owns(addr)) && (wanted_port.is_none() || wanted_port == port)
    });
    is != negated
}

/// Whether a text is like a pattern: equal but for case, with `*` for anything, `a|b` for one or
/// the other, and `!` before what it must not be.
pub fn matches_text(found: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('!') {
        Some(rest) => !matches_text(found, rest),
        None => {
            let found = found.to_lowercase();
            pattern.to_lowercase().split('|').any(|pattern| glob(found.as_bytes(), pattern.as_bytes()))
        }
    }
}

/// Shell-like matching with `*` only, in time proportional to both lengths.
fn glob(text: &[u8], pattern: &[u8]) -> bool {
    let mut pieces = pattern.split(|octet| *octet == b'*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&[u8]> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match find(rest, piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, piece)
}

/// The values of a field over all matching events, in order and without repetition.
/// Of so many events at most.
pub(super) fn field_values(bench: &Bench<'_>, event: &Event, field: &str, most: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let values = event.find(bench).into_iter().take(most).filter_map(|id| {
        let value = serde_json::to_value(&bench.world.trace().get(id)?.kind).ok()?;
        Some(match value.get(field)? {
            Value::Array(items) => items.iter().map(plain).collect(),
            value => vec![plain(value)],
        })
    });
    values.flatten().filter(|value| seen.insert(value.clone())).collect()
}

/// When the matching events happened, as hours and minutes by the clock of their hosts.
pub(super) fn moments(bench: &Bench<'_>, event: &Event) -> Vec<String> {
    let world = bench.world;
    let found = event.find(bench).into_iter().filter_map(|id| world.trace().get(id));
    found
        .map(|event| {
            let zone = event.host.map_or(jiff::tz::TimeZone::UTC, |id| world.host(id).zone.clone());
            event.time.zoned(&zone).strftime("%H:%M").to_string()
        })
        .collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_ignore_case_and_know_stars_alternatives_and_negation() {
        for (found, pattern, matches) in [
            ("Open", "open", true),
            ("554 5.7.1 x: Relay access denied", "554*relay*", true),
            ("450", "450|451", true),
            ("452", "450|451", false),
            ("452", "!450|451", true),
            ("abc", "a*b", false),
            ("aXbXb", "a*b", true),
            ("", "*", true),
            ("x", "", false),
        ] {
            assert_eq!(matches_text(found, pattern), matches, "{found:?} {pattern:?}");
        }
    }

    #[test]
    fn tools_that_talk_line_by_line_are_told_from_those_that_do_it_all() {
        assert!(is_by_hand("(sleep 1; echo QUIT) | telnet mx1 25"));
        assert!(is_by_hand("/usr/bin/openssl s_client -connect mx1:465"));
        assert!(!is_by_hand("echo telnetting | mail -s x bob"));
        assert!(!is_by_hand("swaks --to bob"));
    }
}
