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

/// Commands that change something and then become another command: `env`, `nohup`, `nice`.
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
            _ => {
                let mut argv: Vec<String> = args;
                while argv.first().is_some_and(|arg| arg.starts_with('-')) {
                    let takes_value = matches!(argv[0].as_str(), "-n" | "-k" | "-s");
                    argv.drain(..if takes_value { 2.min(argv.len()) } else { 1 });
                }
                become_command(Run { argv, ..Run::default() })
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `timeout`.
#[derive(Clone, Debug, Default)]
pub struct Timeout {
    preserve: bool,
}

impl Timeout {
    pub fn make() -> Box<dyn Program> {
        Box::new(Timeout::default())
    }

    fn start(&mut self, env: &mut Env<'_, '_>) -> Result<Progress, String> {
        let mut args = env.args[1..].to_vec();
        while args.first().is_some_and(|arg| arg.starts_with('-') && arg.len() > 1) {
            let option = args.remove(0);
            match option.as_str() {
                "-k" | "-s" | "--kill-after" | "--signal" if !args.is_empty() => drop(args.remove(0)),
                "--preserve-status" => self.preserve = true,
                "--foreground" | "-v" | "--verbose" => {}
                option if ["--kill-after=", "--signal=", "-k", "-s"].iter().any(|known| option.starts_with(known)) => {}
                option if option.starts_with("--") => return Err(format!("unrecognized option '{option}'")),
                option => return Err(format!("invalid option -- '{}'", option.chars().nth(1).unwrap_or('-'))),
            }
        }
        if args.len() < 2 {
            return Err("missing operand".into());
        }
        let text = args.remove(0);
        let limit = span(&text).ok_or_else(|| format!("invalid time interval ‘{text}’"))?;
        // Without a time the command may take as long as it wants.
        if !limit.is_zero() {
            env.ctx.wake_at(env.ctx.now + limit, 0, "timeout");
        }
        Ok(Progress::Run(Box::new(Run { argv: args, ..Run::default() })))
    }
}

impl Program for Timeout {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.start(env).unwrap_or_else(|text| {
                env.errln(format!("timeout: {text}"));
                env.errln("Try 'timeout --help' for more information.");
                Progress::Exit(125)
            }),
            Resume::Ran(status) => Progress::Exit(status),
            Resume::Input(_) => Progress::Exit(if self.preserve { 143 } else { 124 }),
            _ => Progress::Wait,
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
    /// Whether each command is shown before it is run (`-t`).
    trace: bool,
    status: u8,
}

impl Xargs {
    pub fn make() -> Box<dyn Program> {
        Box::new(Xargs::default())
    }

    /// The command lines to be run.
    ///
    /// # Errors
    /// What is wrong with the options or the input.
    fn plan(&mut self, env: &mut Env<'_, '_>) -> Result<Vec<Vec<String>>, String> {
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
                "-t" => self.trace = true,
                "-s" | "-E" | "-a" => drop(value(&arg[..2])),
                "-x" | "-p" => {}
                "--" if arg == "--" => break,
                "--" if arg == "--null" => zero = true,
                "--" if arg == "--no-run-if-empty" => no_empty = true,
                "--" if arg == "--verbose" => self.trace = true,
                "--" if arg.starts_with("--max-args=") => most = arg[11..].parse().unwrap_or(usize::MAX).max(1),
                "--" if arg.starts_with("--replace") => {
                    replace = Some(arg.split_once('=').map_or("{}", |(_, place)| place).to_owned());
                }
                "--" => return Err(format!("unrecognized option '{arg}'")),
                _ => return Err(format!("invalid option -- '{}'", arg.chars().nth(1).unwrap_or('-'))),
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
            _ => words(&text)?,
        };
        if let Some(place) = replace {
            return Ok(items
                .iter()
                .map(|item| command.iter().map(|word| word.replace(place.as_str(), item)).collect())
                .collect());
        }
        if items.is_empty() {
            return Ok(if no_empty { Vec::new() } else { vec![command] });
        }
        Ok(items.chunks(most.min(5_000)).map(|chunk| command.iter().chain(chunk).cloned().collect()).collect())
    }
}

/// Blank-separated words in which quotes and backslashes count.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(open), '\n') => return Err(unmatched(open)),
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
    quote.map_or(Ok(all), |open| Err(unmatched(open)))
}

fn unmatched(quote: char) -> String {
    let kind = if quote == '"' { "double" } else { "single" };
    format!("unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option")
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
            let mut calls = match self.plan(env) {
                Ok(calls) => calls,
                Err(text) => {
                    env.errln(format!("xargs: {text}"));
                    return Progress::Exit(1);
                }
            };
            calls.reverse();
            self.calls = Some(calls);
        }
        match self.calls.as_mut().and_then(Vec::pop) {
            Some(argv) => {
                if self.trace {
                    env.errln(argv.join(" "));
                }
                Progress::Run(Box::new(Run { argv, stdin: Some(Default::default()), ..Run::default() }))
            }
            None => Progress::Exit(self.status),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
