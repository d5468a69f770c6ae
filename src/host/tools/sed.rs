//! sed(1): the stream editor.

use bytes::Bytes;
use regex::bytes::Regex;

use super::args::Args;
use super::posix_regex::{Syntax, compile};
use super::{input, read_file};
use crate::host::program::Env;

#[derive(Clone, Debug)]
enum Address {
    Line(u64),
    Last,
    Match(Regex),
    /// `first~step`.
    Step(u64, u64),
    /// `addr,+N`.
    Plus(u64),
}

#[derive(Clone, Debug)]
struct Substitution {
    regex: Regex,
    with: Vec<Piece>,
    all: bool,
    nth: usize,
    print: bool,
    file: Option<String>,
}

/// A piece of a replacement.
#[derive(Clone, Debug)]
enum Piece {
    Text(Vec<u8>),
    Group(usize),
    Case(Case),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
    UpperOne,
    LowerOne,
    End,
}

#[derive(Clone, Debug)]
enum Action {
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
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negate: bool,
    action: Action,
}

/// Steps that one input line may take: an endless branch is ended.
const MAX_STEPS: u64 = 100_000;

/// Parses a script into commands.
struct Parser<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    syntax: Syntax,
    commands: Vec<Command>,
    blocks: Vec<usize>,
    last_regex: Option<Regex>,
}

type Parsed<T> = Result<T, String>;

