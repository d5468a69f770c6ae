//! Characters to tokens: quoting, expansions inside words, here-documents.

use std::sync::{Arc, OnceLock};

use super::ast::{Anchor, Index, Param, ParamOp, Part, UnsetAction, Word};
use super::parser::{ParseError, Parser};

/// A token of the command language.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A word.
    Word(Word),
    /// An operator.
    Op(&'static str),
    /// Digits directly before a redirection operator.
    IoNumber(u32),
    /// End of a line.
    Newline,
    /// End of the text.
    Eof,
}

impl Token {
    /// How error messages name it.
    pub fn describe(&self) -> String {
        match self {
            Token::Word(word) => word.plain().map_or("word".into(), |text| format!("\"{text}\"")),
            Token::Op(op) => format!("\"{op}\""),
            Token::IoNumber(_) => "redirection".into(),
            Token::Newline => "newline".into(),
            Token::Eof => "end of file".into(),
        }
    }
}

/// Operators, longer ones first. The flag marks those that only bash knows.
const OPERATORS: &[(&str, bool)] = &[
    ("&>>", true),
    ("<<<", true),
    ("<<-", false),
    (";;", false),
    ("&&", false),
    ("||", false),
    ("&>", true),
    ("<<", false),
    (">>", false),
    ("<&", false),
    (">&", false),
    ("<>", false),
    (">|", false),
    (";", false),
    ("&", false),
    ("|", false),
    ("<", false),
    (">", false),
    ("(", false),
    (")", false),
];

