//! Tokens to commands: a recursive descent over the grammar of the POSIX shell, with the parts of
//! bash that people type.

mod compound;
mod word;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use self::word::{assignment, delimiter, element, is_descriptor, is_redirection};
pub use self::word::{is_identifier, is_keyword};
use super::ast::{Assign, Assigned, Kind, Node, Redir, RedirKind, Word};
use super::lexer::{PendingHere, Token};

/// Why a text is not a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It ends in the middle; more lines could complete it.
    #[error("end of file unexpected{}", expectation(.expecting))]
    Eof {
        /// The word that would have to come.
        expecting: Option<&'static str>,
    },
    /// A quote is not closed.
    #[error("Unterminated quoted string")]
    Unterminated,
    /// A token in the wrong place.
    #[error("{token} unexpected{}", expectation(.expecting))]
    Unexpected {
        /// The token.
        token: String,
        /// What would have been right.
        expecting: Option<&'static str>,
    },
    /// `for` without a name.
    #[error("Bad for loop variable")]
    BadLoopVariable,
    /// A function whose name cannot be one.
    #[error("Bad function name")]
    BadFunctionName,
    /// `${…}` that is none.
    #[error("Bad substitution")]
    BadSubstitution,
    /// Nested deeper than the shell follows.
    #[error("nested too deeply")]
    TooDeep,
}

fn expectation(expecting: &Option<&'static str>) -> String {
    expecting.map_or(String::new(), |word| format!(" (expecting \"{word}\")"))
}

impl ParseError {
    pub(super) fn incomplete() -> ParseError {
        ParseError::Eof { expecting: None }
    }

    /// Whether further lines could complete the text.
    pub fn is_incomplete(&self) -> bool {
        matches!(self, ParseError::Eof { .. } | ParseError::Unterminated)
    }
}

/// Whether a text that a person typed goes on: a quote, a here-document or a compound command is
/// not finished, or its last line ends with a backslash or an operator.
pub fn needs_more(text: &str) -> bool {
    let text = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    if is_continued(&text) {
        return true;
    }
    let mut parser = Parser::new(text.chars().collect(), true).interactive();
    loop {
        match parser.next_line() {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(error) => return error.is_incomplete(),
        }
    }
}

/// Whether the last line ends with a backslash that quotes its end.
pub(super) fn is_continued(text: &str) -> bool {
    let line = text.strip_suffix('\n').unwrap_or_default();
    line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// Commands of bash whose arguments can be arrays.
const DECLARING: &[&str] = &["declare", "typeset", "local", "readonly", "export"];

/// Levels of nesting that are followed.
const MAX_DEPTH: u32 = 40;

/// Reads commands from a text, one line's worth at a time.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    pub(super) text: Vec<char>,
    pub(super) pos: usize,
    /// The present line, from 1.
    pub line: u32,
    pub(super) bash: bool,
    /// Whether an unfinished here-document asks for more lines instead of ending with the text.
    pub(super) interactive: bool,
    pub(super) depth: u32,
    pub(super) token_start: usize,
    pub(super) pending_here: Vec<PendingHere>,
    peeked: Option<Token>,
    aliases: Arc<BTreeMap<String, String>>,
    used_aliases: Vec<String>,
}

type Parsed<T> = Result<T, ParseError>;

impl Parser {
    /// A parser of this text; with the extensions of bash if `bash` is set.
    pub fn new(text: Vec<char>, bash: bool) -> Parser {
        Parser { text, line: 1, bash, ..Parser::default() }
    }

    /// The same parser, replacing these aliases.
    #[must_use]
    pub fn with_aliases(self, aliases: Arc<BTreeMap<String, String>>) -> Parser {
        Parser { aliases, ..self }
    }

    /// Replaces the aliases from now on.
    pub fn set_aliases(&mut self, aliases: Arc<BTreeMap<String, String>>) {
        self.aliases = aliases;
    }

    /// A parser that asks for more text where a here-document is not complete.
    #[must_use]
    pub fn interactive(self) -> Parser {
        Parser { interactive: true, ..self }
    }

