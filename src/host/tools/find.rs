//! find(1).

use std::time::Duration;

use super::attributes::{group_id, user_id};
use crate::host::program::{Env, Program, Progress, Resume, Run};
use crate::host::shell::pattern::Pattern;
use crate::host::vfs::{Ino, Inode, Node, Special};
use crate::sim::Time;

#[derive(Clone, Debug)]
enum Test {
    True,
    Name(Pattern, bool),
    Path(Pattern),
    Kind(char),
    User(u32),
    Group(u32),
    Newer(Time),
    /// `-mmin` and `-mtime`: the unit in seconds.
    Age(Count, u64),
    Size(Count, u64),
    Perm(u16, char),
    Empty,
    Print(char),
    Delete,
    Prune,
    Exec {
        argv: Vec<String>,
        many: bool,
    },
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

#[derive(Clone, Copy, Debug)]
enum Count {
    More(u64),
    Less(u64),
    Exactly(u64),
}

impl Count {
    fn parse(text: &str) -> Option<Count> {
        Some(match text.strip_prefix(['+', '-']) {
            Some(rest) if text.starts_with('+') => Count::More(rest.parse().ok()?),
            Some(rest) => Count::Less(rest.parse().ok()?),
            None => Count::Exactly(text.parse().ok()?),
        })
    }

    fn holds(self, value: u64) -> bool {
        match self {
            Count::More(bound) => value > bound,
            Count::Less(bound) => value < bound,
            Count::Exactly(bound) => value == bound,
        }
    }
}

/// Files that one search may visit.
const MAX_VISITS: u64 = 200_000;

/// `find`.
#[derive(Clone, Debug, Default)]
pub struct Find {
    test: Option<Test>,
    /// What is still to be visited: path as printed, depth; deepest first with `-depth`.
    left: Vec<(String, u32, bool)>,
    calls: Vec<Vec<String>>,
    collected: Vec<String>,
    max_depth: u32,
    min_depth: u32,
    depth_first: bool,
    visits: u64,
    status: u8,
}

struct Parser<'a, 'b, 'c> {
    words: &'a [String],
    at: usize,
    env: &'a Env<'b, 'c>,
    find: &'a mut Find,
    acts: bool,
    nesting: u32,
}

impl Parser<'_, '_, '_> {
    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.words.get(self.at - 1).cloned()
    }

    fn or(&mut self) -> Result<Test, String> {
        let mut left = self.and()?;
        while matches!(self.words.get(self.at).map(String::as_str), Some("-o" | "-or")) {
            self.at += 1;
            left = Test::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut left = self.primary()?;
        loop {
            match self.words.get(self.at).map(String::as_str) {
                None | Some("-o" | "-or" | ")") => return Ok(left),
                Some("-a" | "-and") => self.at += 1,
                _ => {}
            }
            left = Test::And(Box::new(left), Box::new(self.primary()?));
        }
    }

    fn primary(&mut self) -> Result<Test, String> {
        self.nesting += 1;
        if self.nesting > 1_000 {
            return Err("expression too long".into());
        }
        let Some(word) = self.next() else { return Err("missing expression".into()) };
        let missing = || format!("missing argument to `{word}'");
        Ok(match word.as_str() {
            "!" | "-not" => Test::Not(Box::new(self.primary()?)),
            "(" => {
                let inner = self.or()?;
                self.next();
                inner
            }
            "-name" | "-iname" => {
                let text = self.next().ok_or_else(missing)?;
                let fold = word == "-iname";
                Test::Name(Pattern::from_text(&if fold { text.to_lowercase() } else { text }), fold)
            }
            "-path" | "-wholename" => Test::Path(Pattern::from_text(&self.next().ok_or_else(missing)?)),
            "-type" => Test::Kind(self.next().ok_or_else(missing)?.chars().next().unwrap_or('f')),
            "-user" | "-uid" => {
                let name = self.next().ok_or_else(missing)?;
                Test::User(user_id(self.env, &name).ok_or_else(|| format!("‘{name}’ is not the name of a known user"))?)
            }
            "-group" | "-gid" => {
                let name = self.next().ok_or_else(missing)?;
                let group = group_id(self.env, &name);
                Test::Group(group.ok_or_else(|| format!("‘{name}’ is not the name of an existing group"))?)
            }
            "-newer" => {
                let name = self.next().ok_or_else(missing)?;
                let path = self.env.path(&name);
                let inode = self.env.ctx.host.vfs.stat(&path, self.env.cred);
                Test::Newer(inode.map_err(|error| format!("‘{name}’: {error}"))?.mtime)
            }
            "-mmin" | "-cmin" | "-mtime" | "-ctime" | "-atime" => {
                let text = self.next().ok_or_else(missing)?;
                let count = Count::parse(&text).ok_or_else(|| format!("invalid argument `{text}' to `{word}'"))?;
                Test::Age(count, if word.ends_with("min") { 60 } else { 86_400 })
            }
            "-size" => {
                let text = self.next().ok_or_else(missing)?;
                let unit = match text.chars().next_back() {
                    Some('c') => 1,
                    Some('k') => 1 << 10,
                    Some('M') => 1 << 20,
                    Some('G') => 1 << 30,
                    _ => 512,
                };
                let count = Count::parse(text.trim_end_matches(char::is_alphabetic));
                Test::Size(count.ok_or_else(|| format!("invalid argument `{text}' to `-size'"))?, unit)
            }
            "-perm" => {
                let text = self.next().ok_or_else(missing)?;
                let how = text.chars().next().filter(|c| matches!(c, '-' | '/')).unwrap_or('=');
                let mode = super::attributes::mode(text.trim_start_matches(['-', '/']), 0, false);
                Test::Perm(mode.ok_or_else(|| format!("invalid mode ‘{text}’"))?, how)
            }
            "-empty" => Test::Empty,
            "-true" => Test::True,
            "-prune" => Test::Prune,
            "-maxdepth" | "-mindepth" => {
                let depth = self.next().and_then(|text| text.parse().ok()).ok_or_else(missing)?;
                if word == "-maxdepth" {
                    self.find.max_depth = depth;
                } else {
                    self.find.min_depth = depth;
                }
                Test::True
            }
            "-depth" => {
                self.find.depth_first = true;
                Test::True
            }
            "-xdev" | "-mount" => Test::True,
            "-print" | "-print0" | "-ls" => {
                self.acts = true;
                Test::Print(match word.as_str() {
                    "-print" => '\n',
                    "-print0" => '\0',
                    _ => 'l',
                })
            }
            "-delete" => {
                self.acts = true;
                self.find.depth_first = true;
                Test::Delete
            }
            "-exec" | "-execdir" | "-ok" => {
                self.acts = true;
                let mut argv = Vec::new();
                loop {
                    match self.next() {
                        None => return Err("missing argument to `-exec'".into()),
                        Some(end) if end == ";" => break Test::Exec { argv, many: false },
                        Some(end) if end == "+" && argv.last().is_some_and(|last| last == "{}") => {
                            argv.pop();
                            break Test::Exec { argv, many: true };
                        }
                        Some(word) => argv.push(word),
                    }
                }
            }
            other => return Err(format!("unknown predicate `{other}'")),
        })
    }
}

