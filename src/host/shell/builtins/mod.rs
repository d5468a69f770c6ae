//! Commands that are part of the shell.

mod help;
mod jobs;
mod printf;
mod read;
mod test;
mod variables;

pub use printf::{Printed, float, printf};
pub use read::{ReadLine, read_step};
pub use test::{evaluate as evaluate_test, test};

use std::sync::Arc;

use super::exec::{Frame, Shell};
use super::launch;
use super::machine::{Machine, TaskId};
use super::pattern::absolute;
use super::state::{DEFAULT_PATH, Dialect};
use super::text::unescape_until_stop;
use crate::host::process::Ctx;
use crate::host::vfs::{Errno, Node};

/// What a builtin led to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Status(u8),
    /// It has pushed frames that go on with it.
    Pushed,
    /// This program is to be run instead (`command NAME`).
    Command(Vec<String>),
    /// The flow of control changes.
    Control(Control),
}

/// Changes of the flow of control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `exit`.
    Exit(u8),
    /// `return`.
    Return(u8),
    /// `break` and `continue`.
    Loop {
        /// How many loops.
        count: u32,
        /// Whether the last of them goes on.
        again: bool,
    },
}

const SPECIAL: &[&str] = &[
    ".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
    "trap", "unset",
];

const REGULAR: &[&str] = &[
    "[",
    "alias",
    "bg",
    "builtin",
    "cd",
    "command",
    "declare",
    "echo",
    "false",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "mapfile",
    "printf",
    "pwd",
    "read",
    "readarray",
    "shopt",
    "source",
    "test",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "wait",
];

/// Whether a name is a builtin.
pub fn is_builtin(name: &str) -> bool {
    is_special(name) || REGULAR.contains(&name)
}

/// Whether a name is a special builtin, whose errors end a shell.
pub fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name)
}

/// The names of all builtins.
pub fn names() -> impl Iterator<Item = &'static str> {
    SPECIAL.iter().chain(REGULAR).copied()
}

/// A builtin while it runs.
struct Call<'a, 'c> {
    shell: &'a mut Shell,
    id: TaskId,
    args: &'a [String],
    machine: &'a mut Machine,
    ctx: &'a mut Ctx<'c>,
}

/// Runs a builtin; its name comes first in the arguments.
pub fn run(shell: &mut Shell, id: TaskId, argv: &[String], machine: &mut Machine, ctx: &mut Ctx<'_>) -> Outcome {
    let Some((name, args)) = argv.split_first() else { return Outcome::Status(0) };
    let mut call = Call { shell, id, args, machine, ctx };
    match name.as_str() {
        ":" | "true" | "hash" | "shopt" => Outcome::Status(0),
        "times" => call.out("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n"),
        "ulimit" => call.ulimit(),
        "builtin" => call.command(),
        "false" => Outcome::Status(1),
        "." | "source" => call.source(),
        "[" => match args.split_last() {
            Some((last, words)) if last == "]" => call.test(words, "["),
            _ => call.fail("[: missing ]", 2),
        },
        "test" => call.test(args, "test"),
        "alias" => call.alias(),
        "unalias" => call.unalias(),
        "break" | "continue" => call.break_or_continue(name == "continue"),
        "cd" => call.cd(),
        "command" => call.command(),
        "echo" => call.echo(),
        "eval" => {
            let text = args.join(" ");
            call.shell.state.status = 0;
            call.shell.push_text(&text, false);
            Outcome::Pushed
        }
        "exit" => match call.status_argument() {
            Ok(status) => {
                call.shell.say_goodbye(call.id, call.machine, call.ctx);
                Outcome::Control(Control::Exit(status))
            }
            Err(outcome) => outcome,
        },
        "return" => match call.status_argument() {
            Ok(status) => Outcome::Control(Control::Return(status)),
            Err(outcome) => outcome,
        },
        "export" | "readonly" => call.export(name == "readonly"),
        "local" | "declare" | "typeset" => call.local(name == "local"),
        "unset" => call.unset(),
        "set" => call.set(),
        "shift" => call.shift(),
        "getopts" => call.getopts(),
        "let" => call.let_(),
        "read" => call.read(),
        "mapfile" | "readarray" => call.mapfile(),
        "history" => call.history(),
        "jobs" => call.jobs(),
        "bg" => call.bg(),
        "help" => call.help(),
        "fg" => call.fg(),
        "kill" => call.kill(),
        "wait" => call.wait(),
        "printf" => call.printf(),
        "pwd" => {
            let cwd = format!("{}\n", call.shell.state.cwd);
            call.out(&cwd)
        }
        "trap" => call.trap(),
        "type" => call.type_(),
        "umask" => call.umask(),
        _ => Outcome::Status(0),
    }
}