    /// Parses what the next line or lines say; `None` at the end of the text.
    ///
    /// # Errors
    /// The text is no command; see [`ParseError::is_incomplete`].
    pub fn next_line(&mut self) -> Parsed<Option<Arc<Node>>> {
        self.used_aliases.clear();
        while self.peek()? == &Token::Newline {
            self.next()?;
        }
        if self.peek()? == &Token::Eof {
            return Ok(None);
        }
        let list = self.list(false)?;
        match self.next()? {
            Token::Newline | Token::Eof => Ok(Some(list)),
            other => Err(ParseError::Unexpected { token: other.describe(), expecting: None }),
        }
    }

    /// A parser of text that stands inside this one's.
    pub(super) fn inner(&self, text: Vec<char>, line: u32) -> Parser {
        Parser { line, depth: self.depth, ..Parser::new(text, self.bash) }
    }

    /// Where the parser stands, in characters.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// The whole text as one list.
    pub(super) fn whole(&mut self) -> Parsed<Arc<Node>> {
        let list = self.compound_list()?;
        match self.next()? {
            Token::Eof => Ok(list),
            other => Err(ParseError::Unexpected { token: other.describe(), expecting: None }),
        }
    }

    /// After `$(`: the list and its closing parenthesis.
    pub(super) fn command_substitution(&mut self) -> Parsed<Arc<Node>> {
        let pending = std::mem::take(&mut self.pending_here);
        let list = self.compound_list()?;
        self.expect_op(")")?;
        self.pending_here = pending;
        Ok(list)
    }

