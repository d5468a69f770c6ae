//! The copy of a queued message that delivery agents write (`mail_copy(3)` of Postfix): header
//! lines put in front, `From ` lines quoted.

use bytes::Bytes;

use super::queue_file::Message;
use crate::mail::address;
use crate::mailbox::copy::Copy;
use crate::mailbox::mbox;

/// What is put before the message, and how it is changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// A `From ` line first.
    pub from: bool,
    /// `>` before lines that begin with `From `.
    pub quote: bool,
    /// `Delivered-To:`.
    pub delivered: bool,
    /// An empty line at the end.
    pub blank: bool,
    /// CRLF line ends.
    pub crlf: bool,
    /// `X-Original-To:`.
    pub original_to: bool,
    /// `Return-Path:`.
    pub return_path: bool,
    /// A dot before lines that begin with one, and a line with a dot at the end.
    pub dot: bool,
}

impl Style {
    /// For mbox files.
    pub const MBOX: Style = Style {
        from: true,
        quote: true,
        delivered: true,
        blank: true,
        crlf: false,
        original_to: true,
        return_path: true,
        dot: false,
    };
    /// For Maildir files.
    pub const MAILDIR: Style = Style { from: false, quote: false, blank: false, ..Style::MBOX };
    /// For commands of local(8).
    pub const COMMAND: Style = Style { quote: false, blank: false, ..Style::MBOX };
}

/// Whose delivery it is.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Envelope sender, empty for the null sender.
    pub sender: &'a str,
    /// For `X-Original-To:`; no line if empty.
    pub original: &'a str,
    /// For `Delivered-To:`.
    pub delivered: &'a str,
}

/// Makes the copy. `date` is that of the `From ` line, in the form of `asctime(3)`.
pub fn copy(message: &Message, envelope: Envelope<'_>, style: Style, date: &str) -> Copy {
    let mut head = Vec::with_capacity(256 + message.header.len());
    if style.from {
        head.extend_from_slice(mbox::from_line(&address::quote(envelope.sender), date).as_bytes());
    }
    let mut line = |name: &str, value: &str, open: &str, close: &str| {
        for part in [name, ": ", open, value, close, "\n"] {
            head.extend_from_slice(part.as_bytes());
        }
    };
    if style.return_path {
        line("Return-Path", &address::quote(envelope.sender), "<", ">");
    }
    if style.original_to && !envelope.original.is_empty() {
        line("X-Original-To", &address::quote(envelope.original), "", "");
    }
    if style.delivered {
        line("Delivered-To", &address::quote(envelope.delivered), "", "");
    }
    if style.crlf || style.dot {
        return transformed(message, head, style);
    }
    let text = |part: &Bytes| if style.quote { mbox::quote_from(part) } else { part.clone() };
    head.extend_from_slice(&text(&message.header));
    if message.separator {
        head.push(b'\n');
    }
    let mut all = Copy::starting(head);
    all.push(text(&message.body));
    if style.blank {
        all.push(Bytes::from_static(b"\n"));
    }
    all
}

/// The slow way, line by line.
fn transformed(message: &Message, head: Vec<u8>, style: Style) -> Copy {
    let end: &[u8] = if style.crlf { b"\r\n" } else { b"\n" };
    let mut all = Vec::new();
    let content = message.to_vec();
    let head_lines = head.split_inclusive(|octet| *octet == b'\n');
    let head_lines = head_lines.map(|line| (line.strip_suffix(b"\n").unwrap_or(line), false));
    let body = content.strip_suffix(b"\n").unwrap_or(&content);
    for (line, own) in head_lines.chain(body.split(|octet| *octet == b'\n').map(|line| (line, true))) {
        if own && style.quote && line.starts_with(b"From ") {
            all.push(b'>');
        }
        if style.dot && line.starts_with(b".") {
            all.push(b'.');
        }
        all.extend_from_slice(line);
        all.extend_from_slice(end);
    }
    if style.dot {
        all.push(b'.');
        all.extend_from_slice(end);
    }
    if style.blank {
        all.extend_from_slice(end);
    }
    Copy::starting(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            header: Bytes::from_static(b"Subject: x\n"),
            separator: true,
            body: Bytes::from_static(b"From me\n.dot\n"),
        }
    }

    const ENVELOPE: Envelope<'_> = Envelope { sender: "", original: "info@example.com", delivered: "a@example.com" };

    #[test]
    fn a_mailbox_copy_has_all_lines_and_quotes_from() {
        let copy = copy(&message(), ENVELOPE, Style::MBOX, "Sat Nov 21 12:00:00 2026");
        assert_eq!(
            &copy.into_bytes()[..],
            b"From MAILER-DAEMON  Sat Nov 21 12:00:00 2026\nReturn-Path: <>\nX-Original-To: info@example.com\n\
              Delivered-To: a@example.com\nSubject: x\n\n>From me\n.dot\n\n"
        );
    }

    #[test]
    fn dots_and_line_ends_are_changed_on_demand() {
        let style = Style { crlf: true, dot: true, ..Style::default() };
        let copy = copy(&message(), ENVELOPE, style, "");
        assert_eq!(&copy.into_bytes()[..], b"Subject: x\r\n\r\nFrom me\r\n..dot\r\n.\r\n");
    }
}
