//! Tools that pass data through: cat, tee, head, yes.

use bytes::Bytes;

use super::{read_at_most, read_file};
use crate::host::program::{Env, Program, Progress, Resume};

const LONG: &[(&str, char)] = &[
    ("number", 'n'),
    ("number-nonblank", 'b'),
    ("show-all", 'A'),
    ("show-ends", 'E'),
    ("show-tabs", 'T'),
    ("squeeze-blank", 's'),
    ("show-nonprinting", 'v'),
];

/// `cat`, passing on what it gets as it comes.
#[derive(Clone, Debug, Default)]
pub struct Cat {
    left: Vec<String>,
    status: u8,
    started: bool,
    line: u64,
    number: bool,
    /// Whether empty lines get no number.
    only_filled: bool,
    show_ends: bool,
    show_tabs: bool,
    fresh_line: bool,
}

impl Cat {
    pub fn make() -> Box<dyn Program> {
        Box::new(Cat { fresh_line: true, ..Cat::default() })
    }

    fn write(&mut self, octets: &[u8], env: &mut Env<'_, '_>) {
        if !self.number && !self.show_ends && !self.show_tabs {
            env.stdout.extend_from_slice(octets);
            return;
        }
        for octet in octets {
            if self.fresh_line && self.number && !(self.only_filled && *octet == b'\n') {
                self.line += 1;
                env.stdout.extend_from_slice(format!("{:6}\t", self.line).as_bytes());
            }
            self.fresh_line = *octet == b'\n';
            match octet {
                b'\n' if self.show_ends => env.stdout.extend_from_slice(b"$\n"),
                b'\r' if self.show_ends && self.show_tabs => env.stdout.extend_from_slice(b"^M"),
                b'\t' if self.show_tabs => env.stdout.extend_from_slice(b"^I"),
                octet => env.stdout.push(*octet),
            }
        }
    }
}

