//! A shell that a person types to.

use std::collections::BTreeMap;

use bytes::Bytes;
use smol_str::SmolStr;

use super::exec::Shell;
use super::files::{Fd, FileId, Open};
use super::foreground::Reader;
use super::machine::{Machine, TaskId};
use super::parser::Parser;
use super::process::Orphans;
use super::state::{DEFAULT_PATH, Dialect, State};
use super::transcript::{Stream, Transcript};
use crate::host::Host;
use crate::host::console::{Request, Typing, Window};
use crate::host::process::{Ctx, Exit, Input, Process, Signal};
use crate::host::vfs::Cred;
use crate::trace::Kind;

/// `^C`.
const INTERRUPT: u8 = 3;
/// `^D`.
const END_OF_INPUT: u8 = 4;
/// `^Z`.
const SUSPEND: u8 = 26;

/// What a terminal is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The shell waits for a command.
    Prompt,
    /// The shell waits for the rest of a command that was typed in part.
    More,
    /// A command runs, and takes what is typed in this way.
    Running(Typing),
    /// A program asks something of the person.
    Asking(Request),
    /// The person has logged out; the status of the shell.
    Ended(u8),
}

/// A login shell on a terminal: takes [`Input::Typed`], keeps what appears on the screen.
#[derive(Clone, Debug)]
pub struct Terminal {
    user: SmolStr,
    /// Whether it is a terminal, and not only two pipes (`ssh host bash < script`).
    tty: bool,
    machine: Machine,
    root: Option<TaskId>,
    keyboard: Option<FileId>,
    /// Where standard output and standard error go.
    screen: Vec<(FileId, Stream)>,
    transcript: Transcript,
    /// Number of commands whose end was told.
    finished: u64,
    ended: Option<u8>,
}

impl Terminal {
    /// A terminal for this user, who is logged in when the process starts.
    pub fn new(user: impl Into<SmolStr>) -> Terminal {
        Terminal {
            user: user.into(),
            tty: true,
            machine: Machine::default(),
            root: None,
            keyboard: None,
            screen: Vec::new(),
            transcript: Transcript::default(),
            finished: 0,
            ended: None,
        }
    }

    /// The same without a terminal: no prompts, nothing typed is shown, and errors are apart.
    pub fn piped(user: impl Into<SmolStr>) -> Terminal {
        Terminal { tty: false, ..Terminal::new(user) }
    }

    /// Everything that appeared so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What it does now.
    pub fn doing(&self) -> Doing {
        if let Some(status) = self.ended {
            return Doing::Ended(status);
        }
        match self.reader() {
            Some((_, Reader::Shell(shell))) if shell.at_prompt() => Doing::Prompt,
            Some((_, Reader::Shell(shell))) if shell.wants_more() => Doing::More,
            Some((_, Reader::Program(program))) => match &program.asks {
                Some(request) => Doing::Asking(request.clone()),
                None => Doing::Running(program.stdin.tty.as_ref().map_or(Typing::Lines, |tty| tty.typing)),
            },
            Some((_, Reader::Shell(shell))) if shell.hides_input() => Doing::Running(Typing::Hidden),
            _ => Doing::Running(Typing::Lines),
        }
    }

    /// Whether the one in the foreground reads what is typed and waits for nothing else.
    pub fn wants_input(&self) -> bool {
        self.reader().is_some_and(|(task, _)| !self.machine.waits_for_world(task))
    }

    /// The prompt that the shell shows now.
    pub fn prompt(&self, host: &Host) -> String {
        self.state().map_or_else(String::new, |state| super::prompt(state, host))
    }

    /// What the shell knows that the person types to: after `su` that is the other user's.
    pub fn state(&self) -> Option<&State> {
        match self.reader()?.1 {
            Reader::Shell(shell) => Some(&shell.state),
            Reader::Program(_) => self.shell().map(|shell| &shell.state),
        }
    }

    /// The working directory.
    pub fn cwd(&self) -> &str {
        self.state().map_or("/", |state| &state.cwd)
    }

    /// Its size.
    pub fn window(&self) -> Window {
        self.machine.window()
    }

    /// The user who logged in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The command line in the foreground, if one runs.
    pub fn foreground(&self) -> Option<&str> {
        let (task, _) = self.reader()?;
        if Some(task) == self.root { None } else { self.machine.task(task).map(|task| task.command.as_str()) }
    }

    /// The exit status of the last command (`$?`).
    pub fn status(&self) -> u8 {
        self.ended.or(self.shell().map(|shell| shell.state.status)).unwrap_or(0)
    }

    fn shell(&self) -> Option<&Shell> {
        self.machine.shell(self.root?)
    }

    fn reader(&self) -> Option<(TaskId, Reader<'_>)> {
        self.machine.reader(self.root?)
    }

