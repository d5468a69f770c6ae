//! Reads sed scripts.

use regex::bytes::Regex;

use super::script::{Action, Address, Case, Command, Piece, Substitution};
use crate::host::tools::posix_regex::{Syntax, compile};

/// Parses a script into commands.
pub(super) struct Parser<'a> {
    pub(super) chars: std::iter::Peekable<std::str::Chars<'a>>,
    pub(super) syntax: Syntax,
    pub(super) commands: Vec<Command>,
    pub(super) blocks: Vec<usize>,
    pub(super) last_regex: Option<Regex>,
}

pub(super) type Parsed<T> = Result<T, String>;

impl Parser<'_> {
    pub(super) fn skip(&mut self, also: &str) {
        while self.chars.peek().is_some_and(|c| *c == ' ' || *c == '\t' || also.contains(*c)) {
            self.chars.next();
        }
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut digits = String::new();
        while let Some(c) = self.chars.peek().filter(|c| c.is_ascii_digit()) {
            digits.push(*c);
            self.chars.next();
        }
        digits.parse().ok()
    }

    /// Text up to an unescaped delimiter; the delimiter escaped stands for itself.
    pub(super) fn until(&mut self, delimiter: char, what: &str) -> Parsed<String> {
        let mut text = String::new();
        let mut in_set = false;
        while let Some(c) = self.chars.next() {
            if c == '\\' {
                match self.chars.next() {
                    Some(next) if next == delimiter => text.push(next),
                    Some('n') if !in_set => text.push_str("\\n"),
                    Some(next) => text.extend(['\\', next]),
                    None => break,
                }
                continue;
            }
            if c == delimiter && !in_set {
                return Ok(text);
            }
            if what == "address" || what == "regex" {
                match c {
                    '[' if !in_set => {
                        in_set = true;
                        text.push(c);
                        for special in ['^', ']'] {
                            if self.chars.peek() == Some(&special) {
                                text.push(special);
                                self.chars.next();
                            }
                        }
                        continue;
                    }
                    '[' if self.chars.peek() == Some(&':') => {
                        text.push(c);
                        for c in self.chars.by_ref() {
                            text.push(c);
                            if c == ']' {
                                break;
                            }
                        }
                        continue;
                    }
                    ']' => in_set = false,
                    _ => {}
                }
            }
            text.push(c);
        }
        Err(match what {
            "address" => "unterminated address regex".into(),
            "y" => "unterminated `y' command".into(),
            _ => "unterminated `s' command".into(),
        })
    }

    pub(super) fn regex(&mut self, text: &str, ignore_case: bool) -> Parsed<Regex> {
        if text.is_empty() {
            return self.last_regex.clone().ok_or_else(|| "no previous regular expression".into());
        }
        let regex = compile(text, self.syntax, ignore_case)?;
        self.last_regex = Some(regex.clone());
        Ok(regex)
    }

    pub(super) fn address(&mut self, second: bool) -> Parsed<Option<Address>> {
        Ok(Some(match self.chars.peek().copied() {
            Some('$') => {
                self.chars.next();
                Address::Last
            }
            Some(c) if c.is_ascii_digit() => {
                let line = self.number().unwrap_or(0);
                if self.chars.peek() == Some(&'~') {
                    self.chars.next();
                    Address::Step(line, self.number().unwrap_or(0))
                } else {
                    Address::Line(line)
                }
            }
            Some('+') if second => {
                self.chars.next();
                Address::Plus(self.number().unwrap_or(0))
            }
            Some('/') => {
                self.chars.next();
                self.regex_address('/')?
            }
            Some('\\') => {
                self.chars.next();
                let delimiter = self.chars.next().ok_or("unexpected `,'")?;
                self.regex_address(delimiter)?
            }
            _ => return Ok(None),
        }))
    }

    pub(super) fn regex_address(&mut self, delimiter: char) -> Parsed<Address> {
        let text = self.until(delimiter, "address")?;
        let ignore_case = self.chars.peek() == Some(&'I');
        if ignore_case {
            self.chars.next();
        }
        Ok(Address::Match(self.regex(&text, ignore_case)?))
    }

    pub(super) fn script(&mut self) -> Parsed<()> {
        loop {
            self.skip(";\n");
            let Some(c) = self.chars.peek().copied() else { break };
            if c == '#' {
                while self.chars.next().is_some_and(|c| c != '\n') {}
                continue;
            }
            let from = self.address(false)?;
            self.skip("");
            let mut to = None;
            if self.chars.peek() == Some(&',') {
                self.chars.next();
                self.skip("");
                to = Some(self.address(true)?.ok_or("unexpected `,'")?);
            }
            self.skip("");
            let mut negate = false;
            while self.chars.peek() == Some(&'!') {
                self.chars.next();
                negate = true;
                self.skip("");
            }
            let letter = self.chars.next().ok_or("missing command")?;
            if matches!((&from, &to), (Some(Address::Line(0)), to) if !matches!(to, Some(Address::Match(_)))) {
                return Err("invalid usage of line address 0".into());
            }
            let action = self.action(letter)?;
            self.commands.push(Command { from, to, negate, action });
            if self.commands.len() > 10_000 {
                return Err("script too long".into());
            }
        }
        if self.blocks.is_empty() { Ok(()) } else { Err("unmatched `{'".into()) }
    }

    pub(super) fn action(&mut self, letter: char) -> Parsed<Action> {
        Ok(match letter {
            '{' => {
                self.blocks.push(self.commands.len());
                Action::Block(0)
            }
            '}' => {
                let start = self.blocks.pop().ok_or("unexpected `}'")?;
                let end = self.commands.len();
                self.commands[start].action = Action::Block(end);
                Action::EndBlock
            }
            's' => self.substitution()?,
            'y' => {
                let delimiter = self.chars.next().ok_or("unterminated `y' command")?;
                let from = self.until(delimiter, "y")?;
                let to = self.until(delimiter, "y")?;
                if from.chars().count() != to.chars().count() {
                    return Err("strings for `y' command are different lengths".into());
                }
                Action::Transliterate(from.chars().zip(to.chars()).collect())
            }
            'd' => Action::Delete,
            'D' => Action::DeleteFirst,
            'p' => Action::Print,
            'P' => Action::PrintFirst,
            'n' => Action::Next,
            'N' => Action::NextAppend,
            'q' | 'Q' => {
                self.skip("");
                let status = self.number().unwrap_or(0);
                Action::Quit((status & 255) as u8, letter == 'q')
            }
            '=' => Action::LineNumber,
            'h' => Action::Hold(false),
            'H' => Action::Hold(true),
            'g' => Action::Get(false),
            'G' => Action::Get(true),
            'x' => Action::Exchange,
            'a' => Action::Append(self.text()?),
            'i' => Action::Insert(self.text()?),
            'c' => Action::Change(self.text()?),
            'b' => Action::Branch(self.label(), None),
            't' => Action::Branch(self.label(), Some(true)),
            'T' => Action::Branch(self.label(), Some(false)),
            ':' => Action::Label(self.label()),
            'w' => Action::Write(self.rest()),
            'r' => Action::Read(self.rest()),
            other => return Err(format!("unknown command: `{other}'")),
        })
    }

    pub(super) fn rest(&mut self) -> String {
        self.skip("");
        let mut text = String::new();
        while let Some(c) = self.chars.next().filter(|c| *c != '\n') {
            text.push(c);
        }
        text
    }

    pub(super) fn label(&mut self) -> String {
        self.skip("");
        let mut text = String::new();
        while let Some(c) = self.chars.peek().copied().filter(|c| !matches!(c, ';' | '\n' | '}')) {
            text.push(c);
            self.chars.next();
        }
        text.trim_end().to_owned()
    }

    /// The text of `a`, `i` and `c`: on the same line (GNU) or after a backslash.
    pub(super) fn text(&mut self) -> Parsed<String> {
        self.skip("");
        if self.chars.peek() == Some(&'\\') {
            self.chars.next();
            // White space before a line end is nothing; before text on the same line it belongs to it.
            let mut ahead = self.chars.clone();
            while ahead.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
            if ahead.next_if_eq(&'\n').is_some() {
                self.chars = ahead;
            }
        }
        let mut text = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => text.extend(self.chars.next()),
                '\n' => break,
                c => text.push(c),
            }
        }
        if text.is_empty() {
            return Err("expected \\ after `a', `c' or `i'".into());
        }
        Ok(text)
    }

    pub(super) fn substitution(&mut self) -> Parsed<Action> {
        let delimiter = self.chars.next().ok_or("unterminated `s' command")?;
        let pattern = self.until(delimiter, "regex")?;
        let mut with = String::new();
        loop {
            match self.chars.next() {
                None => return Err("unterminated `s' command".into()),
                Some('\\') => match self.chars.next() {
                    Some(c) if c == delimiter && c != '&' => with.push(c),
                    Some(c) => with.extend(['\\', c]),
                    None => return Err("unterminated `s' command".into()),
                },
                Some(c) if c == delimiter => break,
                Some(c) => with.push(c),
            }
        }
        let (mut all, mut print, mut nth, mut ignore_case, mut file) = (false, false, 1, false, None);
        loop {
            match self.chars.peek().copied() {
                Some('g') if all => return Err("multiple `g' options to `s' command".into()),
                Some('g') => all = true,
                Some('p') => print = true,
                Some('i' | 'I') => ignore_case = true,
                Some('m' | 'M' | 'e') => {}
                Some('w') => {
                    self.chars.next();
                    file = Some(self.rest());
                    break;
                }
                Some(c) if c.is_ascii_digit() => {
                    nth = usize::try_from(self.number().unwrap_or(1)).unwrap_or(1).max(1);
                    continue;
                }
                Some(c) if !matches!(c, ' ' | '\t' | ';' | '\n' | '}' | '#') => {
                    return Err("unknown option to `s'".into());
                }
                _ => break,
            }
            self.chars.next();
        }
        let regex = self.regex(&pattern, ignore_case)?;
        let with = replacement(&with);
        let groups = regex.captures_len();
        if let Some(group) = with.iter().find_map(|piece| match piece {
            Piece::Group(group) if *group >= groups => Some(*group),
            _ => None,
        }) {
            return Err(format!("invalid reference \\{group} on `s' command's RHS"));
        }
        Ok(Action::Substitute(Box::new(Substitution { regex, with, all, nth, print, file })))
    }
}

pub(super) fn replacement(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let piece = match c {
            '&' => Piece::Group(0),
            '\\' => match chars.next() {
                Some('n') => {
                    plain.push('\n');
                    continue;
                }
                Some('t') => {
                    plain.push('\t');
                    continue;
                }
                Some(c) if c.is_ascii_digit() => Piece::Group(c as usize - '0' as usize),
                Some('U') => Piece::Case(Case::Upper),
                Some('L') => Piece::Case(Case::Lower),
                Some('u') => Piece::Case(Case::UpperOne),
                Some('l') => Piece::Case(Case::LowerOne),
                Some('E') => Piece::Case(Case::End),
                Some(c) => {
                    plain.push(c);
                    continue;
                }
                None => continue,
            },
            c => {
                plain.push(c);
                continue;
            }
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain).into_bytes()));
        }
        pieces.push(piece);
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain.into_bytes()));
    }
    pieces
}
