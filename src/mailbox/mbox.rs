//! The mbox format: messages one after the other in one file, each beginning with a line
//! `From sender date`; lines of a message that begin so are written with `>` in front.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem;
use smol_str::SmolStr;

/// A message in an mbox file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The sender in the `From ` line.
    pub sender: SmolStr,
    /// The date in the `From ` line, as `Sat Nov 21 12:00:00 2026`.
    pub date: SmolStr,
    /// The header, each line with its LF, without the empty line after it.
    pub header: Bytes,
    /// The body, without the empty line that closes the message in the file.
    pub body: Bytes,
}

impl Entry {
    /// Header, empty line and body.
    pub fn content(&self) -> Vec<u8> {
        [&self.header[..], b"\n", &self.body[..]].concat()
    }

    /// The first header field of this name, unfolded to one line, in any case.
    pub fn field(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.header);
        let mut value: Option<String> = None;
        for line in text.lines() {
            match &mut value {
                Some(value) if line.starts_with([' ', '\t']) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                Some(_) => break,
                None => {
                    let (field, rest) = line.split_once(':')?;
                    if field.trim_end().eq_ignore_ascii_case(name) {
                        value = Some(rest.trim().to_owned());
                    }
                }
            }
        }
        value
    }

    /// Puts a field into the header, in place of the first of that name.
    pub fn set_field(&mut self, name: &str, value: &str) {
        let mut header = Vec::with_capacity(self.header.len() + name.len() + value.len() + 3);
        let (mut replaced, mut skipping) = (false, false);
        for line in self.header.split_inclusive(|octet| *octet == b'\n') {
            if skipping && matches!(line.first(), Some(b' ' | b'\t')) {
                continue;
            }
            skipping = !replaced && has_name(line, name);
            if skipping {
                header.extend_from_slice(format!("{name}: {value}\n").as_bytes());
                replaced = true;
            } else {
                header.extend_from_slice(line);
            }
        }
        if !replaced {
            header.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        }
        self.header = header.into();
    }
}

fn has_name(line: &[u8], name: &str) -> bool {
    line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name.as_bytes()) && line[name.len()] == b':'
}

/// The `From ` line with its LF. `date` is in the form of `asctime(3)`; an empty sender is written
/// as `MAILER-DAEMON`.
pub fn from_line(sender: &str, date: &str) -> String {
    let sender = if sender.is_empty() { "MAILER-DAEMON" } else { sender };
    ["From ", sender, "  ", date, "\n"].concat()
}

/// Puts `>` before lines that begin with `From `. Without any, the memory is shared.
pub fn quote_from(text: &Bytes) -> Bytes {
    static LINE: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\nFrom "));
    let first = text.starts_with(b"From ");
    if !first && LINE.find(text).is_none() {
        return text.clone();
    }
    let mut quoted = Vec::with_capacity(text.len() + 16);
    let mut rest = &text[..];
    if first {
        quoted.push(b'>');
    }
    while let Some(at) = LINE.find(rest) {
        quoted.extend_from_slice(&rest[..=at]);
        quoted.push(b'>');
        rest = &rest[at + 1..];
    }
    quoted.extend_from_slice(rest);
    quoted.into()
}

/// The messages of an mbox file, in order. What stands before the first `From ` line is no message
/// and is left out.
pub fn parse(file: &Bytes) -> Vec<Entry> {
    let mut starts = Vec::new();
    let mut at = 0;
    let mut after_empty = true;
    while at < file.len() {
        let end = memchr::memchr(b'\n', &file[at..]).map_or(file.len(), |len| at + len + 1);
        if after_empty && file[at..end].starts_with(b"From ") {
            starts.push(at);
        }
        after_empty = end == at + 1;
        at = end;
    }
    starts.push(file.len());
    starts.windows(2).map(|pair| entry(&file.slice(pair[0]..pair[1]))).collect()
}

fn entry(text: &Bytes) -> Entry {
    let line_end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1);
    let line = String::from_utf8_lossy(&text[..line_end]);
    let line = line.trim_end().strip_prefix("From ").unwrap_or_default();
    let (sender, date) = line.split_once(' ').unwrap_or((line, ""));
    let rest = text.slice(line_end..);
    let (header, body) = if rest.first() == Some(&b'\n') {
        (Bytes::new(), rest.slice(1..))
    } else {
        match memmem::find(&rest, b"\n\n") {
            Some(at) => (rest.slice(..=at), rest.slice(at + 2..)),
            None => (rest, Bytes::new()),
        }
    };
    let body = match body.len() {
        len if body.ends_with(b"\n\n") || body[..] == b"\n"[..] => body.slice(..len - 1),
        _ => body,
    };
    Entry { sender: sender.into(), date: date.trim().into(), header, body }
}

/// The file that holds these messages.
pub fn render(entries: &[Entry]) -> Vec<u8> {
    let mut file = Vec::new();
    for entry in entries {
        file.extend_from_slice(format!("From {}  {}\n", entry.sender, entry.date).as_bytes());
        file.extend_from_slice(&entry.header);
        file.push(b'\n');
        file.extend_from_slice(&entry.body);
        if !file.ends_with(b"\n") {
            file.push(b'\n');
        }
        file.push(b'\n');
    }
    file
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO: &[u8] =
        b"From a@example.org  Sat Nov 21 12:00:00 2026\nSubject: one\n two\nTo: bob\n\nHello\n>From me\n\n\
        From MAILER-DAEMON  Sat Nov 21 12:00:01 2026\nSubject: three\n\nbody\n\n";

    #[test]
    fn reads_messages_and_writes_them_back() {
        let entries = parse(&Bytes::from_static(TWO));
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (entries[0].sender.as_str(), entries[0].date.as_str()),
            ("a@example.org", "Sat Nov 21 12:00:00 2026")
        );
        assert_eq!(entries[0].field("subject").as_deref(), Some("one two"));
        assert_eq!(&entries[0].body[..], b"Hello\n>From me\n");
        assert_eq!(render(&entries), TWO);
    }

    #[test]
    fn only_lines_that_begin_with_from_are_quoted() {
        let text = Bytes::from_static(b"From x\nno From y\nFrom z\n>From\nFromage\n");
        assert_eq!(&quote_from(&text)[..], b">From x\nno From y\n>From z\n>From\nFromage\n");
        let plain = Bytes::from_static(b"nothing\n");
        assert_eq!(quote_from(&plain).as_ptr(), plain.as_ptr());
    }

    #[test]
    fn a_field_is_replaced_with_its_continuation_lines() {
        let mut entry = parse(&Bytes::from_static(TWO)).remove(0);
        entry.set_field("Subject", "new");
        entry.set_field("Status", "RO");
        assert_eq!(&entry.header[..], b"Subject: new\nTo: bob\nStatus: RO\n");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_rendering_is_stable(file: Vec<u8>) {
            let entries = parse(&Bytes::from(file));
            let again = render(&entries);
            prop_assert_eq!(parse(&Bytes::from(again)).len() >= entries.len(), true);
        }

        #[test]
        fn a_quoted_text_makes_one_message(body in "(From |>|[a-z ]|\n){0,60}") {
            let body = quote_from(&Bytes::from(body));
            let file = [b"From a  b\nX: y\n\n", &body[..], b"\n\n"].concat();
            prop_assert_eq!(parse(&Bytes::from(file)).len(), 1);
        }
    }
}
