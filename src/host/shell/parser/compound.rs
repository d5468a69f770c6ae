//! Compound commands: groups, if, for, while, case, [[ and functions.

use std::sync::Arc;

use super::word::{is_identifier, is_redirection, literal};
use super::{ParseError, Parsed, Parser};
use crate::host::shell::ast::{Kind, Node, Part, Word};
use crate::host::shell::lexer::Token;

impl Parser {
    pub(super) fn command_here(&mut self) -> Parsed<Arc<Node>> {
        let line = self.line;
        let bash = self.bash;
        let kind = match self.peek()?.clone() {
            Token::Op("(") => {
                self.next()?;
                if self.bash && self.peeked.is_none() && self.char() == Some('(') {
                    self.pos += 1;
                    match self.arithmetic()? {
                        Some(word) => Kind::Arith(word),
                        None => return self.unexpected(Some("))")),
                    }
                } else {
                    let list = self.body(")")?;
                    self.expect_op(")")?;
                    Kind::Subshell(list)
                }
            }
            Token::Word(word) => match word.plain() {
                Some("{") => {
                    self.next()?;
                    let list = self.body("}")?;
                    self.expect_word("}")?;
                    Kind::Group(list)
                }
                Some("if") => self.if_command()?,
                Some(which @ ("while" | "until")) => {
                    let until = which == "until";
                    self.next()?;
                    let cond = self.body("do")?;
                    Kind::While { until, cond, body: self.do_group()?, step: None }
                }
                Some("for") => self.for_command()?,
                Some("case") => self.case_command()?,
                Some("[[") if bash => self.test_command()?,
                Some("function") if bash => {
                    self.next()?;
                    let Token::Word(name) = self.next()? else { return self.unexpected(None) };
                    if self.at_op("(")? {
                        self.next()?;
                        self.expect_op(")")?;
                    }
                    self.skip_newlines()?;
                    let name = name.plain().unwrap_or_default().to_owned();
                    Kind::Function { name, body: self.command()? }
                }
                Some(text @ ("then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}")) => {
                    return Err(ParseError::Unexpected { token: format!("\"{text}\""), expecting: None });
                }
                _ => return self.simple(line),
            },
            Token::IoNumber(_) => return self.simple(line),
            Token::Op(op) if is_redirection(op) => return self.simple(line),
            _ => return self.unexpected(None),
        };
        let mut redirs = Vec::new();
        while let Some(redir) = self.redirection()? {
            redirs.push(redir);
        }
        Ok(Arc::new(Node { line, kind, redirs }))
    }

    pub(super) fn do_group(&mut self) -> Parsed<Arc<Node>> {
        self.skip_newlines()?;
        self.expect_word("do")?;
        let body = self.body("done")?;
        self.expect_word("done")?;
        Ok(body)
    }

    pub(super) fn if_command(&mut self) -> Parsed<Kind> {
        let mut arms = Vec::new();
        loop {
            self.next()?;
            let cond = self.body("then")?;
            self.expect_word("then")?;
            arms.push((cond, self.body("fi")?));
            if !self.at_word("elif")? {
                break;
            }
        }
        let otherwise = if self.at_word("else")? {
            self.next()?;
            Some(self.body("fi")?)
        } else {
            None
        };
        self.expect_word("fi")?;
        Ok(Kind::If { arms, otherwise })
    }

    pub(super) fn for_command(&mut self) -> Parsed<Kind> {
        self.next()?;
        if self.bash && self.peeked.is_none() && self.skip_blanks_to("((") {
            return self.arithmetic_for();
        }
        let var = match self.next()? {
            Token::Word(word) if word.plain().is_some_and(is_identifier) => word.plain().unwrap_or_default().to_owned(),
            Token::Eof => return Err(ParseError::Eof { expecting: None }),
            _ => return Err(ParseError::BadLoopVariable),
        };
        self.skip_newlines()?;
        let mut words = None;
        if self.at_word("in")? {
            self.next()?;
            let mut list = Vec::new();
            while let Token::Word(_) = self.peek()? {
                if let Token::Word(word) = self.next()? {
                    list.push(word);
                }
            }
            words = Some(list);
            if !self.at_op(";")? && self.peek()? != &Token::Newline {
                return self.unexpected(None);
            }
        }
        if self.at_op(";")? {
            self.next()?;
        }
        Ok(Kind::For { var, words, body: self.do_group()? })
    }

