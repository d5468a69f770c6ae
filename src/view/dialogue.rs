//! A connection for reading: its lines with what they mean and where it is written, and its octets.

use serde::Serialize;

use super::index::Index;
use crate::session::Session;
use crate::session::words::Words;
use crate::sim::{Socket, Time};
use crate::trace::{EventId, Kind};

/// Most octets that are shown of one piece.
const MOST_OCTETS: usize = 2048;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Who opened the connection.
    Client,
    /// Who accepted it.
    Server,
    /// Neither: what happened to the connection.
    Note,
}

/// A line of a dialogue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spoken {
    /// The event.
    pub event: EventId,
    /// When.
    pub time: Time,
    /// Who.
    pub speaker: Speaker,
    /// The words, several lines for replies of several lines.
    pub text: String,
    /// What it means, in the learner's language; empty if there is nothing to say.
    pub meaning: String,
    /// Where it is written: `RFC 5321, 4.1.1.2`.
    pub section: &'static str,
    /// The octets as they were sent, if the trace has them.
    pub octets: Option<String>,
    /// Whether it is a refusal.
    pub refused: bool,
}

/// The command of a line, in capitals.
pub fn verb(line: &str) -> String {
    line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase()
}

/// What an SMTP command means (a text of the locale), and where it is defined; empty if unknown.
pub fn command_meaning(verb: &str) -> (&'static str, &'static str) {
    match verb {
        "HELO" | "EHLO" => ("meaning-ehlo", "RFC 5321, 4.1.1.1"),
        "MAIL" => ("meaning-mail", "RFC 5321, 4.1.1.2"),
        "RCPT" => ("meaning-rcpt", "RFC 5321, 4.1.1.3"),
        "DATA" => ("meaning-data", "RFC 5321, 4.1.1.4"),
        "RSET" => ("meaning-rset", "RFC 5321, 4.1.1.5"),
        "VRFY" => ("meaning-vrfy", "RFC 5321, 4.1.1.6"),
        "EXPN" => ("meaning-expn", "RFC 5321, 4.1.1.7"),
        "NOOP" => ("meaning-noop", "RFC 5321, 4.1.1.9"),
        "QUIT" => ("meaning-quit", "RFC 5321, 4.1.1.10"),
        "STARTTLS" => ("meaning-starttls", "RFC 3207, 4"),
        "AUTH" => ("meaning-auth", "RFC 4954, 4"),
        "BDAT" => ("meaning-bdat", "RFC 3030, 2"),
        "ETRN" => ("meaning-etrn", "RFC 1985, 5"),
        _ => ("", ""),
    }
}

/// What replies can mean, by their names in the locale.
pub const REPLY_MEANINGS: [&str; 14] = [
    "meaning-220",
    "meaning-221",
    "meaning-235",
    "meaning-334",
    "meaning-354",
    "meaning-extensions",
    "meaning-queued",
    "meaning-recipient",
    "meaning-sender",
    "meaning-2xx",
    "meaning-3xx",
    "meaning-4xx",
    "meaning-5xx",
    "meaning-421",
];

/// The same for a reply: its code says most, its text what exactly was done.
pub fn reply_meaning(code: u16, text: &str) -> (&'static str, &'static str) {
    match code {
        220 => ("meaning-220", "RFC 5321, 4.2.3"),
        221 => ("meaning-221", "RFC 5321, 4.2.3"),
        235 => ("meaning-235", "RFC 4954, 6"),
        334 => ("meaning-334", "RFC 4954, 4"),
        354 => ("meaning-354", "RFC 5321, 4.2.3"),
        250 if text.contains('\n') => ("meaning-extensions", "RFC 5321, 4.1.1.1"),
        250 if text.contains("queued as") => ("meaning-queued", "RFC 5321, 6.1"),
        250 if text.starts_with("2.1.5") => ("meaning-recipient", "RFC 3463, 3.2"),
        250 if text.starts_with("2.1.0") => ("meaning-sender", "RFC 3463, 3.2"),
        421 => ("meaning-421", "RFC 5321, 4.2.3"),
        200..300 => ("meaning-2xx", "RFC 5321, 4.2.1"),
        300..400 => ("meaning-3xx", "RFC 5321, 4.2.1"),
        400..500 => ("meaning-4xx", "RFC 5321, 4.2.1"),
        _ => ("meaning-5xx", "RFC 5321, 4.2.1"),
    }
}

