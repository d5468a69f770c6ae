//! Replies of a server: code, enhanced status code, lines (RFC 5321, section 4.2; RFC 2034).

use std::fmt;

use smol_str::SmolStr;
use thiserror::Error;

/// A complete reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits: `250`.
    pub code: u16,
    /// The text of each line after code and separator; never empty.
    pub lines: Vec<SmolStr>,
}

impl Reply {
    /// A reply of one line; its text may begin with an enhanced status code.
    pub fn new(code: u16, text: impl Into<SmolStr>) -> Reply {
        Reply { code, lines: vec![text.into()] }
    }

    /// A reply of several lines.
    pub fn multi(code: u16, lines: Vec<SmolStr>) -> Reply {
        Reply { code, lines: if lines.is_empty() { vec![SmolStr::default()] } else { lines } }
    }

    /// A reply from `550 5.7.1 text` as configuration files and restrictions write it.
    pub fn from_text(text: &str) -> Option<Reply> {
        let code: u16 = text.get(..3)?.parse().ok().filter(|code| (200..600).contains(code))?;
        let rest = text.get(3..)?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        Some(Reply::new(code, rest))
    }

    /// Enhanced status code of the first line: `2.1.0`; it is a part of the text as well.
    pub fn enhanced(&self) -> Option<&str> {
        enhanced_prefix(self.first())
    }

    /// Whether the command succeeded or may go on (2xx, 3xx).
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// 4xx.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5xx.
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Text of the first line.
    pub fn first(&self) -> &str {
        self.lines.first().map_or("", |line| line)
    }

    /// The lines, each with what stands before its text: the three digits of the code and the
    /// separator.
    pub fn coded_lines(&self) -> impl Iterator<Item = ([u8; 4], &str)> {
        let digit = |place: u16| b'0' + (self.code / place % 10) as u8;
        let head = [digit(100), digit(10), digit(1), b'-'];
        let last = self.lines.len().saturating_sub(1);
        self.lines.iter().enumerate().map(move |(index, line)| {
            let [a, b, c, separator] = head;
            ([a, b, c, if index == last { b' ' } else { separator }], line.as_str())
        })
    }

    /// Appends the octets on the wire.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (head, line) in self.coded_lines() {
            out.reserve(line.len() + 6);
            out.extend_from_slice(&head);
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }

    /// All lines in one, each with its code, joined by a space: how MTAs quote a reply in a log.
    pub fn joined(&self) -> String {
        self.joined_by(' ')
    }

    /// The same with another character between the lines.
    pub fn joined_by(&self, separator: char) -> String {
        let mut text = String::with_capacity(self.lines.iter().map(|line| line.len() + 5).sum());
        for (head, line) in self.coded_lines() {
            if !text.is_empty() {
                text.push(separator);
            }
            text.extend(head.map(char::from));
            text.push_str(line);
        }
        text
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined())
    }
}

/// The enhanced status code at the beginning of a text, `class.subject.detail` (RFC 3463).
pub fn enhanced_prefix(text: &str) -> Option<&str> {
    let octets = text.as_bytes();
    let [b'2' | b'4' | b'5', b'.', ..] = octets else { return None };
    let digits = |from: usize| octets.iter().skip(from).take_while(|octet| octet.is_ascii_digit()).take(4).count();
    let subject = digits(2);
    let dot = 2 + subject;
    let detail = digits(dot + 1);
    let end = dot + 1 + detail;
    let ok = (1..=3).contains(&subject)
        && octets.get(dot) == Some(&b'.')
        && (1..=3).contains(&detail)
        && matches!(octets.get(end), None | Some(b' '));
    if ok { text.get(..end) } else { None }
}

/// What a client refuses to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// No three digits, or an impossible separator behind them.
    #[error("malformed reply line")]
    Malformed,
    /// More lines than [`ReplyParser::MAX_LINES`].
    #[error("too many reply lines")]
    TooManyLines,
}