impl Find {
    pub fn make() -> Box<dyn Program> {
        Box::new(Find { max_depth: 100, ..Find::default() })
    }

    fn start(&mut self, env: &mut Env<'_, '_>) -> Result<(), String> {
        let args = &env.args[1..];
        let is_expression = |word: &String| word.starts_with('-') || word == "(" || word == "!";
        let args: Vec<String> =
            args.iter().skip_while(|arg| matches!(arg.as_str(), "-L" | "-P" | "-H")).cloned().collect();
        let split = args.iter().position(is_expression).unwrap_or(args.len());
        let (paths, words) = args.split_at(split);
        let (test, acts) = if words.is_empty() {
            (Test::True, false)
        } else {
            let mut parser = Parser { words, at: 0, env, find: self, acts: false, nesting: 0 };
            let test = parser.or()?;
            (test, parser.acts)
        };
        self.test = Some(if acts { test } else { Test::And(Box::new(test), Box::new(Test::Print('\n'))) });
        let start: Vec<String> = if paths.is_empty() { vec![".".into()] } else { paths.to_vec() };
        self.left = start.into_iter().rev().map(|path| (path, 0, false)).collect();
        Ok(())
    }

    /// Visits files until a command has to be run.
    fn walk(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(test) = self.test.clone() else { return Progress::Exit(1) };
        while self.calls.is_empty() {
            let Some((path, depth, seen)) = self.left.pop() else { break };
            self.visits += 1;
            if self.visits > MAX_VISITS {
                env.errln("find: too many files");
                return Progress::Exit(1);
            }
            let full = env.path(&path);
            let vfs = &env.ctx.host.vfs;
            let found = vfs.resolve_link(&full, env.cred).and_then(|ino| {
                vfs.inode(ino).cloned().map(|inode| (ino, inode)).ok_or(crate::host::vfs::Errno::NoEnt)
            });
            let (ino, inode) = match found {
                Ok(found) => found,
                Err(error) => {
                    env.errln(format!("find: ‘{path}’: {error}"));
                    self.status = 1;
                    continue;
                }
            };
            let is_dir = matches!(inode.node, Node::Dir(_));
            let mut prune = false;
            let test_now = depth >= self.min_depth && (!self.depth_first || seen || !is_dir);
            if test_now {
                self.check(&test, &path, &full, ino, &inode, &mut prune, env);
            }
            if seen || !is_dir || prune || depth >= self.max_depth {
                continue;
            }
            if self.depth_first {
                self.left.push((path.clone(), depth, true));
            }
            match env.ctx.host.vfs.list(&full, env.cred) {
                Ok(entries) => {
                    let below = |name: &str| format!("{}/{name}", path.trim_end_matches('/'));
                    self.left.extend(entries.iter().rev().map(|(name, _)| (below(name), depth + 1, false)));
                }
                Err(error) => {
                    env.errln(format!("find: ‘{path}’: {error}"));
                    self.status = 1;
                }
            }
        }
        if self.calls.is_empty() && self.left.is_empty() && !self.collected.is_empty() {
            let paths = std::mem::take(&mut self.collected);
            if let Some(argv) = many_command(&test) {
                self.calls.push(argv.iter().cloned().chain(paths).collect());
            }
        }
        match self.calls.pop() {
            Some(argv) => Progress::Run(Box::new(Run { argv, ..Run::default() })),
            None => Progress::Exit(self.status),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one file with all that is known of it")]
    fn check(
        &mut self,
        test: &Test,
        path: &str,
        full: &str,
        ino: Ino,
        inode: &Inode,
        prune: &mut bool,
        env: &mut Env<'_, '_>,
    ) -> bool {
        match test {
            Test::True => true,
            Test::Name(pattern, fold) => {
                let base = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                let base = if base.is_empty() { "/" } else { base };
                if *fold { pattern.matches(&base.to_lowercase()) } else { pattern.matches(base) }
            }
            Test::Path(pattern) => pattern.matches(path),
            Test::Kind(kind) => matches!(
                (kind, &inode.node),
                ('f', Node::File(_))
                    | ('d', Node::Dir(_))
                    | ('l', Node::Symlink(_))
                    | ('p', Node::Special(Special::Fifo))
                    | ('s', Node::Special(Special::Socket))
                    | ('c', Node::Special(Special::Device(_)))
            ),
            Test::User(uid) => inode.uid == *uid,
            Test::Group(gid) => inode.gid == *gid,
            Test::Newer(time) => inode.mtime > *time,
            Test::Age(count, unit) => {
                let age = env.ctx.now.since(inode.mtime);
                // Minutes are rounded up, days down, as find does.
                let units = if *unit == 60 { age.div_ceil_secs(60) } else { age.as_secs() / unit };
                count.holds(units)
            }
            Test::Size(count, unit) => count.holds(inode.size().div_ceil(*unit)),
            Test::Perm(mode, how) => match how {
                '-' => inode.mode & mode == *mode,
                '/' => *mode == 0 || inode.mode & mode != 0,
                _ => inode.mode == *mode,
            },
            Test::Empty => match &inode.node {
                Node::File(content) => content.size() == 0,
                Node::Dir(entries) => entries.is_empty(),
                _ => false,
            },
            Test::Print('l') => {
                let mode = super::ls::mode_text(inode);
                env.outln(format!("{:9} {mode} {} {}", ino.0, inode.size(), path));
                true
            }
            Test::Print(end) => {
                env.stdout.extend_from_slice(path.as_bytes());
                env.stdout.push(*end as u8);
                true
            }
            Test::Delete => {
                let vfs = &mut env.ctx.host.vfs;
                let result = match &inode.node {
                    Node::Dir(_) => vfs.rmdir(full, env.cred),
                    _ => vfs.unlink(full, env.cred),
                };
                if let Err(error) = result {
                    env.errln(format!("find: cannot delete ‘{path}’: {error}"));
                    self.status = 1;
                    return false;
                }
                true
            }
            Test::Prune => {
                *prune = true;
                true
            }
            Test::Exec { many: true, .. } => {
                self.collected.push(path.to_owned());
                true
            }
            Test::Exec { argv, many: false } => {
                self.calls.insert(0, argv.iter().map(|word| word.replace("{}", path)).collect());
                true
            }
            Test::Not(inner) => !self.check(inner, path, full, ino, inode, prune, env),
            Test::And(left, right) => {
                self.check(left, path, full, ino, inode, prune, env)
                    && self.check(right, path, full, ino, inode, prune, env)
            }
            Test::Or(left, right) => {
                self.check(left, path, full, ino, inode, prune, env)
                    || self.check(right, path, full, ino, inode, prune, env)
            }
        }
    }
}

trait DivCeil {
    fn div_ceil_secs(&self, unit: u64) -> u64;
}

impl DivCeil for Duration {
    fn div_ceil_secs(&self, unit: u64) -> u64 {
        u64::try_from(self.as_micros().div_ceil(u128::from(unit) * 1_000_000)).unwrap_or(u64::MAX)
    }
}

fn many_command(test: &Test) -> Option<&Vec<String>> {
    match test {
        Test::Exec { argv, many: true } => Some(argv),
        Test::Not(inner) => many_command(inner),
        Test::And(left, right) | Test::Or(left, right) => many_command(left).or_else(|| many_command(right)),
        _ => None,
    }
}

impl Program for Find {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => {
                if let Err(text) = self.start(env) {
                    env.errln(format!("find: {text}"));
                    return Progress::Exit(1);
                }
                self.walk(env)
            }
            Resume::Ran(_) => self.walk(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