/// The dialogue of a connection up to an event.
pub fn dialogue(session: &Session, index: &Index, words: &Words, socket: Socket, upto: EventId) -> Vec<Spoken> {
    let trace = session.world().trace();
    let narrator = crate::session::story::Narrator::new(session, words, &index.facts);
    let mut spoken: Vec<Spoken> = Vec::new();
    let events = index.session_events(socket).iter().take_while(|id| **id <= upto).filter_map(|id| trace.get(*id));
    // The octets of a piece belong to the lines that were read from them.
    let mut octets: Option<String> = None;
    for event in events {
        let mut line = Spoken {
            event: event.id,
            time: event.time,
            speaker: Speaker::Note,
            text: String::new(),
            meaning: String::new(),
            section: "",
            octets: None,
            refused: false,
        };
        match &event.kind {
            Kind::SmtpCmd { line: text, .. } => {
                let (meaning, section) = command_meaning(&verb(text));
                line.meaning = if meaning.is_empty() { String::new() } else { words.word(meaning) };
                (line.speaker, line.text, line.section) = (Speaker::Client, text.to_string(), section);
                line.octets = octets.take();
            }
            Kind::SmtpReply { code, text, .. } => {
                let (meaning, section) = reply_meaning(*code, text);
                (line.meaning, line.section) = (words.word(meaning), section);
                (line.speaker, line.refused) = (Speaker::Server, *code >= 400);
                line.text = wire_text(*code, text);
            }
            Kind::SmtpData { bytes, .. } if index.facts.is_message(event.id) => {
                let (meaning, section) = ("meaning-message", "RFC 5321, 4.5.2");
                (line.speaker, line.meaning, line.section) = (Speaker::Client, words.word(meaning), section);
                line.text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_OCTETS)]).replace('\r', "");
                line.octets = Some(visible(bytes));
            }
            Kind::SmtpData { bytes, .. } => {
                octets = Some(visible(bytes));
                continue;
            }
            Kind::PopCmd { line: text, reply, .. } | Kind::ImapCmd { line: text, reply, .. } => {
                (line.speaker, line.text) = (Speaker::Client, text.to_string());
                spoken.push(line.clone());
                (line.speaker, line.text) = (Speaker::Server, reply.to_string());
                line.refused = reply.starts_with("-ERR") || reply.contains(" NO ") || reply.contains(" BAD ");
            }
            _ => match super::told::told(&narrator, words, event) {
                Some(sentence) => line.text = sentence.text,
                None => continue,
            },
        }
        spoken.push(line);
    }
    spoken
}

/// A reply as it stands on the wire: each line with its code.
fn wire_text(code: u16, text: &str) -> String {
    let count = text.lines().count().max(1);
    let prefix = code.to_string();
    let line = |(number, line): (usize, &str)| {
        if line.starts_with(&prefix) {
            return line.to_owned();
        }
        format!("{code}{}{line}", if number + 1 < count { '-' } else { ' ' })
    };
    if text.is_empty() {
        return prefix;
    }
    text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// Octets with their line ends made visible, and what is not printable as hexadecimal.
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in &bytes[..bytes.len().min(MOST_OCTETS)] {
        match byte {
            b'\r' => text.push_str("‹CR›"),
            b'\n' => text.push_str("‹LF›\n"),
            b'\t' => text.push_str("‹TAB›"),
            0x20..=0x7e => text.push(char::from(*byte)),
            other => text.push_str(&format!("‹{other:02X}›")),
        }
    }
    if bytes.len() > MOST_OCTETS {
        text.push_str(&format!("… {}", bytes.len() - MOST_OCTETS));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_odd_octets_are_visible() {
        assert_eq!(visible(b"QUIT\r\n"), "QUIT‹CR›‹LF›\n");
        assert_eq!(visible(&[0, b'a', 0xff]), "‹00›a‹FF›");
    }

    #[test]
    fn replies_of_several_lines_have_their_code_on_each() {
        assert_eq!(wire_text(250, "mx1\nSIZE\nDSN"), "250-mx1\n250-SIZE\n250 DSN");
        assert_eq!(wire_text(554, "554 5.7.1 no"), "554 5.7.1 no");
    }
}
