//! Commands of a client: the verb, the raw line, and its words (RFC 5321, section 4.1).

use bytes::Bytes;
use smol_str::SmolStr;

/// The commands that are known, with those of the extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "named as on the wire")]
pub enum Verb {
    Helo,
    Ehlo,
    XClient,
    XForward,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Etrn,
    Quit,
    Help,
    /// Anything else, the empty line too.
    Unknown,
}

impl Verb {
    /// All verbs that have a name, in the order in which servers list them.
    pub const NAMED: [Verb; 17] = [
        Verb::Helo,
        Verb::Ehlo,
        Verb::XClient,
        Verb::XForward,
        Verb::StartTls,
        Verb::Auth,
        Verb::Mail,
        Verb::Rcpt,
        Verb::Data,
        Verb::Bdat,
        Verb::Rset,
        Verb::Noop,
        Verb::Vrfy,
        Verb::Expn,
        Verb::Etrn,
        Verb::Quit,
        Verb::Help,
    ];

    /// The verb on the wire, in capitals.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Helo => "HELO",
            Verb::Ehlo => "EHLO",
            Verb::StartTls => "STARTTLS",
            Verb::Auth => "AUTH",
            Verb::Mail => "MAIL",
            Verb::Rcpt => "RCPT",
            Verb::Data => "DATA",
            Verb::Bdat => "BDAT",
            Verb::Rset => "RSET",
            Verb::Noop => "NOOP",
            Verb::Vrfy => "VRFY",
            Verb::Expn => "EXPN",
            Verb::Etrn => "ETRN",
            Verb::Quit => "QUIT",
            Verb::Help => "HELP",
            Verb::XClient => "XCLIENT",
            Verb::XForward => "XFORWARD",
            Verb::Unknown => "UNKNOWN",
        }
    }

    /// The verb that a word names, in any case.
    pub fn from_word(word: &[u8]) -> Verb {
        let mut capitals = [0; 8];
        let Some(capitals) = capitals.get_mut(..word.len()) else { return Verb::Unknown };
        capitals.copy_from_slice(word);
        capitals.make_ascii_uppercase();
        match &*capitals {
            b"HELO" => Verb::Helo,
            b"EHLO" => Verb::Ehlo,
            b"XCLIENT" => Verb::XClient,
            b"XFORWARD" => Verb::XForward,
            b"STARTTLS" => Verb::StartTls,
            b"AUTH" => Verb::Auth,
            b"MAIL" => Verb::Mail,
            b"RCPT" => Verb::Rcpt,
            b"DATA" => Verb::Data,
            b"BDAT" => Verb::Bdat,
            b"RSET" => Verb::Rset,
            b"NOOP" => Verb::Noop,
            b"VRFY" => Verb::Vrfy,
            b"EXPN" => Verb::Expn,
            b"ETRN" => Verb::Etrn,
            b"QUIT" => Verb::Quit,
            b"HELP" => Verb::Help,
            _ => Verb::Unknown,
        }
    }

    /// Whether a client that pipelines must wait for the reply to this command before it sends
    /// more (RFC 2920, section 3.1).
    pub fn ends_group(self) -> bool {
        matches!(
            self,
            Verb::Helo | Verb::Ehlo | Verb::Data | Verb::Vrfy | Verb::Expn | Verb::Noop | Verb::StartTls | Verb::Auth
        )
    }
}

/// A command line as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it asks for.
    pub verb: Verb,
    /// The line without its line end.
    pub line: Bytes,
}

impl Command {
    /// Recognises the verb of a line.
    pub fn parse(line: Bytes) -> Command {
        let start = line.iter().position(|octet| !octet.is_ascii_whitespace()).unwrap_or(line.len());
        let rest = line.get(start..).unwrap_or_default();
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let verb = Verb::from_word(rest.get(..end).unwrap_or_default());
        Command { verb, line }
    }

    /// The line as text; octets that are not UTF-8 are replaced.
    pub fn text(&self) -> SmolStr {
        match std::str::from_utf8(&self.line) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(&self.line).into(),
        }
    }
}

/// What a word looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordKind {
    /// It contains something in angle brackets.
    Angle,
    /// Anything else.
    Plain,
}

