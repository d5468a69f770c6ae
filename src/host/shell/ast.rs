//! The syntax tree of the command language (POSIX 1003.1, "Shell Command Language").

use std::sync::{Arc, OnceLock};

/// A word before expansion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word(pub Vec<Part>);

impl Word {
    /// The text, if the word is plain and nothing in it is quoted: only such words are reserved
    /// words, aliases and assignments.
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Unquoted text: pattern characters count.
    Literal(String),
    /// Text in single quotes or after a backslash.
    Quoted(String),
    /// What stands between double quotes.
    Double(Vec<Part>),
    /// `$name` or `${name…}`.
    Param(Box<Param>),
    /// `$(…)` or backquotes.
    Command(Arc<Node>),
    /// `$((…))`.
    Arith(Word),
    /// `<(…)` (bash): the name of a file with what the command writes.
    Process(Arc<Node>),
}

/// A parameter expansion.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The parameter: a name, a number or a special character.
    pub name: String,
    /// Which elements, if it is an array (bash).
    pub index: Option<Index>,
    /// What is made of it.
    pub op: ParamOp,
}

/// Which elements of an array are meant (bash).
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// `[@]`: each.
    Each,
    /// `[*]`: all, joined within double quotes.
    Joined,
    /// `[word]`: the one with this key.
    At(Word),
}

/// What a parameter expansion makes of the value.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamOp {
    /// The value itself.
    Plain,
    /// `${#name}`.
    Length,
    /// `${name-word}`, `${name=word}`, `${name?word}`, `${name+word}`.
    Unset {
        /// Whether an empty value counts as unset (`:` before the operator).
        colon: bool,
        /// Which.
        action: UnsetAction,
        /// The word.
        word: Word,
    },
    /// `${name#pattern}`, `${name%pattern}` and their doubled forms.
    Trim {
        /// At the end rather than at the beginning.
        suffix: bool,
        /// The longest rather than the shortest match.
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `${name/pattern/text}` (bash).
    Replace {
        /// All matches rather than the first.
        all: bool,
        /// Only at the beginning (`/#`) or at the end (`/%`).
        anchor: Option<Anchor>,
        /// The pattern.
        pattern: Word,
        /// The replacement.
        with: Word,
    },
    /// `${name^}`, `${name^^}`, `${name,}`, `${name,,}` (bash).
    Case {
        /// To upper case.
        upper: bool,
        /// All letters rather than the first.
        all: bool,
    },
    /// `${!name}` (bash): the value of the variable that this one names; `${!name[@]}`: the keys.
    Indirect,
    /// `${name:offset:length}` (bash).
    Slice {
        /// Where it begins.
        offset: Word,
        /// How long it is.
        length: Option<Word>,
    },
}

/// Where a pattern has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At the beginning.
    Start,
    /// At the end.
    End,
}

/// What to do about a parameter that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsetAction {
    /// `-`: use the word instead.
    Default,
    /// `=`: assign the word.
    Assign,
    /// `?`: fail with the word as message.
    Fail,
    /// `+`: use the word if it *is* set.
    Alternative,
}

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The line it begins on, from 1.
    pub line: u32,
    /// What kind of command.
    pub kind: Kind,
    /// Redirections of a compound command, or of a simple one.
    pub redirs: Vec<Redir>,
}

/// Kinds of commands.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Assignments, a name and arguments.
    Simple {
        /// Assignments before the name.
        assigns: Vec<Assign>,
        /// Name and arguments.
        words: Vec<Word>,
    },
    /// `a | b | c`, possibly with `!` in front.
    Pipeline {
        /// Whether the status is inverted.
        negate: bool,
        /// The commands.
        stages: Vec<Arc<Node>>,
    },
    /// `a && b` or `a || b`.
    AndOr {
        /// What is run first.
        left: Arc<Node>,
        /// Whether the right side runs on success (`&&`) rather than on failure.
        and: bool,
        /// What may be run then.
        right: Arc<Node>,
    },
    /// `a; b & c`: the flag tells which run in the background.
    List(Vec<(Arc<Node>, bool)>),
    /// `( … )`.
    Subshell(Arc<Node>),
    /// `{ …; }`.
    Group(Arc<Node>),
    /// Conditions with what they lead to, and the `else` part.
    If {
        /// `if` and `elif` parts.
        arms: Vec<(Arc<Node>, Arc<Node>)>,
        /// The `else` part.
        otherwise: Option<Arc<Node>>,
    },
    /// `while` and `until`.
    While {
        /// Whether it is `until`.
        until: bool,
        /// The condition.
        cond: Arc<Node>,
        /// The body.
        body: Arc<Node>,
        /// What follows each run of the body, also after `continue`: of `for ((…; …; …))` (bash).
        step: Option<Arc<Node>>,
    },
    /// `for`.
    For {
        /// The variable.
        var: String,
        /// The words; `"$@"` if there is no `in`.
        words: Option<Vec<Word>>,
        /// The body.
        body: Arc<Node>,
    },
    /// `case`.
    Case {
        /// What is looked at.
        word: Word,
        /// Patterns with what they lead to.
        arms: Vec<(Vec<Word>, Arc<Node>)>,
    },
    /// A definition of a function.
    Function {
        /// Its name.
        name: String,
        /// Its body.
        body: Arc<Node>,
    },
    /// `((…))` (bash).
    Arith(Word),
    /// `[[ … ]]` (bash): the words between, for `test`.
    Test(Vec<Word>),
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assign {
    /// The variable.
    pub name: String,
    /// The key of the element, if it is one of an array (bash).
    pub key: Option<Word>,
    /// Whether the value is appended (`+=`, bash).
    pub append: bool,
    /// The value.
    pub value: Assigned,
}

/// What is assigned.
#[derive(Clone, Debug, PartialEq)]
pub enum Assigned {
    /// `name=word`.
    Text(Word),
    /// `name=(word [key]=word …)` (bash).
    List(Vec<(Option<Word>, Word)>),
}

/// A redirection.
#[derive(Clone, Debug, PartialEq)]
pub struct Redir {
    /// The file descriptor that changes.
    pub fd: u32,
    /// How.
    pub kind: RedirKind,
}

/// Kinds of redirections.
#[derive(Clone, Debug, PartialEq)]
pub enum RedirKind {
    /// `<`.
    Read(Word),
    /// `>` and `>|`.
    Write(Word),
    /// `>>`.
    Append(Word),
    /// `<>`.
    ReadWrite(Word),
    /// `<&` and `>&`: a descriptor, or `-` to close.
    Duplicate(Word),
    /// `&>` and `&>>` (bash): standard output and error into a file.
    Both {
        /// The file.
        target: Word,
        /// Whether to append.
        append: bool,
    },
    /// `<<`: the text, known once the lines after the command were read.
    Here(Arc<OnceLock<Word>>),
    /// `<<<` (bash).
    HereString(Word),
}