/// Puts the lines of a reply together.
#[derive(Clone, Debug, Default)]
pub struct ReplyParser {
    lines: Vec<SmolStr>,
}

impl ReplyParser {
    /// More lines than this in one reply are an error.
    pub const MAX_LINES: usize = 1000;
    /// Text behind this many octets of a line is dropped.
    pub const MAX_TEXT: usize = 2048;

    /// Takes a line without its line end; gives the reply when it is complete. After an error the
    /// parser starts anew.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let result = self.accept(line);
        if !matches!(result, Ok(None)) {
            self.lines.clear();
        }
        result
    }

    fn accept(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let digits = line.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit));
        let code = digits
            .map(|digits| digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
            .filter(|code| (200..600).contains(code))
            .ok_or(ReplyError::Malformed)?;
        let more = match line.get(3) {
            Some(b'-') => true,
            Some(b' ') | None => false,
            Some(_) => return Err(ReplyError::Malformed),
        };
        let text = line.get(4..).unwrap_or_default();
        let text = text.get(..Self::MAX_TEXT).unwrap_or(text);
        self.lines.push(match std::str::from_utf8(text) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(text).into(),
        });
        if self.lines.len() > Self::MAX_LINES {
            return Err(ReplyError::TooManyLines);
        }
        // The code of the last line counts, as in every client.
        Ok((!more).then(|| Reply::multi(code, std::mem::take(&mut self.lines))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(lines: &[&str]) -> Result<Option<Reply>, ReplyError> {
        let mut parser = ReplyParser::default();
        let mut last = Ok(None);
        for line in lines {
            last = parser.line(line.as_bytes());
        }
        last
    }

    #[test]
    fn several_lines_make_one_reply() {
        let reply = parse(&["250-mx.example", "250-SIZE 10", "250 DSN"]).unwrap().unwrap();
        assert_eq!(reply, Reply::multi(250, vec!["mx.example".into(), "SIZE 10".into(), "DSN".into()]));
        assert_eq!(reply.joined(), "250-mx.example 250-SIZE 10 250 DSN");
    }

    #[test]
    fn a_code_alone_is_a_reply() {
        assert_eq!(parse(&["354"]).unwrap().unwrap().code, 354);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["", "25", "2x0 hello", "250_hello", "999 x", "100 x"] {
            assert_eq!(parse(&[line]), Err(ReplyError::Malformed), "{line}");
        }
    }

    #[test]
    fn enhanced_codes_are_found_only_in_front() {
        for (text, code) in [
            ("2.1.0 Ok", Some("2.1.0")),
            ("4.7.25", Some("4.7.25")),
            ("3.1.0 x", None),
            ("2.1 x", None),
            ("2.1.0x", None),
            ("Ok 2.1.0", None),
            ("2.1.0.1 x", None),
        ] {
            assert_eq!(enhanced_prefix(text), code, "{text}");
        }
    }

    #[test]
    fn texts_of_configuration_become_replies() {
        let reply = Reply::from_text("550 5.7.1 go away").unwrap();
        assert_eq!((reply.code, reply.enhanced(), reply.first()), (550, Some("5.7.1"), "5.7.1 go away"));
        assert_eq!(Reply::from_text("hello"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(code in 200u16..600, lines in proptest::collection::vec("[ -~]{0,30}", 1..5)) {
            let reply = Reply::multi(code, lines.into_iter().map(Into::into).collect());
            let mut wire = Vec::new();
            reply.write(&mut wire);
            let mut parser = ReplyParser::default();
            let mut read = None;
            for line in wire.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
                read = parser.line(line.strip_suffix(b"\r").unwrap_or(line)).unwrap();
            }
            prop_assert_eq!(read, Some(reply));
        }

        #[test]
        fn any_line_is_accepted_or_refused(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = ReplyParser::default().line(&line);
        }
    }
}