/// A here-document whose text follows after the present line.
#[derive(Clone, Debug)]
pub(super) struct PendingHere {
    pub delimiter: String,
    pub quoted: bool,
    pub strip_tabs: bool,
    pub body: Arc<OnceLock<Word>>,
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_meta(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

/// Adds text, joining it with text of the same kind before it.
fn push_text(parts: &mut Vec<Part>, c: char, quoted: bool) {
    match (parts.last_mut(), quoted) {
        (Some(Part::Literal(text)), false) | (Some(Part::Quoted(text)), true) => text.push(c),
        (_, false) => parts.push(Part::Literal(c.into())),
        (_, true) => parts.push(Part::Quoted(c.into())),
    }
}

impl Parser {
    pub(super) fn char(&self) -> Option<char> {
        self.text.get(self.pos).copied()
    }

    fn char_at(&self, ahead: usize) -> Option<char> {
        self.text.get(self.pos + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.char()?;
        self.pos += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.char_at(ahead) == Some(c))
    }

    /// Goes over blanks and then this text, if it follows.
    pub(super) fn skip_blanks_to(&mut self, text: &str) -> bool {
        let blanks = self.text[self.pos..].iter().take_while(|c| matches!(c, ' ' | '\t')).count();
        let found = text.chars().enumerate().all(|(ahead, c)| self.char_at(blanks + ahead) == Some(c));
        if found {
            self.pos += blanks + text.len();
        }
        found
    }

    /// Whether a process substitution begins here.
    fn at_process(&self) -> bool {
        self.bash && self.looking_at("<(")
    }

    /// The next token from the text.
    pub(super) fn token(&mut self) -> Result<Token, ParseError> {
        loop {
            match self.char() {
                Some(' ' | '\t' | '\r') => self.pos += 1,
                Some('\\') if self.char_at(1) == Some('\n') => {
                    self.bump();
                    self.bump();
                }
                Some('#') => {
                    while self.char().is_some_and(|c| c != '\n') {
                        self.pos += 1;
                    }
                }
                _ => break,
            }
        }
        self.token_start = self.pos;
        match self.char() {
            None => return Ok(Token::Eof),
            Some('\n') => {
                self.bump();
                self.read_here_documents()?;
                return Ok(Token::Newline);
            }
            _ => {}
        }
        if self.at_process() {
            return Ok(Token::Word(self.word()?));
        }
        for (op, bash_only) in OPERATORS {
            if self.looking_at(op) && (self.bash || !bash_only) {
                self.pos += op.len();
                return Ok(Token::Op(op));
            }
        }
        let digits = self.text[self.pos..].iter().take_while(|c| c.is_ascii_digit()).count();
        if (1..4).contains(&digits) && matches!(self.char_at(digits), Some('<' | '>')) {
            let number = self.text[self.pos..self.pos + digits].iter().collect::<String>();
            self.pos += digits;
            return Ok(Token::IoNumber(number.parse().unwrap_or(0)));
        }
        Ok(Token::Word(self.word()?))
    }

    fn word(&mut self) -> Result<Word, ParseError> {
        let mut parts = Vec::new();
        while let Some(c) = self.char() {
            if is_meta(c) && !self.at_process() {
                break;
            }
            self.part(&mut parts, c)?;
        }
        Ok(Word(parts))
    }

    /// One character or construct outside double quotes.
    fn part(&mut self, parts: &mut Vec<Part>, c: char) -> Result<(), ParseError> {
        match c {
            '\\' => {
                self.bump();
                match self.bump() {
                    Some('\n') => {}
                    Some(c) => push_text(parts, c, true),
                    None if self.interactive => return Err(ParseError::incomplete()),
                    None => push_text(parts, '\\', true),
                }
            }
            '\'' => {
                self.bump();
                parts.push(Part::Quoted(self.until_quote()?));
            }
            '"' => {
                self.bump();
                parts.push(Part::Double(self.double_quoted()?));
            }
            '$' => self.dollar(parts, false)?,
            '<' if self.at_process() => {
                self.pos += 2;
                parts.push(Part::Process(self.deeper(Parser::command_substitution)?));
            }
            '`' => parts.push(self.backquoted(false)?),
            c => {
                self.bump();
                push_text(parts, c, false);
            }
        }
        Ok(())
    }

    fn until_quote(&mut self) -> Result<String, ParseError> {
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(ParseError::Unterminated),
                Some('\'') => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<Vec<Part>, ParseError> {
        let mut parts = Vec::new();
        loop {
            match self.char() {
                None => return Err(ParseError::Unterminated),
                Some('"') => {
                    self.bump();
                    return Ok(parts);
                }
                Some(c) => self.double_part(&mut parts, c)?,
            }
        }
    }

    /// One character or construct inside double quotes or a here-document.
    fn double_part(&mut self, parts: &mut Vec<Part>, c: char) -> Result<(), ParseError> {
        match c {
            '\\' => match self.char_at(1) {
                Some('\n') => {
                    self.bump();
                    self.bump();
                }
                Some(next @ ('$' | '`' | '"' | '\\')) => {
                    self.pos += 2;
                    push_text(parts, next, true);
                }
                _ => {
                    self.bump();
                    push_text(parts, '\\', true);
                }
            },
            '$' => self.dollar(parts, true)?,
            '`' => parts.push(self.backquoted(true)?),
            c => {
                self.bump();
                push_text(parts, c, true);
            }
        }
        Ok(())
    }

    fn dollar(&mut self, parts: &mut Vec<Part>, quoted: bool) -> Result<(), ParseError> {
        self.bump();
        match self.char() {
            Some('(') if self.char_at(1) == Some('(') => {
                let (pos, line) = (self.pos, self.line);
                self.pos += 2;
                if let Some(word) = self.deeper(Parser::arithmetic)? {
                    parts.push(Part::Arith(word));
                    return Ok(());
                }
                (self.pos, self.line) = (pos + 1, line);
                parts.push(Part::Command(self.deeper(Parser::command_substitution)?));
            }
            Some('(') => {
                self.bump();
                parts.push(Part::Command(self.deeper(Parser::command_substitution)?));
            }
            Some('{') => {
                self.bump();
                let param = self.deeper(|parser| parser.braced(quoted))?;
                parts.push(Part::Param(Box::new(param)));
            }
            Some('\'') if self.bash && !quoted => {
                self.bump();
                parts.push(Part::Quoted(self.ansi_c()?));
            }
            Some(c) if is_name_start(c) => {
                let name = self.name();
                parts.push(Part::Param(Box::new(Param { name, index: None, op: ParamOp::Plain })));
            }
            Some(c) if c.is_ascii_digit() || "@*#?-$!".contains(c) => {
                self.bump();
                parts.push(Part::Param(Box::new(Param { name: c.into(), index: None, op: ParamOp::Plain })));
            }
            _ => push_text(parts, '$', quoted),
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.char().filter(|c| is_name(*c)) {
            name.push(c);
            self.pos += 1;
        }
        name
    }

    /// `$'…'` (bash).
    fn ansi_c(&mut self) -> Result<String, ParseError> {
        let mut raw = String::new();
        loop {
            match self.bump() {
                None => return Err(ParseError::Unterminated),
                Some('\'') => return Ok(super::text::unescape(&raw)),
                Some('\\') => {
                    raw.push('\\');
                    raw.extend(self.bump());
                }
                Some(c) => raw.push(c),
            }
        }
    }

    /// After `$((` or `((`: the expression up to `))`, or nothing if this is not one.
    pub(super) fn arithmetic(&mut self) -> Result<Option<Word>, ParseError> {
        let mut parts = Vec::new();
        let mut depth = 0_u32;
        loop {
            match self.char() {
                None => return Err(ParseError::Eof { expecting: Some("))") }),
                Some(')') if depth == 0 => {
                    if self.char_at(1) != Some(')') {
                        return Ok(None);
                    }
                    self.pos += 2;
                    return Ok(Some(Word(vec![Part::Double(parts)])));
                }
                Some('"') => {
                    self.bump();
                }
                Some(c) => {
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth - 1,
                        _ => depth,
                    };
                    self.double_part(&mut parts, c)?;
                }
            }
        }
    }

    /// After `${`.
    fn braced(&mut self, quoted: bool) -> Result<Param, ParseError> {
        if self.char() == Some('#') && self.char_at(1).is_some_and(|c| c != '}' && !"-=?+:%#".contains(c)) {
            self.bump();
            let (name, index) = (self.param_name()?, self.index()?);
            return match self.bump() {
                Some('}') => Ok(Param { name, index, op: ParamOp::Length }),
                _ => Err(ParseError::BadSubstitution),
            };
        }
        if self.bash && self.char() == Some('!') && self.char_at(1).is_some_and(is_name_start) {
            self.bump();
            let (name, index) = (self.param_name()?, self.index()?);
            return match self.bump() {
                Some('}') => Ok(Param { name, index, op: ParamOp::Indirect }),
                _ => Err(ParseError::BadSubstitution),
            };
        }
        let (name, index) = (self.param_name()?, self.index()?);
        let op = self.param_op(quoted)?;
        match self.bump() {
            Some('}') => Ok(Param { name, index, op }),
            None => Err(ParseError::Eof { expecting: Some("}") }),
            Some(_) => Err(ParseError::BadSubstitution),
        }
    }

    /// The index after the name of an array (bash).
    fn index(&mut self) -> Result<Option<Index>, ParseError> {
        if !self.bash || self.char() != Some('[') {
            return Ok(None);
        }
        self.bump();
        let word = self.operand(false, "]")?;
        self.bump();
        Ok(Some(match word.plain() {
            Some("@") => Index::Each,
            Some("*") => Index::Joined,
            _ => Index::At(word),
        }))
    }

    fn param_name(&mut self) -> Result<String, ParseError> {
        match self.char() {
            Some(c) if is_name_start(c) => Ok(self.name()),
            Some(c) if c.is_ascii_digit() => {
                let mut digits = String::new();
                while let Some(c) = self.char().filter(char::is_ascii_digit) {
                    digits.push(c);
                    self.pos += 1;
                }
                Ok(digits)
            }
            Some(c) if "@*#?-$!".contains(c) => {
                self.bump();
                Ok(c.into())
            }
            None => Err(ParseError::Eof { expecting: Some("}") }),
            Some(_) => Err(ParseError::BadSubstitution),
        }
    }

    fn param_op(&mut self, quoted: bool) -> Result<ParamOp, ParseError> {
        let colon = self.char() == Some(':');
        let sign = if colon { self.char_at(1) } else { self.char() };
        let action = match sign {
            Some('-') => Some(UnsetAction::Default),
            Some('=') => Some(UnsetAction::Assign),
            Some('?') => Some(UnsetAction::Fail),
            Some('+') => Some(UnsetAction::Alternative),
            _ => None,
        };
        if let Some(action) = action {
            self.pos += 1 + usize::from(colon);
            return Ok(ParamOp::Unset { colon, action, word: self.operand(quoted, "}")? });
        }
        match self.char() {
            Some('}') => Ok(ParamOp::Plain),
            Some(sign @ ('#' | '%')) => {
                self.bump();
                let longest = self.char() == Some(sign);
                self.pos += usize::from(longest);
                Ok(ParamOp::Trim { suffix: sign == '%', longest, pattern: self.operand(false, "}")? })
            }
            Some('/') if self.bash => {
                self.bump();
                let all = self.char() == Some('/');
                self.pos += usize::from(all);
                let anchor = match self.char() {
                    Some('#') => Some(Anchor::Start),
                    Some('%') => Some(Anchor::End),
                    _ => None,
                };
                self.pos += usize::from(anchor.is_some());
                let pattern = self.operand(false, "/}")?;
                let with = if self.char() == Some('/') {
                    self.bump();
                    self.operand(quoted, "}")?
                } else {
                    Word::default()
                };
                Ok(ParamOp::Replace { all, anchor, pattern, with })
            }
            Some(sign @ ('^' | ',')) if self.bash => {
                self.bump();
                let all = self.char() == Some(sign);
                self.pos += usize::from(all);
                Ok(ParamOp::Case { upper: sign == '^', all })
            }
            Some(':') if self.bash => {
                self.bump();
                let offset = self.operand(true, ":}")?;
                let length = if self.char() == Some(':') {
                    self.bump();
                    Some(self.operand(true, "}")?)
                } else {
                    None
                };
                Ok(ParamOp::Slice { offset, length })
            }
            None => Err(ParseError::Eof { expecting: Some("}") }),
            Some(_) => Err(ParseError::BadSubstitution),
        }
    }

    /// A word inside braces, up to one of these characters.
    fn operand(&mut self, quoted: bool, stops: &str) -> Result<Word, ParseError> {
        let mut parts = Vec::new();
        loop {
            match self.char() {
                None => return Err(ParseError::Eof { expecting: Some("}") }),
                Some(c) if stops.contains(c) => return Ok(Word(parts)),
                Some('"') => {
                    self.bump();
                    parts.push(Part::Double(self.double_quoted()?));
                }
                Some('\\') if self.char_at(1) == Some('}') => {
                    self.pos += 2;
                    push_text(&mut parts, '}', true);
                }
                Some(c) if quoted => self.double_part(&mut parts, c)?,
                Some(c) => self.part(&mut parts, c)?,
            }
        }
    }

    /// After an opening backquote (not yet consumed).
    fn backquoted(&mut self, quoted: bool) -> Result<Part, ParseError> {
        let line = self.line;
        self.bump();
        let mut text = Vec::new();
        loop {
            match self.bump() {
                None => return Err(ParseError::Unterminated),
                Some('`') => break,
                Some('\\') => match self.bump() {
                    Some(c @ ('$' | '`' | '\\')) => text.push(c),
                    Some('"') if quoted => text.push('"'),
                    Some(c) => text.extend(['\\', c]),
                    None => return Err(ParseError::Unterminated),
                },
                Some(c) => text.push(c),
            }
        }
        let mut inner = self.inner(text, line);
        Ok(Part::Command(inner.deeper(Parser::whole)?))
    }

    /// Reads the texts of the here-documents that the line just ended has asked for.
    fn read_here_documents(&mut self) -> Result<(), ParseError> {
        for here in std::mem::take(&mut self.pending_here) {
            let mut lines = String::new();
            let start_line = self.line;
            loop {
                if self.char().is_none() {
                    if self.interactive {
                        return Err(ParseError::incomplete());
                    }
                    break;
                }
                let mut line = String::new();
                while let Some(c) = self.bump().filter(|c| *c != '\n') {
                    line.push(c);
                }
                let line = if here.strip_tabs { line.trim_start_matches('\t') } else { &line };
                if line == here.delimiter {
                    break;
                }
                lines.push_str(line);
                lines.push('\n');
            }
            let word = if here.quoted {
                Word(vec![Part::Quoted(lines)])
            } else {
                let text = lines.chars().collect();
                let mut inner = self.inner(text, start_line);
                let mut parts = Vec::new();
                while let Some(c) = inner.char() {
                    if c == '\\' && inner.char_at(1) == Some('"') {
                        inner.bump();
                        push_text(&mut parts, '\\', true);
                    } else {
                        inner.double_part(&mut parts, c)?;
                    }
                }
                Word(vec![Part::Double(parts)])
            };
            let _ = here.body.set(word);
        }
        Ok(())
    }
}
