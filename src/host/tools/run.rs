//! Programs that run other commands, and sleep.

use std::time::Duration;

use crate::host::program::{Env, Program, Progress, Resume, Run};

/// `sleep`.
#[derive(Clone, Debug, Default)]
pub struct Sleep;

impl Sleep {
    pub fn make() -> Box<dyn Program> {
        Box::new(Sleep)
    }
}

/// `5`, `0.5`, `2m`, `1h`, `1d` in seconds.
fn span(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3_600.0),
        (at, 'd') => (&text[..at], 86_400.0),
        _ => (text, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    // Beyond a century nothing is waited for.
    (0.0..4e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

impl Program for Sleep {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => {}
            Resume::Input(_) => return Progress::Exit(0),
            _ => return Progress::Wait,
        }
        if env.args.len() < 2 {
            env.errln("sleep: missing operand");
            env.errln("Try 'sleep --help' for more information.");
            return Progress::Exit(1);
        }
        let mut total = Duration::ZERO;
        for text in &env.args[1..] {
            match span(text) {
                Some(part) => total += part,
                None => {
                    env.errln(format!("sleep: invalid time interval ‘{text}’"));
                    env.errln("Try 'sleep --help' for more information.");
                    return Progress::Exit(1);
                }
            }
        }
        env.ctx.wake_at(env.ctx.now + total, 0, "sleep");
        Progress::Wait
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Commands that change something and then become another command: `env`, `nohup`, `nice`,
/// `timeout`.
#[derive(Clone, Debug, Default)]
pub struct Wrapper;

impl Wrapper {
    pub fn make() -> Box<dyn Program> {
        Box::new(Wrapper)
    }
}

impl Program for Wrapper {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        let name = env.args.first().map_or("", |name| name.rsplit('/').next().unwrap_or_default()).to_owned();
        let args = env.args[1..].to_vec();
        match name.as_str() {
            "env" => with_environment(&args, env),
            name => {
                let mut argv: Vec<String> = args;
                while argv.first().is_some_and(|arg| arg.starts_with('-')) {
                    let takes_value = matches!(argv[0].as_str(), "-n" | "-k" | "-s");
                    argv.drain(..if takes_value { 2.min(argv.len()) } else { 1 });
                }
                if name == "timeout" && !argv.is_empty() {
                    argv.remove(0);
                }
                become_command(Run { argv, ..Run::default() })
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn become_command(run: Run) -> Progress {
    if run.argv.is_empty() {
        return Progress::Exit(125);
    }
    Progress::Run(Box::new(Run { replace: true, ..run }))
}

fn with_environment(args: &[String], env: &mut Env<'_, '_>) -> Progress {
    let mut vars = env.vars.clone();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.peek().map(|arg| arg.as_str()) {
        match arg {
            "-i" | "-" | "--ignore-environment" => vars.clear(),
            "-u" => {
                args.next();
                if let Some(name) = args.peek() {
                    vars.remove(name.as_str());
                }
            }
            arg => match arg.split_once('=') {
                Some((name, value)) => {
                    vars.insert(name.into(), value.to_owned());
                }
                None => break,
            },
        }
        args.next();
    }
    let argv: Vec<String> = args.cloned().collect();
    if argv.is_empty() {
        for (name, value) in &vars {
            env.outln(format!("{name}={value}"));
        }
        return Progress::Exit(0);
    }
    become_command(Run { argv, vars: Some(vars), ..Run::default() })
}

/// `xargs`.
#[derive(Clone, Debug, Default)]
pub struct Xargs {
    calls: Option<Vec<Vec<String>>>,
    status: u8,
}

impl Xargs {
    pub fn make() -> Box<dyn Program> {
        Box::new(Xargs::default())
    }

    /// The command lines to be run.
    fn plan(env: &mut Env<'_, '_>) -> Vec<Vec<String>> {
        let (mut replace, mut most, mut zero, mut no_empty, mut separator) = (None, usize::MAX, false, false, None);
        let mut args = env.args[1..].to_vec();
        while let Some(arg) = args.first().filter(|arg| arg.starts_with('-')).cloned() {
            args.remove(0);
            let mut value = |prefix: &str| match arg.strip_prefix(prefix) {
                Some("") if !args.is_empty() => args.remove(0),
                Some(rest) => rest.to_owned(),
                None => String::new(),
            };
            match arg.get(..2).unwrap_or_default() {
                "-I" => replace = Some(value("-I")),
                "-n" | "-L" => most = value(&arg[..2]).parse().unwrap_or(usize::MAX).max(1),
                "-d" => separator = Some(super::system::unescape(&value("-d"))),
                "-P" => drop(value("-P")),
                "-0" => zero = true,
                "-r" => no_empty = true,
                _ => {}
            }
        }
        let command = if args.is_empty() { vec!["echo".to_owned()] } else { args };
        let text = String::from_utf8_lossy(&env.stdin.buffer).into_owned();
        env.stdin.buffer.clear();
        let items: Vec<String> = match (&replace, zero, &separator) {
            (_, true, _) => text.split('\0').filter(|item| !item.is_empty()).map(str::to_owned).collect(),
            (_, _, Some(separator)) if !separator.is_empty() => {
                text.trim_end_matches('\n').split(separator.as_str()).map(str::to_owned).collect()
            }
            (Some(_), ..) => text.lines().map(|line| line.trim_start().to_owned()).filter(|l| !l.is_empty()).collect(),
            _ => words(&text),
        };
        if let Some(place) = replace {
            return items
                .iter()
                .map(|item| command.iter().map(|word| word.replace(place.as_str(), item)).collect())
                .collect();
        }
        if items.is_empty() {
            return if no_empty { Vec::new() } else { vec![command] };
        }
        items.chunks(most.min(5_000)).map(|chunk| command.iter().chain(chunk).cloned().collect()).collect()
    }
}

/// Blank-separated words in which quotes and backslashes count.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => all.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

impl Program for Xargs {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        if let Resume::Ran(status) = resume {
            match status {
                0 => {}
                126 | 127 => return Progress::Exit(status),
                _ => self.status = 123,
            }
        }
        if self.calls.is_none() {
            if !env.stdin.eof {
                return Progress::Wait;
            }
            let mut calls = Self::plan(env);
            calls.reverse();
            self.calls = Some(calls);
        }
        match self.calls.as_mut().and_then(Vec::pop) {
            Some(argv) => Progress::Run(Box::new(Run { argv, stdin: Some(Default::default()), ..Run::default() })),
            None => Progress::Exit(self.status),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