impl Program for Cat {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        if !self.started {
            self.started = true;
            match super::args::Args::parse(env.args, "nAEbstuvTe", LONG) {
                Ok(args) => {
                    self.number = args.has('n') || args.has('b');
                    self.only_filled = args.has('b');
                    self.show_ends = args.has('A') || args.has('E') || args.has('e');
                    self.show_tabs = args.has('A') || args.has('T') || args.has('t');
                    self.left = args.files();
                    self.left.reverse();
                }
                Err(text) => {
                    env.errln(format!("cat: {text}"));
                    env.errln("Try 'cat --help' for more information.");
                    return Progress::Exit(1);
                }
            }
        }
        while let Some(name) = self.left.last().cloned() {
            if name == "-" || name == "/dev/stdin" {
                let octets = std::mem::take(&mut env.stdin.buffer);
                self.write(&octets, env);
                if !env.stdin.eof {
                    return Progress::Wait;
                }
            } else {
                match read_file(env, &env.path(&name)) {
                    Ok(octets) => self.write(&octets, env),
                    Err(error) => {
                        env.errln(format!("cat: {name}: {error}"));
                        self.status = 1;
                    }
                }
            }
            self.left.pop();
        }
        Progress::Exit(self.status)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Options of `tee`.
const TEE: &[&str] = &["-a", "--append", "-i", "--ignore-interrupts", "-p", "-ai", "-"];

/// `tee`.
#[derive(Clone, Debug, Default)]
pub struct Tee {
    started: bool,
    status: u8,
}

impl Tee {
    pub fn make() -> Box<dyn Program> {
        Box::new(Tee::default())
    }
}

impl Program for Tee {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        if let Some(odd) = env.args[1..].iter().find(|arg| arg.starts_with('-') && !TEE.contains(&arg.as_str())) {
            env.errln(format!("tee: invalid option -- '{}'", odd.trim_start_matches('-')));
            env.errln("Try 'tee --help' for more information.");
            return Progress::Exit(1);
        }
        let append = env.args.iter().any(|arg| arg == "-a" || arg == "--append");
        let files: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
        let octets = std::mem::take(&mut env.stdin.buffer);
        env.stdout.extend_from_slice(&octets);
        for name in files {
            let path = env.path(&name);
            let first = !std::mem::replace(&mut self.started, true);
            let vfs = &mut env.ctx.host.vfs;
            let emptied =
                if first && !append { vfs.write(&path, Vec::new(), 0o644, env.cred).map(drop) } else { Ok(()) };
            let result = emptied.and_then(|()| vfs.append(&path, octets.clone(), 0o644, env.cred).map(drop));
            if let (Err(error), true) = (result, first) {
                env.errln(format!("tee: {name}: {error}"));
                self.status = 1;
            }
        }
        if env.stdin.eof { Progress::Exit(self.status) } else { Progress::Wait }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `yes`.
#[derive(Clone, Debug, Default)]
pub struct Yes;

impl Yes {
    pub fn make() -> Box<dyn Program> {
        Box::new(Yes)
    }
}

impl Program for Yes {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        let words = if env.args.len() > 1 { env.args[1..].join(" ") } else { "y".into() };
        let line = format!("{words}\n");
        let count = (8192 / line.len()).max(1);
        env.stdout.extend_from_slice(line.repeat(count).as_bytes());
        Progress::More
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Counts of `head` and `tail`: `-n 5`, `-5`, `-c 10`.
pub fn counts(args: &[String]) -> Vec<String> {
    args.iter()
        .enumerate()
        .map(|(nth, arg)| match arg.strip_prefix('-') {
            // The value of an option may be negative.
            Some(_) if nth > 0 && matches!(args[nth - 1].as_str(), "-n" | "-c") => arg.clone(),
            Some(digits) if nth > 0 && digits.starts_with(|c: char| c.is_ascii_digit()) => format!("-n{digits}"),
            _ => arg.clone(),
        })
        .collect()
}

/// `head`: it ends as soon as it has what it needs.
#[derive(Clone, Debug, Default)]
pub struct Head;

impl Head {
    pub fn make() -> Box<dyn Program> {
        Box::new(Head)
    }
}

impl Program for Head {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        let args = counts(env.args);
        let parsed = super::args::Args::parse(&args, "n:c:qv", &[]);
        let enough = match &parsed {
            Ok(parsed) if parsed.files().iter().all(|name| name != "-") => true,
            Ok(parsed) => match (parsed.value('c'), parsed.value('n').unwrap_or("10").parse::<usize>()) {
                (Some(octets), _) => {
                    super::amount::parse(octets).is_some_and(|octets| env.stdin.buffer.len() >= octets)
                }
                (None, Ok(lines)) => env.stdin.buffer.iter().filter(|octet| **octet == b'\n').count() >= lines,
                _ => false,
            },
            Err(_) => true,
        };
        if !enough && !env.stdin.eof {
            return Progress::Wait;
        }
        let before = env.stdout.len();
        let stdin = Bytes::from(std::mem::take(&mut env.stdin.buffer));
        let status = head(env, stdin.clone());
        // What was not needed stays for who reads next.
        let used = (env.stdout.len() - before).min(stdin.len());
        env.stdin.buffer.extend_from_slice(&stdin[used..]);
        Progress::Exit(status)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn head(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = counts(env.args);
    let parsed = match super::args::Args::parse(&args, "n:c:qv", &[("lines", 'n'), ("bytes", 'c'), ("quiet", 'q')]) {
        Ok(parsed) => parsed,
        Err(text) => {
            env.errln(format!("head: {text}"));
            return 1;
        }
    };
    let octets = parsed.value('c').is_some();
    let text = parsed.value('c').or(parsed.value('n')).unwrap_or("10").to_owned();
    let (from_end, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.trim_start_matches('+')),
    };
    let Some(take) = super::amount::parse(digits) else {
        env.errln(format!("head: invalid number of {}: ‘{text}’", if octets { "bytes" } else { "lines" }));
        return 1;
    };
    let files = parsed.files();
    let mut status = 0;
    for (nth, name) in files.iter().enumerate() {
        let most = if octets && !from_end { take.min(super::amount::MOST) } else { usize::MAX };
        let content = if name == "-" { Some(stdin.to_vec()) } else { open_at_most(env, "head", name, most) };
        let Some(content) = content else {
            status = 1;
            continue;
        };
        if (files.len() > 1 && !parsed.has('q')) || parsed.has('v') {
            let shown = if name == "-" { "standard input" } else { name };
            let gap = if nth > 0 { "\n" } else { "" };
            env.stdout.extend_from_slice(format!("{gap}==> {shown} <==\n").as_bytes());
        }
        let end = if octets {
            if from_end { content.len().saturating_sub(take) } else { take.min(content.len()) }
        } else {
            let ends: Vec<usize> = content
                .split_inclusive(|octet| *octet == b'\n')
                .scan(0, |at, line| {
                    *at += line.len();
                    Some(*at)
                })
                .collect();
            let lines = if from_end { ends.len().saturating_sub(take) } else { take.min(ends.len()) };
            lines.checked_sub(1).map_or(0, |last| ends[last])
        };
        env.stdout.extend_from_slice(&content[..end]);
    }
    status
}

/// Opens a file with the words of head and tail.
pub fn open(env: &mut Env<'_, '_>, tool: &str, name: &str) -> Option<Vec<u8>> {
    open_at_most(env, tool, name, usize::MAX)
}

/// As [`open`], only so many octets.
fn open_at_most(env: &mut Env<'_, '_>, tool: &str, name: &str, most: usize) -> Option<Vec<u8>> {
    let path = env.path(name);
    let content = if most == usize::MAX { read_file(env, &path) } else { read_at_most(env, &path, most) };
    match content {
        Ok(content) => Some(content),
        Err(error) => {
            env.errln(format!("{tool}: cannot open '{name}' for reading: {error}"));
            None
        }
    }
}
