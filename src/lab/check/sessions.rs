//! Sessions of SMTP, POP3 and IMAP as they went.

use serde::Deserialize;

use super::{Bench, By, Finding, matches_text, on_behalf, text};
use crate::sim::Socket;
use crate::trace::{ConnectResult, EventId, Kind};

/// One session in which these lines got these replies, in this order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// The client's host; any if missing.
    #[serde(default)]
    pub from: Option<String>,
    /// The server's host.
    pub to: String,
    /// The server's port; any if missing.
    #[serde(default)]
    pub port: Option<u16>,
    /// Who held it.
    #[serde(default = "hand")]
    pub by: By,
    /// Lines of the client with the reply's first word: a code as in `250` or `4xx|5xx`, `+OK`,
    /// `NO`. The line `.` is the end of a message, the empty one the greeting.
    pub lines: Vec<(String, String)>,
    /// Whether it was encrypted before the first of these lines; either if missing.
    #[serde(default)]
    pub tls: Option<bool>,
}

fn hand() -> By {
    By::Hand
}

/// A line with its reply.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) line: String,
    pub(super) reply: String,
    pub(super) event: EventId,
    pub(super) tls: bool,
}

/// A session with its exchanges in order.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) session: Socket,
    pub(super) exchanges: Vec<Exchange>,
}

impl Dialogue {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        // Not the lines themselves: they would be the solution.
        let replies = self.lines.iter().map(|(_, reply)| reply.as_str()).collect::<Vec<_>>().join(", ");
        let count = self.lines.len();
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        let server = format!("{}{port}", self.to);
        let expected = match count {
            1 => text(
                format!("a session with {server} with the reply {replies}"),
                format!("eine Sitzung mit {server} mit der Antwort {replies}"),
            ),
            _ => text(
                format!("a session with {server} in which {count} lines in order get {replies}"),
                format!("eine Sitzung mit {server}, in der {count} Zeilen der Reihe nach {replies} bekommen"),
            ),
        };
        let mut best: Option<(usize, Option<EventId>, String)> = None;
        for held in self.held(bench) {
            let (met, event, seen) = self.progress(&held);
            if met == count {
                return Finding::new(true, expected, text("such a session was held", "so ging eine Sitzung")).at(event);
            }
            if best.as_ref().is_none_or(|(most, ..)| met >= *most) {
                best = Some((met, event, seen));
            }
        }
        let Some((met, event, seen)) = best else {
            let actual = text(format!("no session with {server}"), format!("keine Sitzung mit {server}"));
            return Finding::new(false, expected, actual);
        };
        let actual = text(format!("{met} of {count} so far{seen}"), format!("{met} von {count} bisher{seen}"));
        Finding::new(false, expected, actual).at(event)
    }

    /// How many lines of the pattern were met in order, where, and what came last instead.
    fn progress(&self, held: &Held) -> (usize, Option<EventId>, String) {
        let mut wanted = self.lines.iter();
        let mut next = wanted.next();
        let (mut count, mut event, mut seen) = (0, None, String::new());
        for exchange in &held.exchanges {
            let Some((line, reply)) = next else { break };
            if !matches_text(&normal(&exchange.line), &normal(line)) {
                continue;
            }
            if matches_reply(&exchange.reply, reply) && self.tls.is_none_or(|tls| tls == exchange.tls) {
                count += 1;
                event = Some(exchange.event);
                next = wanted.next();
                seen.clear();
            } else {
                seen = format!(" ({} => {})", exchange.line, exchange.reply);
            }
        }
        (count, event, seen)
    }

    /// Sessions of those who count with that server.
    pub(super) fn held(&self, bench: &Bench<'_>) -> Vec<Held> {
        let world = bench.world;
        let Some(server) = world.find(&self.to).map(|id| world.host(id)) else { return Vec::new() };
        let client = self.from.as_deref().map(|name| world.find(name).map(|id| world.host(id)));
        let mut sessions: Vec<Held> = Vec::new();
        for event in world.trace().since(bench.since) {
            // A session is known by its connection, which the client opened.
            if let Kind::TcpConnect { from, to, port, result: ConnectResult::Open, sock } = &event.kind {
                let is = server.owns(to.ip())
                    && self.port.is_none_or(|wanted| wanted == *port)
                    && client.is_none_or(|client| client.is_some_and(|client| client.owns(from.ip())))
                    && on_behalf(world.trace(), event.id, self.by);
                if is {
                    // The server's end has the number after the client's.
                    sessions.push(Held { session: Socket(sock.0 + 1), exchanges: Vec::new() });
                }
            }
        }
        for held in &mut sessions {
            held.exchanges = exchanges(bench, held.session);
        }
        sessions
    }
}

