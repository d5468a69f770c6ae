//! Commands as clients write them (RFC 3501 section 9): atoms, strings, literals, lists.

/// A parsed argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// An atom, as written: `INBOX`, `1:*`, `BODY[HEADER.FIELDS`.
    Atom(String),
    /// A quoted string or literal.
    Text(Vec<u8>),
    /// A parenthesised list.
    List(Vec<Arg>),
}

impl Arg {
    /// The argument as text, unless it is a list.
    pub fn text(&self) -> Option<String> {
        match self {
            Arg::Atom(atom) => Some(atom.clone()),
            Arg::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Arg::List(_) => None,
        }
    }

    /// The atom in upper case, for keywords.
    pub fn keyword(&self) -> String {
        self.text().unwrap_or_default().to_ascii_uppercase()
    }
}

/// How many lists may stand in each other.
const MAX_DEPTH: u32 = 20;

/// Reads the arguments of a command. Literals stand in the text as `{N}`, CRLF and N octets.
///
/// # Errors
/// What is wrong, in a few words.
pub fn parse(text: &[u8]) -> Result<Vec<Arg>, &'static str> {
    let mut reader = Reader { text, at: 0 };
    let args = reader.args(0, false)?;
    if reader.at < text.len() { Err("Unexpected ')'") } else { Ok(args) }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn args(&mut self, depth: u32, in_list: bool) -> Result<Vec<Arg>, &'static str> {
        if depth > MAX_DEPTH {
            return Err("Too many nested lists");
        }
        let mut args = Vec::new();
        loop {
            match self.peek() {
                None if in_list => return Err("Missing ')'"),
                None => return Ok(args),
                Some(b' ') => self.at += 1,
                Some(b')') => return Ok(args),
                Some(b'(') => {
                    self.at += 1;
                    args.push(Arg::List(self.args(depth + 1, true)?));
                    self.at += 1;
                }
                Some(b'"') => args.push(self.quoted()?),
                Some(b'{') => args.push(self.literal()?),
                Some(_) => args.push(self.atom()),
            }
        }
    }

    fn quoted(&mut self) -> Result<Arg, &'static str> {
        let mut text = Vec::new();
        self.at += 1;
        loop {
            match self.peek().ok_or("Missing '\"'")? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    text.push(self.peek().ok_or("Missing '\"'")?);
                }
                byte => text.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(Arg::Text(text))
    }

    fn literal(&mut self) -> Result<Arg, &'static str> {
        let rest = &self.text[self.at..];
        let end = rest.windows(3).position(|three| three == b"}\r\n").ok_or("Invalid literal")?;
        let digits = rest[1..end].strip_suffix(b"+").unwrap_or(&rest[1..end]);
        let size = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse::<usize>().ok())
            .ok_or("Invalid literal size")?;
        let content = rest.get(end + 3..).and_then(|content| content.get(..size)).ok_or("Literal is incomplete")?;
        self.at += end + 3 + size;
        Ok(Arg::Text(content.to_vec()))
    }

    /// An atom; brackets may hold blanks and lists: `BODY[HEADER.FIELDS (From To)]<0.100>`.
    fn atom(&mut self) -> Arg {
        let start = self.at;
        let mut brackets = 0_u32;
        while let Some(byte) = self.peek() {
            match byte {
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                b' ' | b'(' | b')' if brackets == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        Arg::Atom(String::from_utf8_lossy(&self.text[start..self.at]).into_owned())
    }
}

/// The size of a literal that a line announces at its end, and whether the client waits for `+`.
pub fn announced_literal(line: &[u8]) -> Option<(usize, bool)> {
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let inner = line.get(open + 1..)?.strip_suffix(b"}")?;
    let (digits, waits) = match inner.strip_suffix(b"+") {
        Some(digits) => (digits, false),
        None => (inner, true),
    };
    let size = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((size, waits))
}

/// A set of numbers such as `1,3:5,7:*` (RFC 3501, sequence-set).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet(Vec<(Option<u32>, Option<u32>)>);

impl SequenceSet {
    /// Parses a set; `None` if it is none.
    pub fn parse(text: &str) -> Option<SequenceSet> {
        let number = |part: &str| match part {
            "*" => Some(None),
            digits => digits.parse().ok().filter(|number| *number > 0).map(Some),
        };
        let ranges = text.split(',').map(|part| match part.split_once(':') {
            Some((from, to)) => Some((number(from)?, number(to)?)),
            None => number(part).map(|one| (one, one)),
        });
        ranges.collect::<Option<Vec<_>>>().map(SequenceSet)
    }

    /// Whether a number is in the set, when `*` means `last`.
    pub fn contains(&self, number: u32, last: u32) -> bool {
        self.0.iter().any(|(from, to)| {
            let (from, to) = (from.unwrap_or(last), to.unwrap_or(last));
            (from.min(to)..=from.max(to)).contains(&number)
        })
    }
}

/// A string in a response: quoted if it can be, else as a literal.
pub fn string(text: &[u8]) -> Vec<u8> {
    let plain = text.len() < 1000 && text.iter().all(|byte| (0x20..0x7f).contains(byte));
    let mut out = Vec::with_capacity(text.len() + 8);
    if plain {
        out.push(b'"');
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(format!("{{{}}}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
    }
    out
}

/// A mailbox's name in a response: an atom where that is possible, as Dovecot sends it.
pub fn mailbox_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !"(){%*\"\\]".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.to_owned();
    }
    String::from_utf8_lossy(&string(name.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_atoms_strings_literals_and_lists() {
        let args = parse(b"1:* (FLAGS BODY.PEEK[HEADER.FIELDS (From To)]<0.9>) \"a\\\"b\" {3}\r\nx y").unwrap();
        let atom = |text: &str| Arg::Atom(text.into());
        let list = Arg::List(vec![atom("FLAGS"), atom("BODY.PEEK[HEADER.FIELDS (From To)]<0.9>")]);
        assert_eq!(args, [atom("1:*"), list, Arg::Text(b"a\"b".to_vec()), Arg::Text(b"x y".to_vec())]);
    }

    #[test]
    fn refuses_what_is_not_closed() {
        for bad in [&b"(a"[..], b"a)", b"\"a", b"{9}\r\nabc", b"{x}\r\n"] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn sequence_sets_know_the_last_message() {
        let set = SequenceSet::parse("2,5:*").unwrap();
        let members: Vec<u32> = (1..=7).filter(|number| set.contains(*number, 7)).collect();
        assert_eq!(members, [2, 5, 6, 7]);
        assert!(SequenceSet::parse("9:*").unwrap().contains(7, 7));
        assert_eq!(SequenceSet::parse("0"), None);
        assert_eq!(SequenceSet::parse("a"), None);
    }
}
