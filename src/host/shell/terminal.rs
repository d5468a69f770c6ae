//! A shell that a person types to.

use std::collections::BTreeMap;

use bytes::Bytes;
use smol_str::SmolStr;

use super::exec::Shell;
use super::files::{Fd, FileId, Open};
use super::machine::{Machine, TaskId};
use super::parser::Parser;
use super::state::{DEFAULT_PATH, Dialect, State};
use crate::host::Host;
use crate::host::process::{Ctx, Exit, Input, Process, Signal};
use crate::host::vfs::Cred;
use crate::trace::Kind;

const INTERRUPT: u8 = 3;
const END_OF_FILE: u8 = 4;

/// A login shell on a terminal: takes [`Input::Typed`], collects what appears on the screen.
#[derive(Clone, Debug)]
pub struct Terminal {
    user: SmolStr,
    machine: Machine,
    root: Option<TaskId>,
    keyboard: Option<FileId>,
    screen: Option<FileId>,
    /// Everything shown so far.
    shown: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// A terminal for this user, who is logged in when the process starts.
    pub fn new(user: impl Into<SmolStr>) -> Terminal {
        Terminal {
            user: user.into(),
            machine: Machine::default(),
            root: None,
            keyboard: None,
            screen: None,
            shown: Vec::new(),
            ended: false,
        }
    }

    /// Everything shown so far, prompts included; what the person typed is not in it.
    pub fn output(&self) -> &[u8] {
        &self.shown
    }

    /// Whether the shell waits for a command.
    pub fn at_prompt(&self) -> bool {
        self.shell().is_some_and(Shell::at_prompt)
    }

    /// Whether the shell waits for the rest of a command.
    pub fn wants_more(&self) -> bool {
        self.shell().is_some_and(Shell::wants_more)
    }

    /// Whether the person has logged out.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The prompt that the shell shows now.
    pub fn prompt(&self, host: &Host) -> String {
        self.shell().map_or_else(String::new, |shell| super::prompt(&shell.state, host))
    }

    /// The working directory.
    pub fn cwd(&self) -> &str {
        self.shell().map_or("/", |shell| &shell.state.cwd)
    }

    /// The user who logged in.
    pub fn user(&self) -> &str {
        &self.user
    }

    fn shell(&self) -> Option<&Shell> {
        self.machine.shell(self.root?)
    }

    fn log_in(&mut self, ctx: &mut Ctx<'_>) {
        let accounts = &ctx.host.accounts;
        let (cred, home, name) = match accounts.user(&self.user) {
            Some(user) => (accounts.cred(user), user.home.clone(), user.name.clone()),
            None => (Cred::ROOT, "/root".into(), "root".into()),
        };
        let cwd = if ctx.host.vfs.list(&home, &Cred::ROOT).is_ok() { home.clone() } else { "/".into() };
        let env = environment(&name, &home);
        let pid = ctx.proc.0;
        let mut state = State::new(&env, cwd, cred, pid);
        state.dialect = Dialect::Bash;
        state.interactive = true;
        state.arg0 = "-bash".into();
        let mut shell = Shell::new(state);
        shell.run_stdin(Parser::new(Vec::new(), true));
        let keyboard = self.machine.files.add(Open::Input { buffer: Default::default(), eof: false, tty: true });
        let screen = self.machine.files.add(Open::Capture { data: Vec::new(), tty: true });
        (self.keyboard, self.screen) = (Some(keyboard), Some(screen));
        let fds = BTreeMap::from([
            (0, Fd { file: keyboard, write: false }),
            (1, Fd { file: screen, write: true }),
            (2, Fd { file: screen, write: true }),
        ]);
        self.root = self.machine.add_shell(shell, fds, pid, "-bash".into()).ok();
    }

    fn typed(&mut self, octets: &Bytes, ctx: &mut Ctx<'_>) {
        self.machine.reset_steps();
        let line = String::from_utf8_lossy(octets).trim_end().to_owned();
        if self.at_prompt() && !line.is_empty() {
            let user = self.user.clone();
            ctx.emit(Kind::ShellCommand { user, line: line.into() });
        }
        for octet in octets {
            match *octet {
                INTERRUPT => self.interrupt(),
                END_OF_FILE => self.end_of_file(),
                octet => {
                    if let Some(Open::Input { buffer, .. }) = self.keyboard.and_then(|k| self.machine.files.get_mut(k))
                    {
                        buffer.push_back(octet);
                    }
                }
            }
        }
    }

    fn interrupt(&mut self) {
        let Some(root) = self.root else { return };
        if let Some(Open::Input { buffer, .. }) = self.keyboard.and_then(|k| self.machine.files.get_mut(k)) {
            buffer.clear();
        }
        let ended: Vec<TaskId> =
            self.machine.tasks().filter(|(id, task)| *id != root && !task.background).map(|(id, _)| id).collect();
        for id in ended {
            self.machine.end(id, 130);
        }
        self.machine.interrupt(root);
        self.shown.extend_from_slice(b"^C\n");
    }

    /// Ends the input of the program that reads now, or of the shell.
    fn end_of_file(&mut self) {
        let at_prompt = self.at_prompt();
        let Some(keyboard) = self.keyboard else { return };
        if at_prompt {
            if let Some(Open::Input { eof, .. }) = self.machine.files.get_mut(keyboard) {
                *eof = true;
            }
        } else {
            self.machine.end_of_typed_input(keyboard);
        }
    }

    fn collect(&mut self) {
        if let Some(Open::Capture { data, .. }) = self.screen.and_then(|screen| self.machine.files.get_mut(screen)) {
            self.shown.append(data);
        }
    }
}

/// The environment of a login.
pub fn environment(user: &str, home: &str) -> Vec<(SmolStr, String)> {
    [
        ("HOME", home),
        ("LANG", "C.UTF-8"),
        ("LOGNAME", user),
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
        if self.ended {
            return;
        }
        match input {
            Input::Start => self.log_in(ctx),
            Input::Typed(octets) => self.typed(&octets, ctx),
            Input::Signal(Signal::Int) => self.interrupt(),
            Input::Signal(_) => {
                if let Some(root) = self.root {
                    self.machine.end(root, 129);
                }
            }
            input => self.machine.deliver(input),
        }
        self.machine.hold(self.keyboard, self.screen);
        self.machine.run(ctx);
        self.collect();
        if let Some(status) = self.root.and_then(|root| self.machine.reap_root(root)) {
            self.ended = true;
            ctx.emit(Kind::ShellExit { status });
            ctx.exit(Exit { status, ..Exit::default() });
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "-bash".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
