//! A shell with its children as a process of a host.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::exec::Shell;
use super::files::{Fd, FileId, Open};
use super::launch::{self, Exec};
use super::machine::{Machine, TaskId};
use super::state::State;
use crate::host::process::{Command, Ctx, Exit, Input, Process, Signal, Spawn};
use crate::trace::Kind;

/// A process that runs one command line or program to its end.
#[derive(Clone, Debug)]
pub struct ShellProcess {
    spawn: Spawn,
    machine: Machine,
    root: Option<TaskId>,
    output: Option<(FileId, FileId)>,
    ended: bool,
}

/// The process that carries out a spawn: its standard output and standard error are in the
/// [`Exit`] that it ends with (both in `stdout`, in order, on a terminal).
pub fn run_spawn(spawn: Spawn) -> Box<dyn Process> {
    Box::new(ShellProcess { spawn, machine: Machine::default(), root: None, output: None, ended: false })
}

impl ShellProcess {
    fn start(&mut self, ctx: &mut Ctx<'_>) {
        let user = user_name(self.spawn.cred.uid, ctx);
        let line = self.command_line();
        ctx.emit(Kind::ShellCommand { user, line: line.into() });
        let tty = self.spawn.tty;
        let buffer = self.spawn.stdin.to_vec().into();
        let stdin = self.machine.files.add(Open::Input { buffer, eof: true, tty });
        let stdout = self.machine.files.add(Open::Capture { data: Vec::new(), tty });
        let stderr = if tty { stdout } else { self.machine.files.add(Open::Capture { data: Vec::new(), tty }) };
        self.output = Some((stdout, stderr));
        let fds = BTreeMap::from([
            (0, Fd { file: stdin, write: false }),
            (1, Fd { file: stdout, write: true }),
            (2, Fd { file: stderr, write: true }),
        ]);
        let pid = ctx.proc.0;
        let Spawn { cred, cwd, env, umask, .. } = self.spawn.clone();
        let started = match &self.spawn.command {
            Command::Shell(line) => {
                let mut shell = Shell::new(State { umask, ..State::new(&env, cwd, cred, pid) });
                shell.run_text(line);
                self.machine.add_shell(shell, fds, pid, format!("sh -c {line}")).map_err(|_| 2)
            }
            Command::Exec(argv) => {
                let vars = env.into_iter().collect();
                let caller = argv.first().cloned().unwrap_or_default();
                launch::exec(&mut self.machine, Exec { argv: argv.clone(), vars, cwd, cred, umask, fds, caller }, ctx)
            }
        };
        match started {
            Ok(root) => self.root = Some(root),
            Err(status) => self.finish(status, ctx),
        }
    }

    fn take(&mut self, file: FileId) -> Vec<u8> {
        match self.machine.files.get_mut(file) {
            Some(Open::Capture { data, .. }) => std::mem::take(data),
            _ => Vec::new(),
        }
    }

    fn finish(&mut self, status: u8, ctx: &mut Ctx<'_>) {
        self.ended = true;
        let (stdout, stderr) = match self.output {
            Some((out, err)) => (self.take(out), self.take(err)),
            None => Default::default(),
        };
        ctx.emit(Kind::ShellExit { status });
        let line = self.command_line();
        Orphans::adopt(&mut self.machine, line, ctx);
        ctx.exit(Exit { status, stdout, stderr });
    }
}

fn user_name(uid: u32, ctx: &Ctx<'_>) -> SmolStr {
    ctx.host.accounts.by_uid(uid).map_or_else(|| uid.to_string().into(), |user| user.name.clone())
}

impl Process for ShellProcess {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        if self.ended {
            return;
        }
        match input {
            Input::Start => self.start(ctx),
            Input::Signal(signal) => {
                let number = match signal {
                    Signal::Hup => 1,
                    Signal::Int => 2,
                    Signal::Kill => 9,
                    Signal::Term => 15,
                };
                let ids: Vec<TaskId> = self.machine.tasks().map(|(id, _)| id).collect();
                ids.into_iter().for_each(|id| self.machine.end(id, 128 + number));
            }
            input => self.machine.deliver(input),
        }
        if self.ended {
            return;
        }
        // Captured output must outlive the last descriptor that refers to it.
        let held = self.output;
        self.machine.hold(held.into_iter().flat_map(|(out, err)| [out, err]));
        self.machine.run(ctx);
        let status = self.root.and_then(|root| self.machine.reap_root(root));
        if let Some(status) = status {
            self.finish(status, ctx);
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        match &self.spawn.command {
            Command::Shell(line) => line.clone(),
            Command::Exec(argv) => argv.join(" "),
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Background jobs whose shell has ended.
#[derive(Clone, Debug)]
pub(super) struct Orphans {
    machine: Machine,
    line: String,
}

impl Orphans {
    /// Lets the jobs of a shell that has ended go on.
    pub(super) fn adopt(machine: &mut Machine, line: String, ctx: &mut Ctx<'_>) {
        if machine.tasks().any(|(_, task)| task.status.is_none()) {
            let mut machine = std::mem::take(machine);
            machine.reset_steps();
            ctx.start(Box::new(Orphans { machine, line }));
        }
    }
}

impl Process for Orphans {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => self.machine.rearm(ctx),
            Input::Signal(_) => return ctx.exit(Exit { status: 143, ..Exit::default() }),
            input => self.machine.deliver(input),
        }
        self.machine.run(ctx);
        if self.machine.tasks().all(|(_, task)| task.status.is_some()) {
            ctx.exit(Exit::default());
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        self.line.clone()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
