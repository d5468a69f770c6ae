//! grep(1).

use bytes::Bytes;
use regex::bytes::Regex;

use super::args::Args;
use super::posix_regex::{Syntax, compile};
use super::read_file;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::shell::pattern::Pattern;
use crate::host::vfs::{Errno, Ino, Node, Vfs};

const LONG: &[(&str, char)] = &[
    ("ignore-case", 'i'),
    ("invert-match", 'v'),
    ("count", 'c'),
    ("extended-regexp", 'E'),
    ("fixed-strings", 'F'),
    ("only-matching", 'o'),
    ("line-number", 'n'),
    ("recursive", 'r'),
    ("quiet", 'q'),
    ("silent", 'q'),
    ("files-with-matches", 'l'),
    ("files-without-match", 'L'),
    ("word-regexp", 'w'),
    ("line-regexp", 'x'),
    ("no-filename", 'h'),
    ("with-filename", 'H'),
    ("no-messages", 's'),
    ("regexp", 'e'),
    ("max-count", 'm'),
    ("after-context", 'A'),
    ("before-context", 'B'),
    ("context", 'C'),
    ("include", '1'),
    ("exclude", '2'),
    ("exclude-dir", '3'),
    ("byte-offset", 'b'),
    ("text", 'a'),
    ("file", 'f'),
    ("color", 'k'),
    ("colour", 'k'),
];

#[derive(Clone, Debug)]
struct Search {
    patterns: Vec<Regex>,
    args: Args,
    names: bool,
    before: usize,
    after: usize,
    most: u64,
}

impl Search {
    fn new(env: &mut Env<'_, '_>, default: Syntax) -> Result<(Search, Vec<String>), u8> {
        let spec = "ivcEFGPonrRqlLwxhHsae:f:m:A:B:C:bkzUITy1:2:3:";
        let mut args = match Args::parse(env.args, spec, LONG) {
            Ok(args) => args,
            Err(text) => {
                env.errln(format!("grep: {text}"));
                env.errln("Usage: grep [OPTION]... PATTERNS [FILE]...");
                env.errln("Try 'grep --help' for more information.");
                return Err(2);
            }
        };
        let mut texts: Vec<String> = args.values('e').map(str::to_owned).collect();
        for name in args.values('f').map(str::to_owned).collect::<Vec<_>>() {
            match read_file(env, &env.path(&name)) {
                Ok(octets) => texts.extend(super::lines(&octets)),
                Err(error) => {
                    env.errln(format!("grep: {name}: {error}"));
                    return Err(2);
                }
            }
        }
        if !args.has('e') && !args.has('f') {
            if args.operands.is_empty() {
                env.errln("Usage: grep [OPTION]... PATTERNS [FILE]...");
                env.errln("Try 'grep --help' for more information.");
                return Err(2);
            }
            texts.push(args.operands.remove(0));
        }
        let syntax = match args.last_of("EFGP") {
            Some('E') => Syntax::Extended,
            Some('F') => Syntax::Fixed,
            Some('P') => Syntax::Perl,
            Some(_) => Syntax::Basic,
            None => default,
        };
        let mut patterns = Vec::new();
        for text in texts.iter().flat_map(|text| text.split('\n')) {
            match compile(text, syntax, args.has('i') || args.has('y')) {
                Ok(regex) => patterns.push(whole(regex, &args)),
                Err(error) => {
                    env.errln(format!("grep: {error}"));
                    return Err(2);
                }
            }
        }
        let number = |letter| args.value(letter).and_then(|text| text.parse().ok());
        let context = number('C').unwrap_or(0);
        let (before, after) = (number('B').unwrap_or(context), number('A').unwrap_or(context));
        let most = args.value('m').and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
        let recursive = args.has('r') || args.has('R');
        let mut files = args.operands.clone();
        if files.is_empty() {
            files.push(if recursive { "" } else { "-" }.into());
        }
        let names = !args.has('h') && (args.has('H') || files.len() > 1 || recursive);
        Ok((Search { patterns, args, names, before, after, most }, files))
    }