impl Call<'_, '_> {
    fn out(&mut self, text: &str) -> Outcome {
        if self.shell.write(self.id, 1, text.as_bytes(), self.machine, self.ctx) {
            Outcome::Status(0)
        } else {
            Outcome::Pushed
        }
    }

    fn fail(&mut self, text: &str, status: u8) -> Outcome {
        self.shell.complain(self.id, text, self.machine, self.ctx);
        Outcome::Status(status)
    }

    /// An error of a special builtin, which ends a shell that is not interactive.
    fn fail_special(&mut self, text: &str) -> Outcome {
        let outcome = self.fail(text, 2);
        if self.shell.state.interactive || self.shell.state.dialect == Dialect::Bash {
            return outcome;
        }
        Outcome::Control(Control::Exit(2))
    }

    fn is_bash(&self) -> bool {
        self.shell.state.dialect == Dialect::Bash
    }

    fn status_argument(&mut self) -> Result<u8, Outcome> {
        match self.args.first() {
            None => Ok(self.shell.state.status),
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Ok((number & 0xff) as u8),
                Err(_) if self.is_bash() => {
                    let _ = self.fail(&format!("exit: {text}: numeric argument required"), 2);
                    Ok(2)
                }
                Err(_) => Err(self.fail_special(&format!("exit: Illegal number: {text}"))),
            },
        }
    }

    fn source(&mut self) -> Outcome {
        let Some(file) = self.args.first().cloned() else {
            return self.fail_special(".: filename argument required");
        };
        let state = &self.shell.state;
        let candidates = if file.contains('/') {
            vec![absolute(&state.cwd, &file)]
        } else {
            let path = state.get("PATH").unwrap_or(DEFAULT_PATH);
            let mut all: Vec<String> = path.split(':').map(|dir| format!("{dir}/{file}")).collect();
            if self.is_bash() {
                all.push(absolute(&state.cwd, &file));
            }
            all
        };
        let vfs = &self.ctx.host.vfs;
        let text = candidates.iter().find_map(|path| vfs.read_text(path, &state.cred).ok());
        match text {
            Some(text) => {
                if self.args.len() > 1 {
                    let positional = Arc::new(self.args[1..].to_vec());
                    let saved = std::mem::replace(&mut self.shell.state.positional, positional);
                    self.shell.frames.push(Frame::Function { positional: saved, locals: Vec::new() });
                }
                self.shell.state.status = 0;
                self.shell.push_text(&text, true);
                Outcome::Pushed
            }
            None if self.is_bash() => self.fail(&format!("{file}: No such file or directory"), 1),
            None if file.contains('/') => self.fail_special(&format!(".: cannot open {file}: No such file")),
            None => self.fail_special(&format!(".: {file}: not found")),
        }
    }

    fn test(&mut self, words: &[String], name: &str) -> Outcome {
        match test(words, &self.shell.state, self.ctx.host) {
            Ok(status) => Outcome::Status(status),
            Err(text) => {
                let text = if self.is_bash() { test::in_words_of_bash(&text) } else { text };
                self.fail(&format!("{name}: {text}"), 2)
            }
        }
    }

    fn break_or_continue(&mut self, again: bool) -> Outcome {
        let count = self.args.first().map_or(Ok(1), |text| text.parse());
        match count {
            Ok(count) if count > 0 => Outcome::Control(Control::Loop { count, again }),
            _ => self.fail_special(&format!("Illegal number: {}", self.args.first().map_or("", String::as_str))),
        }
    }

    fn cd(&mut self) -> Outcome {
        let state = &self.shell.state;
        let args: Vec<&String> = self.args.iter().filter(|arg| !matches!(arg.as_str(), "-L" | "-P" | "--")).collect();
        let (target, print) = match args.first().map(|arg| arg.as_str()) {
            None => (state.home().to_owned(), false),
            Some("-") => (state.get("OLDPWD").unwrap_or(&state.cwd).to_owned(), true),
            Some(dir) => (dir.to_owned(), false),
        };
        let path = normal(&absolute(&state.cwd, &target));
        let vfs = &self.ctx.host.vfs;
        let result = match vfs.stat(&path, &state.cred) {
            Ok(inode) if !matches!(inode.node, Node::Dir(_)) => Err(Errno::NotDir),
            Ok(_) => vfs.access(&path, &state.cred, 1),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            let text =
                if self.is_bash() { format!("cd: {target}: {error}") } else { format!("cd: can't cd to {target}") };
            let status = if self.is_bash() { 1 } else { 2 };
            return self.fail(&text, status);
        }
        let old = std::mem::replace(&mut self.shell.state.cwd, path.as_str().into());
        let _ = self.shell.state.set("OLDPWD", old.to_string());
        let _ = self.shell.state.set("PWD", path.clone());
        if print { self.out(&format!("{path}\n")) } else { Outcome::Status(0) }
    }

    fn command(&mut self) -> Outcome {
        match self.args.first().map(String::as_str) {
            Some(flag @ ("-v" | "-V")) => {
                let verbose = flag == "-V";
                let names = self.args[1..].to_vec();
                self.describe(&names, verbose)
            }
            Some("-p") => Outcome::Command(self.args[1..].to_vec()),
            Some(name) if is_builtin(name) => {
                let args = self.args.to_vec();
                run(self.shell, self.id, &args, self.machine, self.ctx)
            }
            Some(_) => Outcome::Command(self.args.to_vec()),
            None => Outcome::Status(0),
        }
    }

    fn type_(&mut self) -> Outcome {
        if let Some((flag, names)) = self.args.split_first().filter(|_| self.is_bash())
            && flag == "-t"
        {
            return self.kinds(names);
        }
        let flags = self.args.iter().take_while(|arg| matches!(arg.as_str(), "-a" | "-p" | "-P")).count();
        let names = self.args[flags..].to_vec();
        self.describe(&names, flags == 0)
    }

    /// `type -t`: one word for what each name is.
    fn kinds(&mut self, names: &[String]) -> Outcome {
        let mut text = String::new();
        for name in names {
            let state = &self.shell.state;
            let path = state.get("PATH").unwrap_or(DEFAULT_PATH);
            let kind = match name.as_str() {
                name if state.aliases.contains_key(name) => "alias",
                name if super::parser::is_keyword(name) => "keyword",
                name if state.functions.contains_key(name) => "function",
                name if is_builtin(name) => "builtin",
                name if launch::path_of(name, path, &state.cwd, &state.cred, self.ctx.host).is_some() => "file",
                _ => continue,
            };
            text.push_str(kind);
            text.push('\n');
        }
        let found_all = text.lines().count() == names.len();
        match self.out(&text) {
            Outcome::Status(_) => Outcome::Status(u8::from(!found_all)),
            other => other,
        }
    }

    fn ulimit(&mut self) -> Outcome {
        match self.args.first().map(String::as_str) {
            Some("-n" | "-Sn" | "-Hn") if self.args.len() == 1 => self.out("1024\n"),
            Some("-a") => self
                .out("open files                          (-n) 1024\nmax user processes                  (-u) 256\n"),
            _ if self.args.len() <= 1 && self.args.first().is_none_or(|arg| arg.starts_with('-')) => {
                self.out("unlimited\n")
            }
            _ => Outcome::Status(0),
        }
    }

    fn describe(&mut self, names: &[String], verbose: bool) -> Outcome {
        let mut status = 0;
        let mut text = String::new();
        let bash = self.is_bash();
        for name in names {
            let state = &self.shell.state;
            let path = state.get("PATH").unwrap_or(DEFAULT_PATH);
            let line = if let Some(alias) = state.aliases.get(name) {
                if verbose {
                    format!("{name} is {} {alias}", if bash { "aliased to" } else { "an alias for" })
                } else {
                    format!("alias {name}='{alias}'")
                }
            } else if state.functions.contains_key(name) {
                if verbose { format!("{name} is a {}function", if bash { "" } else { "shell " }) } else { name.clone() }
            } else if is_builtin(name) {
                let special = if is_special(name) && !bash { "special " } else { "" };
                if verbose { format!("{name} is a {special}shell builtin") } else { name.clone() }
            } else if let Some(path) = launch::path_of(name, path, &state.cwd, &state.cred, self.ctx.host) {
                if verbose { format!("{name} is {path}") } else { path }
            } else {
                status = if bash { 1 } else { 127 };
                if verbose && bash {
                    self.shell.complain(self.id, &format!("type: {name}: not found"), self.machine, self.ctx);
                } else if verbose {
                    text.push_str(&format!("{name}: not found\n"));
                }
                continue;
            };
            text.push_str(&line);
            text.push('\n');
        }
        match self.out(&text) {
            Outcome::Status(_) => Outcome::Status(status),
            other => other,
        }
    }

    fn echo(&mut self) -> Outcome {
        let bash = self.is_bash();
        let text = echo(self.args, bash);
        self.out(&text)
    }

    fn printf(&mut self) -> Outcome {
        let args = if self.args.first().is_some_and(|arg| arg == "--") { &self.args[1..] } else { self.args };
        let Some((format, arguments)) = args.split_first() else {
            return self.fail("printf: usage: printf format [arg ...]", 2);
        };
        if format == "-v" && self.is_bash() {
            let [name, format, arguments @ ..] = arguments else {
                return self.fail("printf: usage: printf [-v var] format [arguments]", 2);
            };
            let text = printf(format, arguments).text;
            return match self.shell.state.set(name, text) {
                Ok(()) => Outcome::Status(0),
                Err(text) => self.fail(&text, 1),
            };
        }
        let printed = printf(format, arguments);
        for error in &printed.errors {
            let error = match (self.is_bash(), error.strip_suffix(": expected numeric value")) {
                (true, Some(word)) => format!("{word}: invalid number"),
                _ => error.clone(),
            };
            self.shell.complain(self.id, &format!("printf: {error}"), self.machine, self.ctx);
        }
        match self.out(&printed.text) {
            Outcome::Status(_) => Outcome::Status(u8::from(!printed.errors.is_empty())),
            other => other,
        }
    }

    fn read(&mut self) -> Outcome {
        match ReadLine::new(self.args) {
            Ok(read) => {
                if let Some(prompt) = &read.prompt {
                    let prompt = prompt.clone();
                    self.shell.write(self.id, 2, prompt.as_bytes(), self.machine, self.ctx);
                }
                self.shell.frames.push(Frame::Read(read));
                Outcome::Pushed
            }
            Err(text) => self.fail(&format!("read: {text}"), 2),
        }
    }

    fn mapfile(&mut self) -> Outcome {
        match ReadLine::lines(self.args) {
            Ok(read) => {
                self.shell.frames.push(Frame::Read(read));
                Outcome::Pushed
            }
            Err(text) => self.fail(&format!("mapfile: {text}"), 2),
        }
    }

    fn history(&mut self) -> Outcome {
        if self.args.first().is_some_and(|arg| arg == "-c") {
            self.shell.history.clear();
            return Outcome::Status(0);
        }
        let all = self.shell.history.len();
        let most = match self.args.first().map(|text| text.parse::<usize>()) {
            None => all,
            Some(Ok(most)) => most,
            Some(Err(_)) => return self.fail(&format!("history: {}: numeric argument required", self.args[0]), 1),
        };
        let lines = self.shell.history.iter().enumerate().skip(all.saturating_sub(most));
        let text: String = lines.map(|(nth, line)| format!("{:5}  {line}\n", nth + 1)).collect();
        self.out(&text)
    }

    fn trap(&mut self) -> Outcome {
        match self.args.split_first() {
            None => {
                let text: String =
                    self.shell.state.traps.iter().map(|(name, text)| format!("trap -- '{text}' {name}\n")).collect();
                self.out(&text)
            }
            Some((action, signals)) => {
                for signal in signals {
                    let name = if signal == "0" { "EXIT" } else { signal.trim_start_matches("SIG") };
                    if action == "-" {
                        self.shell.state.traps.remove(name);
                    } else {
                        self.shell.state.traps.insert(name.to_owned(), action.clone());
                    }
                }
                Outcome::Status(0)
            }
        }
    }

    fn umask(&mut self) -> Outcome {
        match self.args.first() {
            None => {
                let text = format!("{:04o}\n", self.shell.state.umask);
                self.out(&text)
            }
            Some(flag) if flag == "-S" => {
                let mask = self.shell.state.umask;
                let class = |shift: u16| -> String {
                    let kept = !(mask >> shift) & 7;
                    [(4, 'r'), (2, 'w'), (1, 'x')].iter().filter(|(bit, _)| kept & bit != 0).map(|(_, c)| *c).collect()
                };
                let text = format!("u={},g={},o={}\n", class(6), class(3), class(0));
                self.out(&text)
            }
            Some(text) => match u16::from_str_radix(text, 8) {
                Ok(mask) if mask <= 0o777 => {
                    self.shell.state.umask = mask;
                    Outcome::Status(0)
                }
                _ => self.fail(&format!("umask: Illegal number: {text}"), 2),
            },
        }
    }

    fn alias(&mut self) -> Outcome {
        let mut text = String::new();
        for arg in self.args {
            if let Some((name, value)) = arg.split_once('=') {
                Arc::make_mut(&mut self.shell.state.aliases).insert(name.to_owned(), value.to_owned());
            } else if let Some(value) = self.shell.state.aliases.get(arg) {
                text.push_str(&format!("alias {arg}='{value}'\n"));
            } else {
                return self.fail(&format!("alias: {arg}: not found"), 1);
            }
        }
        if self.args.is_empty() {
            text = self.shell.state.aliases.iter().map(|(name, value)| format!("alias {name}='{value}'\n")).collect();
        }
        self.out(&text)
    }

    fn unalias(&mut self) -> Outcome {
        let aliases = Arc::make_mut(&mut self.shell.state.aliases);
        if self.args.first().is_some_and(|arg| arg == "-a") {
            aliases.clear();
        }
        let missing: Vec<&String> =
            self.args.iter().filter(|arg| aliases.remove(*arg).is_none() && *arg != "-a").collect();
        let Some(name) = missing.first() else { return Outcome::Status(0) };
        if self.is_bash() {
            return self.fail(&format!("unalias: {name}: not found"), 1);
        }
        let text = format!("unalias: {name} not found\n");
        self.shell.write(self.id, 2, text.as_bytes(), self.machine, self.ctx);
        Outcome::Status(1)
    }
}

/// What `echo` writes: dash's replaces backslash sequences, bash's only with `-e`.
pub fn echo(args: &[String], bash: bool) -> String {
    let mut args = args;
    let (mut newline, mut escapes) = (true, !bash);
    while let Some((first, rest)) = args.split_first() {
        let letters = first.strip_prefix('-').filter(|letters| !letters.is_empty());
        match letters {
            Some(letters) if bash && letters.chars().all(|c| "neE".contains(c)) => {
                newline &= !letters.contains('n');
                for letter in letters.chars() {
                    escapes = match letter {
                        'e' => true,
                        'E' => false,
                        _ => escapes,
                    };
                }
            }
            Some("n") if !bash => newline = false,
            _ => break,
        }
        args = rest;
        if !bash {
            break;
        }
    }
    let mut text = args.join(" ");
    if escapes {
        let (replaced, stop) = unescape_until_stop(&text);
        text = replaced;
        newline &= !stop;
    }
    if newline {
        text.push('\n');
    }
    text
}

/// A path without `.`, `..` and doubled slashes, as `cd` keeps it.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