/// What was said in a session.
fn exchanges(bench: &Bench<'_>, wanted: Socket) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let (mut line, mut in_data, mut tls) = (Some(String::new()), false, false);
    for event in bench.world.trace().since(bench.since) {
        match &event.kind {
            Kind::SmtpCmd { session, line: command } if *session == wanted => line = Some(command.to_string()),
            Kind::SmtpReply { session, code, text, .. } if *session == wanted => {
                let end = in_data.then(|| ".".to_owned());
                let said = line.take().or(end).unwrap_or_default();
                in_data = *code == 354;
                exchanges.push(Exchange { line: said, reply: format!("{code} {text}"), event: event.id, tls });
            }
            Kind::SmtpTls { session, .. } if *session == wanted => tls = true,
            Kind::PopCmd { session, line, reply, .. } | Kind::ImapCmd { session, line, reply, .. }
                if *session == wanted =>
            {
                exchanges.push(Exchange { line: line.to_string(), reply: reply.to_string(), event: event.id, tls });
            }
            _ => {}
        }
    }
    exchanges
}

/// A client's line without what does not matter: case, angle brackets, superfluous blanks.
fn normal(line: &str) -> String {
    let line = line.replace("<>", "\u{2205}").replace('<', " ").replace('>', "").replace(':', ": ");
    line.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// Whether a reply begins with one of these words; `x` stands for any digit.
fn matches_reply(reply: &str, wanted: &str) -> bool {
    let first = reply.split_whitespace().next().unwrap_or_default();
    let second = reply.split_whitespace().nth(1).unwrap_or_default();
    wanted.split('|').any(|wanted| {
        let like = |word: &str| {
            word.len() == wanted.len()
                && word.chars().zip(wanted.chars()).all(|(found, wanted)| match wanted {
                    'x' => found.is_ascii_digit(),
                    wanted => found.eq_ignore_ascii_case(&wanted),
                })
        };
        // A tagged reply of IMAP has its word after the tag.
        like(first) || (!first.starts_with(|c: char| c.is_ascii_digit()) && like(second))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_without_case_brackets_and_blanks() {
        for (typed, wanted) in [
            ("mail from: <a@b.c>", "MAIL FROM:<a@b.c>"),
            ("RCPT TO:x@y", "rcpt to: <X@Y>"),
            ("MAIL FROM:<>", "mail from: <>"),
        ] {
            assert!(matches_text(&normal(typed), &normal(wanted)), "{typed}");
        }
        assert!(!matches_text(&normal("MAIL FROM:<a@b>"), &normal("MAIL FROM:<>")));
        assert!(matches_text(&normal("HELO dude"), &normal("helo *|ehlo *")));
    }

    #[test]
    fn replies_are_compared_by_their_first_word() {
        assert!(matches_reply("454 4.7.1 <x>: Relay access denied", "454|554"));
        assert!(matches_reply("550 no", "5xx"));
        assert!(!matches_reply("250 ok", "5xx"));
        assert!(matches_reply("+OK 3 messages", "+OK"));
        assert!(matches_reply("a1 NO failed", "no"));
    }
}