    /// `for ((begin; condition; step))`: a loop over the condition, after the beginning.
    fn arithmetic_for(&mut self) -> Parsed<Kind> {
        let line = self.line;
        let Some(words) = self.arithmetic()? else { return self.unexpected(Some("))")) };
        let Some([begin, cond, step]) = arithmetic_parts(words) else { return Err(ParseError::BadLoopVariable) };
        let arith = |word: Word| Arc::new(Node { line, kind: Kind::Arith(word), redirs: Vec::new() });
        if self.at_op(";")? {
            self.next()?;
        }
        let body = self.do_group()?;
        let always = || Word(vec![Part::Literal("1".to_owned())]);
        let cond = if cond.0.is_empty() { always() } else { cond };
        let cycle = Kind::While { until: false, cond: arith(cond), body, step: Some(arith(step)) };
        let cycle = Arc::new(Node { line, kind: cycle, redirs: Vec::new() });
        Ok(Kind::Group(Arc::new(Node {
            line,
            kind: Kind::List(vec![(arith(begin), false), (cycle, false)]),
            redirs: Vec::new(),
        })))
    }

    pub(super) fn case_command(&mut self) -> Parsed<Kind> {
        self.next()?;
        let Token::Word(_) = self.peek()? else { return self.unexpected(None) };
        let Token::Word(word) = self.next()? else { return self.unexpected(None) };
        self.skip_newlines()?;
        self.expect_word("in")?;
        self.skip_newlines()?;
        let mut arms = Vec::new();
        while !self.at_word("esac")? {
            if self.at_op("(")? {
                self.next()?;
            }
            let mut patterns = Vec::new();
            loop {
                let Token::Word(_) = self.peek()? else { return self.unexpected(None) };
                if let Token::Word(pattern) = self.next()? {
                    patterns.push(pattern);
                }
                if !self.at_op("|")? {
                    break;
                }
                self.next()?;
            }
            self.expect_op(")")?;
            arms.push((patterns, self.compound_list()?));
            if !self.at_op(";;")? {
                break;
            }
            self.next()?;
            self.skip_newlines()?;
        }
        self.expect_word("esac")?;
        Ok(Kind::Case { word, arms })
    }

    pub(super) fn test_command(&mut self) -> Parsed<Kind> {
        self.next()?;
        let mut words = Vec::new();
        loop {
            match self.next()? {
                Token::Word(word) if word.plain() == Some("]]") => return Ok(Kind::Test(words)),
                Token::Word(word) => words.push(word),
                Token::Op("&&") => words.push(literal("-a")),
                Token::Op("||") => words.push(literal("-o")),
                Token::Op(op @ ("(" | ")" | "<" | ">")) => words.push(literal(op)),
                Token::Eof => return Err(ParseError::Eof { expecting: Some("]]") }),
                other => return Err(ParseError::Unexpected { token: other.describe(), expecting: None }),
            }
        }
    }

    pub(super) fn function(&mut self, line: u32, name: &Word) -> Parsed<Arc<Node>> {
        self.next()?;
        self.expect_op(")")?;
        self.skip_newlines()?;
        match name.plain() {
            Some(name) if is_identifier(name) || self.bash => {
                let kind = Kind::Function { name: name.to_owned(), body: self.command()? };
                Ok(self.node(line, kind))
            }
            _ => Err(ParseError::BadFunctionName),
        }
    }
}

/// The three expressions of `for ((…; …; …))`, if there are three.
fn arithmetic_parts(words: Word) -> Option<[Word; 3]> {
    let mut all = vec![Word::default()];
    let inner = words.0.into_iter().flat_map(|part| match part {
        Part::Double(parts) => parts,
        other => vec![other],
    });
    for part in inner {
        match part {
            Part::Literal(text) | Part::Quoted(text) => {
                for (nth, piece) in text.split(';').enumerate() {
                    if nth > 0 {
                        all.push(Word::default());
                    }
                    if let Some(word) = all.last_mut().filter(|_| !piece.trim().is_empty()) {
                        word.0.push(Part::Literal(piece.to_owned()));
                    }
                }
            }
            other => all.last_mut()?.0.push(other),
        }
    }
    all.try_into().ok()
}