    /// Whether an entry of a folder is to be searched (`--include`, `--exclude`, `--exclude-dir`).
    fn wants(&self, entry: &str, vfs: &Vfs, ino: Ino) -> bool {
        let fits = |pattern: &str| Pattern::from_text(pattern).matches(entry);
        if matches!(vfs.inode(ino).map(|inode| &inode.node), Some(Node::Dir(_))) {
            return !self.args.values('3').any(fits);
        }
        (!self.args.has('1') || self.args.values('1').any(fits)) && !self.args.values('2').any(fits)
    }

    fn matches(&self, line: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_match(line)) != self.args.has('v')
    }

    /// Searches one file; whether a line was selected.
    fn search(&self, name: &str, content: &[u8], env: &mut Env<'_, '_>) -> bool {
        let shown = if name == "-" { "(standard input)" } else { name };
        let mut selected = 0_u64;
        let mut last_shown: Option<usize> = None;
        let mut lines: Vec<&[u8]> = content.split(|octet| *octet == b'\n').collect();
        if lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let silent = self.args.has('q') || self.args.has('l') || self.args.has('L') || self.args.has('c');
        let mut context_until = 0;
        for (at, line) in lines.iter().enumerate() {
            let hit = selected < self.most && self.matches(line);
            if hit {
                selected += 1;
                if silent {
                    if !self.args.has('c') {
                        break;
                    }
                    continue;
                }
                let from = at.saturating_sub(self.before).max(last_shown.map_or(0, |last| last + 1));
                if (self.before > 0 || self.after > 0) && last_shown.is_some_and(|last| from > last + 1) {
                    env.outln("--");
                }
                for (earlier, line) in lines.iter().enumerate().take(at).skip(from) {
                    self.show(shown, earlier, line, '-', env);
                }
                self.show(shown, at, line, ':', env);
                last_shown = Some(at);
                context_until = at + self.after;
            } else if !silent && last_shown.is_some() && at <= context_until && self.after > 0 {
                self.show(shown, at, line, '-', env);
                last_shown = Some(at);
            }
            if selected >= self.most && at >= context_until {
                break;
            }
        }
        if self.args.has('q') {
            return selected > 0;
        }
        if self.args.has('L') {
            if selected == 0 {
                env.outln(shown);
            }
        } else if self.args.has('l') {
            if selected > 0 {
                env.outln(shown);
            }
        } else if self.args.has('c') {
            env.outln(if self.names { format!("{shown}:{selected}") } else { selected.to_string() });
        }
        selected > 0
    }

    fn show(&self, name: &str, at: usize, line: &[u8], sign: char, env: &mut Env<'_, '_>) {
        let mut prefix = String::new();
        if self.names {
            prefix.push_str(&format!("{name}{sign}"));
        }
        if self.args.has('n') {
            prefix.push_str(&format!("{}{sign}", at + 1));
        }
        if !self.args.has('o') {
            env.stdout.extend_from_slice(prefix.as_bytes());
            env.stdout.extend_from_slice(line);
            env.stdout.push(b'\n');
            return;
        }
        if sign == '-' || self.args.has('v') {
            return;
        }
        let mut pos = 0;
        while pos <= line.len() {
            let found = self
                .patterns
                .iter()
                .filter_map(|pattern| pattern.find_at(line, pos))
                .min_by_key(|found| (found.start(), usize::MAX - found.end()));
            let Some(found) = found else { break };
            if found.is_empty() {
                pos = found.end() + 1;
                continue;
            }
            env.stdout.extend_from_slice(prefix.as_bytes());
            env.stdout.extend_from_slice(&line[found.range()]);
            env.stdout.push(b'\n');
            pos = found.end();
        }
    }
}