impl Parser<'_> {
    fn skip(&mut self, also: &str) {
        while self.chars.peek().is_some_and(|c| *c == ' ' || *c == '\t' || also.contains(*c)) {
            self.chars.next();
        }
    }

    fn number(&mut self) -> Option<u64> {
        let mut digits = String::new();
        while let Some(c) = self.chars.peek().filter(|c| c.is_ascii_digit()) {
            digits.push(*c);
            self.chars.next();
        }
        digits.parse().ok()
    }

    /// Text up to an unescaped delimiter; the delimiter escaped stands for itself.
    fn until(&mut self, delimiter: char, what: &str) -> Parsed<String> {
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

    fn regex(&mut self, text: &str, ignore_case: bool) -> Parsed<Regex> {
        if text.is_empty() {
            return self.last_regex.clone().ok_or_else(|| "no previous regular expression".into());
        }
        let regex = compile(text, self.syntax, ignore_case)?;
        self.last_regex = Some(regex.clone());
        Ok(regex)
    }

    fn address(&mut self, second: bool) -> Parsed<Option<Address>> {
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

    fn regex_address(&mut self, delimiter: char) -> Parsed<Address> {
        let text = self.until(delimiter, "address")?;
        let ignore_case = self.chars.peek() == Some(&'I');
        if ignore_case {
            self.chars.next();
        }
        Ok(Address::Match(self.regex(&text, ignore_case)?))
    }

    fn script(&mut self) -> Parsed<()> {
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
            let action = self.action(letter)?;
            self.commands.push(Command { from, to, negate, action });
            if self.commands.len() > 10_000 {
                return Err("script too long".into());
            }
        }
        if self.blocks.is_empty() { Ok(()) } else { Err("unmatched `{'".into()) }
    }

    fn action(&mut self, letter: char) -> Parsed<Action> {
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

    fn rest(&mut self) -> String {
        self.skip("");
        let mut text = String::new();
        while let Some(c) = self.chars.next().filter(|c| *c != '\n') {
            text.push(c);
        }
        text
    }

    fn label(&mut self) -> String {
        self.skip("");
        let mut text = String::new();
        while let Some(c) = self.chars.peek().copied().filter(|c| !matches!(c, ';' | '\n' | '}')) {
            text.push(c);
            self.chars.next();
        }
        text.trim_end().to_owned()
    }

    /// The text of `a`, `i` and `c`: on the same line (GNU) or after a backslash.
    fn text(&mut self) -> Parsed<String> {
        self.skip("");
        if self.chars.peek() == Some(&'\\') {
            self.chars.next();
            self.skip("");
            if self.chars.peek() == Some(&'\n') {
                self.chars.next();
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

    fn substitution(&mut self) -> Parsed<Action> {
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

fn replacement(text: &str) -> Vec<Piece> {
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

impl Substitution {
    /// Replaces in a line; `None` if nothing matched.
    fn apply(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let (mut at, mut count, mut changed) = (0, 0, false);
        for found in self.regex.captures_iter(line) {
            let Some(whole) = found.get(0) else { continue };
            count += 1;
            if count < self.nth || (count > self.nth && !self.all) {
                continue;
            }
            changed = true;
            out.extend_from_slice(&line[at..whole.start()]);
            let (mut case, mut once) = (Case::End, None);
            for piece in &self.with {
                let text = match piece {
                    Piece::Text(text) => text.as_slice(),
                    Piece::Group(group) => found.get(*group).map_or(&[][..], |group| group.as_bytes()),
                    Piece::Case(next @ (Case::UpperOne | Case::LowerOne)) => {
                        once = Some(*next);
                        continue;
                    }
                    Piece::Case(next) => {
                        case = *next;
                        continue;
                    }
                };
                push_case(&mut out, text, case, &mut once);
            }
            at = whole.end();
        }
        out.extend_from_slice(&line[at..]);
        changed.then_some(out)
    }
}

fn push_case(out: &mut Vec<u8>, text: &[u8], case: Case, once: &mut Option<Case>) {
    for octet in text {
        out.push(match (once.take(), case) {
            (Some(Case::UpperOne), _) | (None, Case::Upper) => octet.to_ascii_uppercase(),
            (Some(Case::LowerOne), _) | (None, Case::Lower) => octet.to_ascii_lowercase(),
            _ => *octet,
        });
    }
}

struct Editor<'a> {
    commands: &'a [Command],
    active: Vec<Option<u64>>,
    lines: Vec<&'a [u8]>,
    next: usize,
    space: Vec<u8>,
    hold: Vec<u8>,
    appended: Vec<Vec<u8>>,
    out: Vec<u8>,
    quiet: bool,
    quit: Option<u8>,
    written: Vec<(String, Vec<u8>)>,
    reads: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Editor<'_> {
    fn print(&mut self, line: &[u8]) {
        self.out.extend_from_slice(line);
        self.out.push(b'\n');
    }

    fn matches(&self, address: &Address) -> bool {
        match address {
            Address::Line(line) => *line == self.next as u64,
            Address::Last => self.next == self.lines.len(),
            Address::Match(regex) => regex.is_match(&self.space),
            Address::Step(first, step) => {
                let line = self.next as u64;
                line >= *first && if *step == 0 { line == *first } else { (line - first).is_multiple_of(*step) }
            }
            Address::Plus(_) => false,
        }
    }

    fn selected(&mut self, at: usize) -> bool {
        let command = &self.commands[at];
        let line = self.next as u64;
        let selected = match (&command.from, &command.to) {
            (None, _) => true,
            (Some(from), None) => self.matches(from),
            (Some(from), Some(to)) => match self.active[at] {
                Some(until) => {
                    let ends = match to {
                        Address::Line(last) => line >= *last,
                        Address::Plus(_) => line >= until,
                        to => self.matches(to),
                    };
                    let past = matches!(to, Address::Line(last) if line > *last);
                    if ends {
                        self.active[at] = None;
                    }
                    !past || self.matches(from)
                }
                None if self.matches(from) => {
                    let more = match to {
                        Address::Line(last) => *last > line,
                        Address::Plus(count) => *count > 0,
                        _ => true,
                    };
                    let until = if let Address::Plus(count) = to { line + count } else { 0 };
                    self.active[at] = more.then_some(until);
                    true
                }
                None => false,
            },
        };
        selected != command.negate
    }

    fn end_cycle(&mut self) {
        if !self.quiet {
            let space = self.space.clone();
            self.print(&space);
        }
        self.flush_appended();
    }

    fn flush_appended(&mut self) {
        for text in std::mem::take(&mut self.appended) {
            self.out.extend_from_slice(&text);
        }
    }

    fn run(&mut self) {
        while self.next < self.lines.len() && self.quit.is_none() {
            self.space = self.lines[self.next].to_vec();
            self.next += 1;
            self.cycle();
        }
    }

    fn cycle(&mut self) {
        let (mut at, mut substituted, mut steps) = (0, false, 0);
        let commands = self.commands;
        while let Some(command) = commands.get(at) {
            steps += 1;
            if steps > MAX_STEPS || self.space.len() > 1 << 24 {
                self.quit = Some(4);
                return;
            }
            let selected = self.selected(at);
            at += 1;
            if !selected {
                if let Action::Block(end) = command.action {
                    at = end;
                }
                continue;
            }
            match &command.action {
                Action::Block(_) | Action::EndBlock | Action::Label(_) => {}
                Action::Substitute(substitution) => {
                    if let Some(changed) = substitution.apply(&self.space) {
                        self.space = changed;
                        substituted = true;
                        let line = self.space.clone();
                        if substitution.print {
                            self.print(&line);
                        }
                        if let Some(file) = &substitution.file {
                            self.write_file(file, &line);
                        }
                    }
                }
                Action::Transliterate(pairs) => {
                    let text = String::from_utf8_lossy(&self.space).into_owned();
                    let map = |c| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
                    self.space = text.chars().map(map).collect::<String>().into_bytes();
                }
                Action::Delete => return self.flush_appended(),
                Action::DeleteFirst => match self.space.iter().position(|octet| *octet == b'\n') {
                    Some(end) => {
                        self.space.drain(..=end);
                        at = 0;
                    }
                    None => return self.flush_appended(),
                },
                Action::Print => {
                    let line = self.space.clone();
                    self.print(&line);
                }
                Action::PrintFirst => {
                    let line = self.space.split(|octet| *octet == b'\n').next().unwrap_or_default().to_vec();
                    self.print(&line);
                }
                Action::Next => {
                    self.end_cycle();
                    match self.lines.get(self.next) {
                        Some(line) => self.space = line.to_vec(),
                        None => {
                            self.quit = Some(0);
                            return;
                        }
                    }
                    self.next += 1;
                }
                Action::NextAppend => match self.lines.get(self.next) {
                    Some(line) => {
                        self.space.push(b'\n');
                        self.space.extend_from_slice(line);
                        self.next += 1;
                    }
                    None => {
                        self.quit = Some(0);
                        return self.end_cycle();
                    }
                },
                Action::Quit(status, print) => {
                    self.quit = Some(*status);
                    if *print {
                        self.end_cycle();
                    }
                    return;
                }
                Action::Append(text) => self.appended.push(format!("{text}\n").into_bytes()),
                Action::Insert(text) => self.print(text.as_bytes()),
                Action::Change(text) => {
                    if self.active[at - 1].is_none() || command.negate {
                        self.print(text.as_bytes());
                    }
                    return self.flush_appended();
                }
                Action::LineNumber => self.print(self.next.to_string().as_bytes()),
                Action::Hold(append) => {
                    if *append {
                        self.hold.push(b'\n');
                        self.hold.extend_from_slice(&self.space);
                    } else {
                        self.hold.clone_from(&self.space);
                    }
                }
                Action::Get(append) => {
                    if *append {
                        self.space.push(b'\n');
                        self.space.extend_from_slice(&self.hold);
                    } else {
                        self.space.clone_from(&self.hold);
                    }
                }
                Action::Exchange => std::mem::swap(&mut self.space, &mut self.hold),
                Action::Branch(label, when) => {
                    let jump = when.is_none_or(|when| when == substituted);
                    if when.is_some() {
                        substituted = false;
                    }
                    if jump {
                        let target = commands
                            .iter()
                            .position(|command| matches!(&command.action, Action::Label(own) if own == label));
                        at = if label.is_empty() { commands.len() } else { target.unwrap_or(commands.len()) };
                    }
                }
                Action::Write(file) => {
                    let line = self.space.clone();
                    self.write_file(file, &line);
                }
                Action::Read(file) => self.appended.extend(self.reads.get(file).cloned()),
            }
        }
        self.end_cycle();
    }

    fn write_file(&mut self, file: &str, line: &[u8]) {
        if file == "/dev/stdout" {
            return self.print(line);
        }
        let entry = match self.written.iter_mut().find(|(own, _)| own == file) {
            Some((_, text)) => text,
            None => {
                self.written.push((file.to_owned(), Vec::new()));
                match self.written.last_mut() {
                    Some((_, text)) => text,
                    None => return,
                }
            }
        };
        entry.extend_from_slice(line);
        entry.push(b'\n');
    }
}

/// `sed`.
pub fn sed(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    // -i takes an optional suffix, which is attached.
    let mut suffix = None;
    let args: Vec<String> = env
        .args
        .iter()
        .enumerate()
        .map(|(nth, arg)| match arg.strip_prefix("-i").or_else(|| arg.strip_prefix("--in-place")) {
            Some(rest) if nth > 0 && !arg.starts_with("--i") => {
                suffix = Some(rest.to_owned());
                "-i".to_owned()
            }
            Some(rest) if nth > 0 => {
                suffix = Some(rest.trim_start_matches('=').to_owned());
                "-i".to_owned()
            }
            _ => arg.clone(),
        })
        .collect();
    let long = [
        ("quiet", 'n'),
        ("silent", 'n'),
        ("expression", 'e'),
        ("regexp-extended", 'E'),
        ("file", 'f'),
        ("separate", 's'),
    ];
    let mut parsed = match Args::parse(&args, "nie:f:Ersuz", &long) {
        Ok(parsed) => parsed,
        Err(text) => {
            env.errln(format!("sed: {text}"));
            return 1;
        }
    };
    let mut script: Vec<String> = parsed.values('e').map(str::to_owned).collect();
    for name in parsed.values('f').map(str::to_owned).collect::<Vec<_>>() {
        match read_file(env, &env.path(&name)) {
            Ok(octets) => script.push(String::from_utf8_lossy(&octets).into_owned()),
            Err(error) => {
                env.errln(format!("sed: couldn't open file {name}: {error}"));
                return 1;
            }
        }
    }
    if !parsed.has('e') && !parsed.has('f') {
        if parsed.operands.is_empty() {
            env.errln("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...");
            return 1;
        }
        script.push(parsed.operands.remove(0));
    }
    let script = script.join("\n");
    let extended = parsed.has('E') || parsed.has('r');
    let syntax = if extended { Syntax::Extended } else { Syntax::Basic };
    let mut parser =
        Parser { chars: script.chars().peekable(), syntax, commands: Vec::new(), blocks: Vec::new(), last_regex: None };
    if let Err(text) = parser.script() {
        let at = script.chars().count() - parser.chars.clone().count();
        env.errln(format!("sed: -e expression #1, char {at}: {text}"));
        return 1;
    }
    let commands = parser.commands;
    let mut reads = std::collections::BTreeMap::new();
    for command in &commands {
        if let Action::Read(file) = &command.action {
            reads.insert(file.clone(), read_file(env, &env.path(file)).unwrap_or_default());
        }
    }
    let in_place = parsed.has('i');
    let mut status = 0;
    let mut streams: Vec<(String, Vec<u8>)> = Vec::new();
    for name in parsed.files() {
        let content = if in_place || name != "-" {
            match read_file(env, &env.path(&name)) {
                Ok(content) => Some(content),
                Err(crate::host::vfs::Errno::IsDir) => {
                    env.errln(format!("sed: couldn't edit {name}: not a regular file"));
                    None
                }
                Err(error) => {
                    env.errln(format!("sed: can't read {name}: {error}"));
                    None
                }
            }
        } else {
            input(env, &stdin, "sed", &name)
        };
        match content {
            Some(content) => streams.push((name, content)),
            None => status = 2,
        }
    }
    if !in_place && !parsed.has('s') {
        let mut all = Vec::new();
        for (_, mut content) in streams {
            if !all.is_empty() && !all.ends_with(b"\n") {
                all.push(b'\n');
            }
            all.append(&mut content);
        }
        streams = vec![("-".into(), all)];
    }
    for (name, content) in streams {
        let mut lines: Vec<&[u8]> = content.split(|octet| *octet == b'\n').collect();
        let unfinished = !content.is_empty() && !content.ends_with(b"\n");
        if !unfinished {
            lines.pop();
        }
        let mut editor = Editor {
            active: vec![None; commands.len()],
            commands: &commands,
            lines,
            next: 0,
            space: Vec::new(),
            hold: Vec::new(),
            appended: Vec::new(),
            out: Vec::new(),
            quiet: parsed.has('n'),
            quit: None,
            written: Vec::new(),
            reads: reads.clone(),
        };
        editor.run();
        let (mut out, written, quit) = (editor.out, editor.written, editor.quit);
        if unfinished && quit.is_none() && out.ends_with(b"\n") {
            out.pop();
        }
        for (file, text) in written {
            let path = env.path(&file);
            let _ = env.ctx.host.vfs.write(&path, text, 0o644, env.cred);
        }
        if in_place {
            if let Err(error) = replace(env, &name, &content, out, suffix.as_deref().unwrap_or_default()) {
                env.errln(format!("sed: couldn't open file {name}: {error}"));
                status = 4;
            }
        } else {
            env.stdout.extend(out);
        }
        if let Some(quit) = quit {
            return quit.max(status);
        }
    }
    status
}

/// Writes a new file in the place of the old one, with its mode and owner.
fn replace(
    env: &mut Env<'_, '_>,
    name: &str,
    old: &[u8],
    new: Vec<u8>,
    suffix: &str,
) -> Result<(), crate::host::vfs::Errno> {
    let path = env.path(name);
    let vfs = &mut env.ctx.host.vfs;
    let (mode, uid, gid) = {
        let inode = vfs.stat(&path, env.cred)?;
        (inode.mode, inode.uid, inode.gid)
    };
    if !suffix.is_empty() {
        vfs.write(&format!("{path}{suffix}"), old.to_vec(), mode, env.cred)?;
    }
    let temporary = format!("{}/sedXXXXXX", path.rsplit_once('/').map_or("", |(dir, _)| dir));
    vfs.create_new(&temporary, new, mode, env.cred)?;
    let _ = vfs.chown(&temporary, Some(uid), Some(gid), env.cred);
    vfs.rename(&temporary, &path, env.cred)
}