    fn log_in(&mut self, ctx: &mut Ctx<'_>) {
        let accounts = &ctx.host.accounts;
        let (cred, home, name) = match accounts.user(&self.user) {
            Some(user) => (accounts.cred(user), user.home.clone(), user.name.clone()),
            None => (Cred::ROOT, "/root".into(), "root".into()),
        };
        let mail = super::mail_check::at_login(&name, ctx.host, &cred).filter(|_| self.tty);
        let cwd = if ctx.host.vfs.list(&home, &Cred::ROOT).is_ok() { home.clone() } else { "/".into() };
        let env = environment(&name, &home);
        let pid = ctx.proc.0;
        let mut state = State::new(&env, cwd, cred, pid);
        state.dialect = Dialect::Bash;
        state.interactive = self.tty;
        state.arg0 = if self.tty { "-bash" } else { "bash" }.into();
        let arg0 = state.arg0.clone();
        let mut shell = Shell::new(state);
        shell.told = true;
        shell.run_stdin(Parser::new(Vec::new(), true));
        let tty = self.tty;
        let keyboard = self.machine.files.add(Open::Input { buffer: Default::default(), eof: false, tty });
        let output = self.machine.files.add(Open::Capture { data: mail.unwrap_or_default().into(), tty });
        self.screen = vec![(output, Stream::Output)];
        let errors = if tty {
            output
        } else {
            let errors = self.machine.files.add(Open::Capture { data: Vec::new(), tty });
            self.screen.push((errors, Stream::Error));
            errors
        };
        self.keyboard = Some(keyboard);
        self.machine.hold(self.screen.iter().map(|(file, _)| *file).chain([keyboard]));
        self.machine.set_terminal(keyboard, tty);
        let fds = BTreeMap::from([
            (0, Fd { file: keyboard, write: false }),
            (1, Fd { file: output, write: true }),
            (2, Fd { file: errors, write: true }),
        ]);
        self.root = self.machine.add_shell(shell, fds, pid, arg0).ok();
        self.machine.set_lasting(self.root);
    }

    fn typed(&mut self, octets: &Bytes) {
        self.machine.reset_steps();
        for octet in octets {
            match *octet {
                INTERRUPT if self.tty => self.interrupt(),
                SUSPEND if self.tty => self.suspend(),
                END_OF_INPUT if self.typing() != Typing::Keys => self.end_of_input(),
                octet => self.key(octet),
            }
        }
    }

    fn typing(&self) -> Typing {
        match self.doing() {
            Doing::Running(typing) => typing,
            _ => Typing::Lines,
        }
    }

    fn key(&mut self, octet: u8) {
        let shown = self.tty && self.typing() == Typing::Lines;
        if let Some(Open::Input { buffer, eof: false, .. }) = self.keyboard.and_then(|k| self.machine.files.get_mut(k))
        {
            buffer.push_back(octet);
            if shown {
                self.transcript.push(Stream::Typed, &[octet]);
            }
        }
    }

    fn interrupt(&mut self) {
        let Some(root) = self.root else { return };
        if let Some(Open::Input { buffer, .. }) = self.keyboard.and_then(|k| self.machine.files.get_mut(k)) {
            buffer.clear();
        }
        self.machine.interrupt(root);
        if self.tty {
            self.transcript.push(Stream::Typed, b"^C\n");
        }
    }

    fn suspend(&mut self) {
        if let Some(said) = self.root.and_then(|root| self.machine.suspend(root)) {
            self.transcript.push(Stream::Typed, b"^Z\n");
            self.transcript.push(Stream::Output, said.as_bytes());
        }
    }

    /// Ends the input of the program that reads now, or of the shell.
    fn end_of_input(&mut self) {
        let (Some(keyboard), Some(root)) = (self.keyboard, self.root) else { return };
        if self.tty && self.foreground().is_some() {
            self.machine.end_of_typed_input(root);
        } else if let Some(Open::Input { eof, .. }) = self.machine.files.get_mut(keyboard) {
            *eof = true;
        }
    }

    fn collect(&mut self, ctx: &mut Ctx<'_>) {
        for (file, stream) in &self.screen {
            if let Some(Open::Capture { data, .. }) = self.machine.files.get_mut(*file)
                && !data.is_empty()
            {
                let data = std::mem::take(data);
                ctx.note(|| Kind::ShellOutput { text: String::from_utf8_lossy(&data).into() });
                self.transcript.push(*stream, &data);
            }
        }
    }

    fn log_out(&mut self, status: u8, ctx: &mut Ctx<'_>) {
        self.ended = Some(status);
        ctx.emit(Kind::ShellExit { status });
        let line = self.command_line();
        Orphans::adopt(&mut self.machine, line, ctx);
        ctx.exit(Exit { status, ..Exit::default() });
    }
}

/// The environment of a login.
pub fn environment(user: &str, home: &str) -> Vec<(SmolStr, String)> {
    [
        ("HOME", home),
        ("LANG", "C.UTF-8"),
        ("LOGNAME", user),
        ("MAIL", &format!("/var/mail/{user}")),
        ("PATH", DEFAULT_PATH),
        ("SHELL", "/bin/bash"),
        ("TERM", "xterm"),
        ("USER", user),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.to_owned()))
    .collect()
}

impl Process for Terminal {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        if self.ended.is_some() {
            return;
        }
        match input {
            Input::Start => self.log_in(ctx),
            Input::Typed(octets) => self.typed(&octets),
            Input::Resized(window) => self.machine.resize(window),
            Input::Answered(answer) => {
                if let Some((task, _)) = self.reader() {
                    self.machine.answer(task, answer);
                }
            }
            Input::Signal(Signal::Int) => self.interrupt(),
            Input::Signal(_) => {
                if let Some(root) = self.root {
                    self.machine.end(root, 129);
                }
            }
            input => self.machine.deliver(input),
        }
        self.machine.run(ctx);
        self.collect(ctx);
        if let Some(status) = self.root.and_then(|root| self.machine.reap_root(root)) {
            return self.log_out(status, ctx);
        }
        let at_prompt = self.foreground().is_none() && self.doing() == Doing::Prompt;
        let commands = self.shell().map_or(0, |shell| shell.commands);
        if at_prompt && self.finished < commands {
            self.finished = commands;
            ctx.emit(Kind::ShellExit { status: self.status() });
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "-bash".into()
    }

    fn outlives_exit(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
