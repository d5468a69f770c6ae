//! What a sed script is made of.

use regex::bytes::Regex;

#[derive(Clone, Debug)]
pub(super) enum Address {
    Line(u64),
    Last,
    Match(Regex),
    /// `first~step`.
    Step(u64, u64),
    /// `addr,+N`.
    Plus(u64),
}

#[derive(Clone, Debug)]
pub(super) struct Substitution {
    pub(super) regex: Regex,
    pub(super) with: Vec<Piece>,
    pub(super) all: bool,
    pub(super) nth: usize,
    pub(super) print: bool,
    pub(super) file: Option<String>,
}

/// A piece of a replacement.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Group(usize),
    Case(Case),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    UpperOne,
    LowerOne,
    End,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Block(usize),
    EndBlock,
    Substitute(Box<Substitution>),
    Transliterate(Vec<(char, char)>),
    Delete,
    DeleteFirst,
    Print,
    PrintFirst,
    Next,
    NextAppend,
    Quit(u8, bool),
    Append(String),
    Insert(String),
    Change(String),
    LineNumber,
    Hold(bool),
    Get(bool),
    Exchange,
    Branch(String, Option<bool>),
    Label(String),
    Write(String),
    Read(String),
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    pub(super) negate: bool,
    pub(super) action: Action,
}

impl Command {
    /// Whether its range is open before the first line: `0,/REGEX/`, which may end on that line.
    pub(super) fn begins_active(&self) -> bool {
        matches!((&self.from, &self.to), (Some(Address::Line(0)), Some(Address::Match(_))))
    }
}