/// The pattern for whole words or lines (`-w`, `-x`).
fn whole(regex: Regex, args: &Args) -> Regex {
    let flags = if args.has('i') { "(?im)" } else { "(?m)" };
    let wrapped = if args.has('x') {
        format!("{flags}^(?:{})$", regex.as_str())
    } else if args.has('w') {
        format!("{flags}\\b(?:{})\\b", regex.as_str())
    } else {
        return regex;
    };
    Regex::new(&wrapped).unwrap_or(regex)
}

fn files(search: &Search, files: &[String], stdin: &[u8], env: &mut Env<'_, '_>) -> u8 {
    let (mut any, mut failed) = (false, false);
    let recursive = search.args.has('r') || search.args.has('R');
    let mut left: Vec<String> = files.iter().rev().cloned().collect();
    while let Some(name) = left.pop() {
        if name == "-" {
            any |= search.search(&name, stdin, env);
            continue;
        }
        let path = env.path(&name);
        match read_file(env, &path) {
            Ok(content) => any |= search.search(&name, &content, env),
            Err(Errno::IsDir) if recursive => {
                let entries = env.ctx.host.vfs.list(&path, env.cred).unwrap_or_default();
                for (entry, ino) in entries.into_iter().rev() {
                    let is_link = matches!(env.ctx.host.vfs.inode(ino).map(|i| &i.node), Some(Node::Symlink(_)));
                    if !is_link && left.len() < 100_000 && search.wants(&entry, &env.ctx.host.vfs, ino) {
                        left.push(if name.is_empty() {
                            entry.to_string()
                        } else {
                            format!("{}/{entry}", name.trim_end_matches('/'))
                        });
                    }
                }
            }
            Err(error) => {
                if !search.args.has('s') {
                    env.errln(format!("grep: {name}: {error}"));
                }
                failed = true;
            }
        }
        if any && search.args.has('q') {
            return 0;
        }
    }
    if failed { 2 } else { u8::from(!any) }
}

fn filter(env: &mut Env<'_, '_>, stdin: Bytes, syntax: Syntax) -> u8 {
    match Search::new(env, syntax) {
        Ok((search, names)) => files(&search, &names, &stdin, env),
        Err(status) => status,
    }
}

/// `egrep`.
pub fn egrep(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    filter(env, stdin, Syntax::Extended)
}

/// `fgrep`.
pub fn fgrep(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    filter(env, stdin, Syntax::Fixed)
}

/// `grep`: from standard input it shows lines as they come, so that it can follow `tail -f`.
#[derive(Clone, Debug, Default)]
pub struct Grep {
    search: Option<Search>,
    any: bool,
}

impl Grep {
    pub fn make() -> Box<dyn Program> {
        Box::new(Grep::default())
    }
}

impl Program for Grep {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        if self.search.is_none() {
            match Search::new(env, Syntax::Basic) {
                Ok((search, names)) if names.iter().any(|name| name == "-") && names.len() == 1 => {
                    self.search = Some(search);
                }
                Ok((search, names)) => {
                    let stdin = std::mem::take(&mut env.stdin.buffer);
                    return Progress::Exit(files(&search, &names, &stdin, env));
                }
                Err(status) => return Progress::Exit(status),
            }
        }
        let Some(search) = &self.search else { return Progress::Exit(2) };
        // Counts, context and line numbers need all of the input; the rest can go line by line.
        let by_line = !search.args.has('c')
            && !search.args.has('n')
            && !search.args.has('L')
            && search.before + search.after == 0
            && search.most == u64::MAX;
        if !env.stdin.eof {
            if by_line && let Some(end) = env.stdin.buffer.iter().rposition(|octet| *octet == b'\n') {
                let lines: Vec<u8> = env.stdin.buffer.drain(..=end).collect();
                self.any |= search.search("-", &lines, env);
                if self.any && (search.args.has('q') || search.args.has('l')) {
                    return Progress::Exit(0);
                }
            }
            return Progress::Wait;
        }
        let rest = std::mem::take(&mut env.stdin.buffer);
        if !rest.is_empty() || !by_line {
            self.any |= search.search("-", &rest, env);
        }
        Progress::Exit(u8::from(!self.any))
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
