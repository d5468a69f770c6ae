//! Runs a sed script over lines.

use super::script::{Action, Address, Command};

/// Steps that one input line may take: an endless branch is ended.
const MAX_STEPS: u64 = 100_000;

pub(super) struct Editor<'a> {
    pub(super) commands: &'a [Command],
    /// What ends a line: a line feed, or with `-z` a zero octet.
    pub(super) end: u8,
    pub(super) active: Vec<Option<u64>>,
    pub(super) lines: Vec<&'a [u8]>,
    pub(super) next: usize,
    pub(super) space: Vec<u8>,
    pub(super) hold: Vec<u8>,
    pub(super) appended: Vec<Vec<u8>>,
    pub(super) out: Vec<u8>,
    pub(super) quiet: bool,
    pub(super) quit: Option<u8>,
    pub(super) written: Vec<(String, Vec<u8>)>,
    pub(super) reads: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Editor<'_> {
    pub(super) fn print(&mut self, line: &[u8]) {
        self.out.extend_from_slice(line);
        self.out.push(self.end);
    }

    pub(super) fn matches(&self, address: &Address) -> bool {
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

    pub(super) fn selected(&mut self, at: usize) -> bool {
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

    pub(super) fn end_cycle(&mut self) {
        if !self.quiet {
            let space = self.space.clone();
            self.print(&space);
        }
        self.flush_appended();
    }

    pub(super) fn flush_appended(&mut self) {
        for text in std::mem::take(&mut self.appended) {
            self.out.extend_from_slice(&text);
        }
    }

    pub(super) fn run(&mut self) {
        while self.next < self.lines.len() && self.quit.is_none() {
            self.space = self.lines[self.next].to_vec();
            self.next += 1;
            self.cycle();
        }
    }

    pub(super) fn cycle(&mut self) {
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

    pub(super) fn write_file(&mut self, file: &str, line: &[u8]) {
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
