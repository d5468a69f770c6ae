//! A walk over the headers and bodies of a MIME message (RFC 2045, 2046), as Postfix's `mime_state`.

use super::header;
use super::header::{Fields, Name};

/// Which header a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The message's own.
    Primary,
    /// That of a part of a multipart.
    Multipart,
    /// That of an attached message.
    Nested,
}

/// Is shown the pieces of a message in order; together they are the whole message, apart from the
/// empty lines after headers.
pub trait Visitor {
    /// A header field, without its last LF.
    fn field(&mut self, class: Class, field: header::Field<'_>);
    /// The end of a header; `separator` tells whether an empty line or text follows.
    fn end_of_header(&mut self, class: Class, separator: bool);
    /// A line of a body, without its LF.
    fn line(&mut self, line: &[u8]);
    /// A line that separates parts, without its LF.
    fn boundary(&mut self, line: &[u8]) {
        self.line(line);
    }
}

/// Most levels of nesting that are looked into (`mime_nesting_limit`).
pub const NESTING_LIMIT: usize = 100;
/// Longest boundary that is told apart (`mime_boundary_length_limit`).
pub const BOUNDARY_LIMIT: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentType {
    Other,
    Multipart { digest: bool },
    Message,
}

struct Part {
    content: ContentType,
    boundary: Vec<u8>,
    encoded: bool,
}

struct Level {
    boundary: Vec<u8>,
    digest: bool,
}

/// Walks over a message whose lines end with LF.
pub fn walk(text: &[u8], visitor: &mut impl Visitor) {
    let mut levels: Vec<Level> = Vec::new();
    let mut class = Class::Primary;
    let mut default = ContentType::Other;
    let mut at = 0;
    'header: loop {
        let mut fields = Fields::new(&text[at..]);
        let mut part = Part { content: default, boundary: Vec::new(), encoded: false };
        for field in fields.by_ref() {
            part.note(&field);
            visitor.field(class, field);
        }
        at += fields.end();
        visitor.end_of_header(class, at < text.len());
        if text.get(at) == Some(&b'\n') {
            at += 1;
        }
        match part.content {
            ContentType::Message if !part.encoded && at < text.len() => {
                class = Class::Nested;
                default = ContentType::Other;
                continue 'header;
            }
            ContentType::Multipart { digest } if !part.boundary.is_empty() && levels.len() < NESTING_LIMIT => {
                levels.push(Level { boundary: part.boundary, digest });
            }
            _ => {}
        }
        while at < text.len() {
            let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len);
            let line = &text[at..end];
            at = (end + 1).min(text.len());
            let mark = line.strip_prefix(b"--").unwrap_or_default();
            let level = levels.iter().rposition(|level| line.len() > 2 && mark.starts_with(&level.boundary));
            let Some(level) = level else {
                visitor.line(line);
                continue;
            };
            visitor.boundary(line);
            levels.truncate(level + 1);
            if mark[levels[level].boundary.len()..].starts_with(b"--") {
                levels.pop();
                continue;
            }
            class = Class::Multipart;
            default = if levels[level].digest { ContentType::Message } else { ContentType::Other };
            continue 'header;
        }
        return;
    }
}

impl Part {
    fn note(&mut self, field: &header::Field<'_>) {
        match Name::find(field.name) {
            Some((Name::ContentType, _)) => self.content_type(&field.unfolded()),
            Some((Name::ContentTransferEncoding, _)) => {
                let encoding = field.unfolded().to_ascii_lowercase();
                self.encoded = encoding.starts_with("base64") || encoding.starts_with("quoted-printable");
            }
            _ => {}
        }
    }

    fn content_type(&mut self, value: &str) {
        let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
        let kind = kind.trim().to_ascii_lowercase();
        self.content = match kind.split_once('/') {
            Some(("multipart", subtype)) => ContentType::Multipart { digest: subtype.trim() == "digest" },
            Some(("message", "rfc822" | "news" | "global")) => ContentType::Message,
            _ => ContentType::Other,
        };
        if let Some(boundary) = parameter(parameters, "boundary") {
            self.boundary = boundary.into_bytes();
            self.boundary.truncate(BOUNDARY_LIMIT);
        }
    }
}

/// The value of a parameter like `charset="utf-8"`, unquoted.
pub fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    while !rest.is_empty() {
        let (found, tail) = rest.split_once('=')?;
        let tail = tail.trim_start();
        let (value, after) = match tail.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut chars = quoted.chars();
                while let Some(ch) = chars.next() {
                    match ch {
                        '"' => break,
                        '\\' => value.extend(chars.next()),
                        ch => value.push(ch),
                    }
                }
                let after = chars.as_str();
                (value, after.split_once(';').map_or("", |(_, after)| after))
            }
            None => {
                let (value, after) = tail.split_once(';').unwrap_or((tail, ""));
                (value.split([' ', '\t', '(']).next().unwrap_or_default().to_owned(), after)
            }
        };
        if found.rsplit(';').next().unwrap_or(found).trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// Whether a text has octets outside ASCII.
pub fn has_8bit(text: &[u8]) -> bool {
    !text.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Log(Vec<String>);

    impl Visitor for Log {
        fn field(&mut self, class: Class, field: header::Field<'_>) {
            self.0.push(format!("{class:?} {}", String::from_utf8_lossy(field.raw)));
        }
        fn end_of_header(&mut self, class: Class, separator: bool) {
            self.0.push(format!("{class:?} end {separator}"));
        }
        fn line(&mut self, line: &[u8]) {
            self.0.push(format!("> {}", String::from_utf8_lossy(line)));
        }
    }

    fn log(text: &str) -> Vec<String> {
        let mut log = Log::default();
        walk(text.as_bytes(), &mut log);
        log.0
    }

    #[test]
    fn walks_into_parts_and_attached_messages() {
        let text = "Content-Type: multipart/mixed; boundary=\"b\"\n\nintro\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\n\
                    body\n--b\n\nplain\n--b--\nafter\n";
        assert_eq!(
            log(text),
            [
                "Primary Content-Type: multipart/mixed; boundary=\"b\"",
                "Primary end true",
                "> intro",
                "> --b",
                "Multipart Content-Type: message/rfc822",
                "Multipart end true",
                "Nested Subject: in",
                "Nested end true",
                "> body",
                "> --b",
                "Multipart end true",
                "> plain",
                "> --b--",
                "> after",
            ]
        );
    }

    #[test]
    fn a_plain_message_has_one_header() {
        assert_eq!(log("A: b\n\nx: y\n"), ["Primary A: b", "Primary end true", "> x: y"]);
        assert_eq!(log("A: b\n"), ["Primary A: b", "Primary end false"]);
        assert_eq!(log(""), ["Primary end false"]);
    }

    #[test]
    fn reads_parameters() {
        assert_eq!(parameter(" charset=utf-8; boundary=\"a\\\"b;c\"; x=y", "Boundary").as_deref(), Some("a\"b;c"));
        assert_eq!(parameter(" boundary=abc (comment)", "boundary").as_deref(), Some("abc"));
        assert_eq!(parameter(" a=b", "boundary"), None);
    }

    proptest! {
        #[test]
        fn ends_with_every_message(text in "(Content-Type: multipart/mixed; boundary=b\n|Content-Type: message/rfc822\n|--b\n|--b--\n|\n|x: y\n|z\n){0,40}") {
            prop_assert!(!log(&text).is_empty());
        }
    }
}
