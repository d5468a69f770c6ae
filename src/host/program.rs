//! The contract of commands: programs that the shell runs, resumable like every machine.
//!
//! A [`Program`] is resumed with what happened and either ends or waits. Programs that only turn
//! standard input and files into output are plain functions, see [`Entry::Filter`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::console::{Answer, Request, Tty};
use super::process::{Ctx, Input};
use super::vfs::Cred;

/// Why a program is resumed.
#[derive(Clone, Debug)]
pub enum Resume {
    /// First call.
    Start,
    /// There is more on standard input or at the terminal, or the end of standard input was reached
    /// (see [`Env::stdin`]).
    Stdin,
    /// Something that it asked for through [`Env::ctx`]: a timer, a connection, an answer, a child.
    Input(Input),
    /// All that it wrote was taken, after [`Progress::More`].
    Output,
    /// The command of [`Progress::Run`] has ended with this status.
    Ran(u8),
    /// What came of [`Progress::Ask`]; `None` if nobody sits at a terminal.
    Answered(Option<Answer>),
}

/// What a program does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has ended with this status.
    Exit(u8),
    /// It waits: for standard input, or for what it asked for.
    Wait,
    /// It has more to write once what it wrote so far was taken: lets a reader at the other end of
    /// a pipe keep up with endless output.
    More,
    /// It waits for another command, which uses its standard streams; [`Resume::Ran`] will come.
    Run(Box<Run>),
    /// It waits for the person at its terminal; [`Resume::Answered`] will come.
    Ask(Box<Request>),
}

/// A command that a program runs as its child (`xargs`, `find -exec`, `sudo`, `env`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// With whose rights, if not the program's own.
    pub cred: Option<Cred>,
    /// Where, if not in the program's own directory.
    pub cwd: Option<SmolStr>,
    /// Environment, if not the program's own.
    pub vars: Option<BTreeMap<SmolStr, String>>,
    /// Standard input, if it is not the rest of the program's own.
    pub stdin: Option<Bytes>,
    /// Whether the program is replaced (`execvp(3)`): its status is that of the command.
    pub replace: bool,
}

/// Standard input of a running program.
#[derive(Clone, Debug, Default)]
pub struct Stdin {
    /// Octets not yet taken.
    pub buffer: Vec<u8>,
    /// Whether no more will come.
    pub eof: bool,
    /// The terminal that a person sits at, if there is one.
    pub tty: Option<Tty>,
}

impl Stdin {
    /// Takes a line with its line end, or the rest before the end of the input.
    pub fn take_line(&mut self) -> Option<Vec<u8>> {
        match self.buffer.iter().position(|octet| *octet == b'\n') {
            Some(end) => Some(self.buffer.drain(..=end).collect()),
            None if self.eof && !self.buffer.is_empty() => Some(std::mem::take(&mut self.buffer)),
            None => None,
        }
    }
}

/// What a program sees while it runs.
pub struct Env<'a, 'c> {
    /// The world: time, host, network, trace.
    pub ctx: &'a mut Ctx<'c>,
    /// Arguments, the program's name first.
    pub args: &'a [String],
    /// Environment variables, in order of names.
    pub vars: &'a BTreeMap<SmolStr, String>,
    /// Working directory, absolute.
    pub cwd: &'a str,
    /// With whose rights it runs.
    pub cred: &'a Cred,
    /// Standard input.
    pub stdin: &'a mut Stdin,
    /// Standard output so far in this call.
    pub stdout: &'a mut Vec<u8>,
    /// Standard error so far in this call.
    pub stderr: &'a mut Vec<u8>,
    /// Whether standard output is a pipe that nobody reads any more.
    pub reader_gone: bool,
    /// Whether standard output is a terminal. Postfix's commands write messages only to one.
    pub tty: bool,
}

impl<'c> Env<'_, 'c> {
    /// The same surroundings for a command that this one runs itself, with arguments and variables of its own.
    pub fn for_command<'b>(&'b mut self, args: &'b [String], vars: &'b BTreeMap<SmolStr, String>) -> Env<'b, 'c> {
        Env {
            ctx: &mut *self.ctx,
            args,
            vars,
            cwd: self.cwd,
            cred: self.cred,
            stdin: &mut *self.stdin,
            stdout: &mut *self.stdout,
            stderr: &mut *self.stderr,
            reader_gone: self.reader_gone,
            tty: self.tty,
        }
    }

    /// An absolute path from one relative to the working directory.
    pub fn path(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.cwd.trim_end_matches('/')) }
    }

    /// Writes text and a line end to standard output.
    pub fn outln(&mut self, text: impl AsRef<str>) {
        self.stdout.extend_from_slice(text.as_ref().as_bytes());
        self.stdout.push(b'\n');
    }

    /// Writes text and a line end to standard error.
    pub fn errln(&mut self, text: impl AsRef<str>) {
        self.stderr.extend_from_slice(text.as_ref().as_bytes());
        self.stderr.push(b'\n');
    }
}

/// A command that can wait.
pub trait Program: Send + Sync + std::fmt::Debug {
    /// Goes on until it ends or has to wait.
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress;
    /// A copy, for a fork of the world.
    fn clone_box(&self) -> Box<dyn Program>;
}

impl Clone for Box<dyn Program> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// A synchronous filter: gets all of standard input, returns the exit status.
pub type Filter = fn(env: &mut Env<'_, '_>, stdin: Bytes) -> u8;

/// What a command name stands for.
#[derive(Clone, Copy)]
pub enum Entry {
    /// A program that may wait.
    Program(fn() -> Box<dyn Program>),
    /// A function of the complete standard input. It is run when the input has ended; if `reads`
    /// says that these arguments need no input, at once.
    Filter {
        /// The function.
        run: Filter,
        /// Whether standard input is read with these arguments.
        reads: fn(args: &[String]) -> bool,
    },
}

/// The installed commands by name. Clones share the table.
#[derive(Clone, Default)]
pub struct Programs(Arc<BTreeMap<&'static str, Entry>>);

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Programs {
    /// Installs a command.
    pub fn install(&mut self, name: &'static str, entry: Entry) {
        Arc::make_mut(&mut self.0).insert(name, entry);
    }

    /// Installs all commands of another table; an empty one is shared with it.
    pub fn install_all(&mut self, others: &Programs) {
        if self.0.is_empty() {
            self.0 = Arc::clone(&others.0);
        } else {
            Arc::make_mut(&mut self.0).extend(others.0.iter().map(|(name, entry)| (*name, *entry)));
        }
    }

    /// Removes a command.
    pub fn remove(&mut self, name: &str) {
        Arc::make_mut(&mut self.0).remove(name);
    }

    /// Finds a command by its name, or by an absolute path to where it would be installed.
    pub fn find(&self, name: &str) -> Option<Entry> {
        let base = name.rsplit('/').next().unwrap_or(name);
        self.0.get(base).copied()
    }

    /// All names in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}