/// A word of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// How it looks.
    pub kind: WordKind,
    /// Its text, with brackets and quotes.
    pub text: &'a str,
}

/// Splits a command line into words at white space. Text in angle brackets, square brackets and
/// quotes stays together, and `FROM:` and `TO:` end a word even without a space behind them, so
/// that both `RCPT TO:<a@b>` and the frequent `RCPT TO: <a@b>` have three words.
pub fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::with_capacity(4);
    let octets = line.as_bytes();
    let mut at = 0;
    while at < octets.len() {
        if octets[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        let mut kind = WordKind::Plain;
        while let Some(&octet) = octets.get(at) {
            match octet {
                b'<' => {
                    kind = WordKind::Angle;
                    at = skip_quoted(octets, at + 1, b'>', 0);
                }
                b'[' => at = skip_quoted(octets, at + 1, b']', 0),
                b'"' => at = skip_quoted(octets, at + 1, b'"', 0),
                b':' => {
                    at += 1;
                    let so_far = &octets[start..at];
                    if so_far.eq_ignore_ascii_case(b"from:") || so_far.eq_ignore_ascii_case(b"to:") {
                        break;
                    }
                }
                _ if octet.is_ascii_whitespace() => break,
                _ => at += 1,
            }
        }
        // All places where a word is cut are ASCII, so they are boundaries of characters.
        words.push(Word { kind, text: line.get(start..at).unwrap_or_default() });
    }
    words
}

/// Deeper nesting than this is read as plain text: the depth must not be the client's choice.
const MAX_NESTING: u8 = 8;

/// Skips to behind the closing octet, or to the end of the line if there is none.
fn skip_quoted(octets: &[u8], mut at: usize, close: u8, depth: u8) -> usize {
    while let Some(&octet) = octets.get(at) {
        at += 1;
        match octet {
            b'\\' => at += 1,
            _ if octet == close => return at,
            b'"' if close != b'"' && depth < MAX_NESTING => at = skip_quoted(octets, at, b'"', depth + 1),
            b'<' if close != b'"' && depth < MAX_NESTING => at = skip_quoted(octets, at, b'>', depth + 1),
            _ => {}
        }
    }
    at.min(octets.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        words(line).into_iter().map(|word| word.text.to_string()).collect()
    }

    #[test]
    fn verbs_are_recognised_in_any_case() {
        for (line, verb) in [
            ("EHLO x", Verb::Ehlo),
            ("mail from:<a@b>", Verb::Mail),
            ("  quit", Verb::Quit),
            ("", Verb::Unknown),
            ("MAILFROM:<a@b>", Verb::Unknown),
        ] {
            assert_eq!(Command::parse(Bytes::from(line)).verb, verb, "{line}");
        }
        for verb in Verb::NAMED {
            assert_eq!(Verb::from_word(verb.as_str().to_ascii_lowercase().as_bytes()), verb);
        }
    }

    #[test]
    fn words_keep_brackets_and_quotes_together() {
        assert_eq!(texts("MAIL FROM:<a@b> SIZE=3"), ["MAIL", "FROM:", "<a@b>", "SIZE=3"]);
        assert_eq!(texts("rcpt to: <\"a b\"@c>"), ["rcpt", "to:", "<\"a b\"@c>"]);
        assert_eq!(texts("RCPT TO:<a@[1.2.3.4]> X"), ["RCPT", "TO:", "<a@[1.2.3.4]>", "X"]);
        assert_eq!(texts("RCPT TO:<a b"), ["RCPT", "TO:", "<a b"]);
        assert_eq!(texts("EHLO  "), ["EHLO"]);
        assert_eq!(texts("FOO a:b"), ["FOO", "a:b"]);
    }

    proptest! {
        #[test]
        fn any_text_has_words_without_outer_space(line in "\\PC*") {
            for word in words(&line) {
                prop_assert!(!word.text.is_empty());
                prop_assert!(!word.text.starts_with(' '));
            }
        }

        #[test]
        fn any_octets_make_a_command(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let command = Command::parse(Bytes::from(line.clone()));
            prop_assert_eq!(command.line.as_ref(), &line[..]);
            words(&command.text());
        }
    }
}