    /// Runs a part of the parser one level deeper.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ParseError::TooDeep);
        }
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn peek(&mut self) -> Parsed<&Token> {
        if self.peeked.is_none() {
            self.peeked = Some(self.token()?);
        }
        Ok(self.peeked.as_ref().unwrap_or(&Token::Eof))
    }

    fn next(&mut self) -> Parsed<Token> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.token(),
        }
    }

    fn at_op(&mut self, op: &str) -> Parsed<bool> {
        Ok(matches!(self.peek()?, Token::Op(found) if *found == op))
    }

    fn at_word(&mut self, text: &str) -> Parsed<bool> {
        Ok(matches!(self.peek()?, Token::Word(word) if word.plain() == Some(text)))
    }

    fn unexpected<T>(&mut self, expecting: Option<&'static str>) -> Parsed<T> {
        match self.next()? {
            Token::Eof => Err(ParseError::Eof { expecting }),
            token => Err(ParseError::Unexpected { token: token.describe(), expecting }),
        }
    }

    fn expect_op(&mut self, op: &'static str) -> Parsed<()> {
        if self.at_op(op)? { self.next().map(drop) } else { self.unexpected(Some(op)) }
    }

    fn expect_word(&mut self, text: &'static str) -> Parsed<()> {
        if self.at_word(text)? { self.next().map(drop) } else { self.unexpected(Some(text)) }
    }

    fn skip_newlines(&mut self) -> Parsed<()> {
        while self.peek()? == &Token::Newline {
            self.next()?;
        }
        Ok(())
    }

    fn node(&self, line: u32, kind: Kind) -> Arc<Node> {
        Arc::new(Node { line, kind, redirs: Vec::new() })
    }

    /// A list inside a compound command; may be empty only in substitutions.
    fn compound_list(&mut self) -> Parsed<Arc<Node>> {
        self.skip_newlines()?;
        self.list(true)
    }

    /// A list as body of a compound command: at least one command.
    fn body(&mut self, closing: &'static str) -> Parsed<Arc<Node>> {
        self.skip_newlines()?;
        if self.ends_list()? {
            let at_end = self.peek()? == &Token::Eof;
            return self.unexpected(at_end.then_some(closing));
        }
        self.list(true)
    }

    fn ends_list(&mut self) -> Parsed<bool> {
        Ok(match self.peek()? {
            Token::Eof => true,
            Token::Op(op) => matches!(*op, ")" | ";;" | ";" | "&" | "&&" | "||" | "|"),
            Token::Word(word) => {
                matches!(word.plain(), Some("then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}"))
            }
            _ => false,
        })
    }

    fn list(&mut self, newlines: bool) -> Parsed<Arc<Node>> {
        let line = self.line;
        let mut items = Vec::new();
        while !self.ends_list()? || (!newlines && items.is_empty()) {
            let item = self.and_or()?;
            let background = self.at_op("&")?;
            let separated = background || self.at_op(";")?;
            items.push((item, background));
            if separated {
                self.next()?;
            }
            if newlines && self.peek()? == &Token::Newline {
                self.skip_newlines()?;
            } else if !separated || self.peek()? == &Token::Newline {
                break;
            }
        }
        match items.as_slice() {
            [(only, false)] => Ok(Arc::clone(only)),
            _ => Ok(self.node(line, Kind::List(items))),
        }
    }

    fn and_or(&mut self) -> Parsed<Arc<Node>> {
        let mut left = self.pipeline()?;
        loop {
            let and = self.at_op("&&")?;
            if !and && !self.at_op("||")? {
                return Ok(left);
            }
            self.next()?;
            self.skip_newlines()?;
            let right = self.pipeline()?;
            left = self.node(left.line, Kind::AndOr { left, and, right });
        }
    }

    fn pipeline(&mut self) -> Parsed<Arc<Node>> {
        let mut negate = false;
        while self.at_word("!")? {
            self.next()?;
            negate = !negate;
        }
        let line = self.line;
        let mut stages = vec![self.command()?];
        while self.at_op("|")? {
            self.next()?;
            self.skip_newlines()?;
            stages.push(self.command()?);
        }
        match stages.as_slice() {
            [only] if !negate => Ok(Arc::clone(only)),
            _ => Ok(self.node(line, Kind::Pipeline { negate, stages })),
        }
    }

    fn command(&mut self) -> Parsed<Arc<Node>> {
        self.deeper(Parser::command_here)
    }

    fn simple(&mut self, line: u32) -> Parsed<Arc<Node>> {
        let (mut assigns, mut words, mut redirs) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            if let Some(redir) = self.redirection()? {
                redirs.push(redir);
                continue;
            }
            let Token::Word(_) = self.peek()? else { break };
            if words.is_empty() && self.replace_alias() {
                continue;
            }
            let Token::Word(word) = self.next()? else { break };
            let declares = words.first().and_then(Word::plain).is_some_and(|name| DECLARING.contains(&name));
            match assignment(&word, self.bash).filter(|_| words.is_empty() || declares) {
                Some(mut assign) if self.at_list(&assign)? => {
                    assign.value = Assigned::List(self.elements()?);
                    if declares {
                        words.push(word::literal(&assign.name));
                    }
                    assigns.push(assign);
                }
                Some(assign) if words.is_empty() => assigns.push(assign),
                _ => words.push(word),
            }
            if words.len() == 1 && assigns.is_empty() && redirs.is_empty() && self.at_op("(")? {
                return self.function(line, &words[0]);
            }
        }
        if words.is_empty() && assigns.is_empty() && redirs.is_empty() {
            // An alias for nothing.
            return Ok(self.node(line, Kind::List(Vec::new())));
        }
        Ok(Arc::new(Node { line, kind: Kind::Simple { assigns, words }, redirs }))
    }

    /// Whether the values of an array follow directly after the sign of this assignment (bash).
    fn at_list(&mut self, assign: &Assign) -> Parsed<bool> {
        let bare = matches!(&assign.value, Assigned::Text(word) if word.0.is_empty()) && assign.key.is_none();
        Ok(self.bash && bare && self.peeked.is_none() && self.char() == Some('('))
    }

    /// The values of an array, with their parentheses.
    fn elements(&mut self) -> Parsed<Vec<(Option<Word>, Word)>> {
        self.expect_op("(")?;
        let mut elements = Vec::new();
        loop {
            self.skip_newlines()?;
            if !matches!(self.peek()?, Token::Word(_)) {
                self.expect_op(")")?;
                return Ok(elements);
            }
            if let Token::Word(word) = self.next()? {
                elements.push(element(word));
            }
        }
    }

    /// Replaces the alias that the peeked word names by its text; whether it did.
    fn replace_alias(&mut self) -> bool {
        let Some(Token::Word(word)) = &self.peeked else { return false };
        let Some(name) = word.plain() else { return false };
        if self.used_aliases.iter().any(|used| used == name) {
            return false;
        }
        let Some(text) = self.aliases.get(name) else { return false };
        let replacement: Vec<char> = text.chars().collect();
        self.used_aliases.push(name.to_owned());
        self.text.splice(self.token_start..self.pos, replacement);
        self.pos = self.token_start;
        self.peeked = None;
        true
    }

    fn redirection(&mut self) -> Parsed<Option<Redir>> {
        let fd = match self.peek()? {
            Token::IoNumber(fd) => Some(*fd),
            Token::Op(op) if is_redirection(op) => None,
            _ => return Ok(None),
        };
        if fd.is_some() {
            self.next()?;
        }
        let Token::Op(op) = self.next()? else { return self.unexpected(None) };
        let target = match self.peek()? {
            Token::Word(_) => match self.next()? {
                Token::Word(word) => word,
                _ => Word::default(),
            },
            _ => return self.unexpected(None),
        };
        let default = if op.starts_with('<') { 0 } else { 1 };
        let kind = match op {
            "<" => RedirKind::Read(target),
            ">" | ">|" => RedirKind::Write(target),
            ">>" => RedirKind::Append(target),
            "<>" => RedirKind::ReadWrite(target),
            ">&" if self.bash && fd.is_none() && !is_descriptor(&target) => RedirKind::Both { target, append: false },
            "<&" | ">&" => RedirKind::Duplicate(target),
            "&>" => RedirKind::Both { target, append: false },
            "&>>" => RedirKind::Both { target, append: true },
            "<<<" => RedirKind::HereString(target),
            _ => {
                let body = Arc::new(OnceLock::new());
                let (delimiter, quoted) = delimiter(&target);
                let strip_tabs = op == "<<-";
                self.pending_here.push(PendingHere { delimiter, quoted, strip_tabs, body: Arc::clone(&body) });
                RedirKind::Here(body)
            }
        };
        Ok(Some(Redir { fd: fd.unwrap_or(default), kind }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<usize, ParseError> {
        let mut parser = Parser::new(text.chars().collect(), true);
        let mut count = 0;
        while parser.next_line()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn unfinished_texts_need_more() {
        for (text, more) in [
            ("ls", false),
            ("echo 'a", true),
            ("echo \"a", true),
            ("for i in 1 2; do", true),
            ("for i in 1; do echo; done", false),
            ("cat <<END\na", true),
            ("cat <<END\na\nEND", false),
            ("a |", true),
            ("a &&", true),
            ("ls \\", true),
            ("echo $(ls", true),
            ("fi", false),
            ("", false),
        ] {
            assert_eq!(needs_more(text), more, "{text:?}");
        }
    }

    #[test]
    fn says_what_is_wrong_in_the_words_of_dash() {
        for (text, error) in [
            ("if", "end of file unexpected (expecting \"then\")"),
            ("if true; fi", "\"fi\" unexpected (expecting \"then\")"),
            ("echo \"abc", "Unterminated quoted string"),
            (")", "\")\" unexpected"),
            ("echo a ;; b", "\";;\" unexpected"),
            ("(echo a", "end of file unexpected (expecting \")\")"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error, "{text}");
        }
    }

    #[test]
    fn reads_one_line_after_the_other() {
        assert_eq!(parse("echo a; echo b\n\n# note\nfor i in 1 2; do\n echo $i\ndone\n"), Ok(2));
        assert_eq!(parse("cat <<A <<'B'\nx $y\nA\nz\nB\necho done"), Ok(2));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[a-z$(){}|&;<>`'\"\\\\ \n#=!*~@+\\[\\]-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
