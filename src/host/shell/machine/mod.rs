//! The tasks of a shell process: shells, subshells and programs that run at the same time,
//! connected by pipes. Nothing blocks: tasks are stepped until all of them wait.

mod program;
mod turn;

use std::collections::BTreeMap;

use super::exec::Shell;
use super::files::{Fd, Fds, FileId, Files, Open, Read, WriteError};
use super::foreground::Controlling;
use crate::host::process::{Ctx, Input};
use crate::host::program::Resume;
use crate::sim::net::NetInput;
use crate::sim::{Listener, ProcId, Socket, Time};

pub use self::program::{Running, running};

/// A task of a shell process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// Tasks that may exist at once; more is a fork bomb.
const MAX_TASKS: usize = 256;

/// Exit status of a process ended by a signal.
pub const KILLED_BY_PIPE: u8 = 141;
/// Likewise, and it was not asked.
const KILLED_BY_SIGNAL: u8 = 137;
/// Likewise: it was asked to end.
const KILLED_BY_TERM: u8 = 143;
/// Likewise: too much was written.
const KILLED_BY_SIZE: u8 = 153;

/// What a task does.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Shell(Box<Shell>),
    Program(Box<Running>),
    /// It is being stepped just now.
    Busy,
    Ended,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    pub(super) body: Body,
    /// Its descriptors.
    pub fds: Fds,
    /// Its process id.
    pub pid: u32,
    /// What `ps` and `jobs` show.
    pub command: String,
    /// Exit status once it has ended.
    pub status: Option<u8>,
    /// Whether it was started with `&`.
    pub background: bool,
    /// Whether it does nothing until it is told to go on (SIGSTOP).
    pub stopped: bool,
}

/// A moment that a task asked for.
#[derive(Clone, Debug)]
struct Alarm {
    task: TaskId,
    token: u64,
    time: Time,
}

/// The token by which the machine itself is woken after a slice.
const SLICE_TOKEN: u64 = 0;

/// All tasks of one shell process with their files.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    pub(super) tasks: BTreeMap<TaskId, Task>,
    last_task: u32,
    /// Open files.
    pub files: Files,
    alarms: BTreeMap<u64, Alarm>,
    questions: BTreeMap<u64, (TaskId, u64)>,
    last_token: u64,
    sockets: BTreeMap<Socket, TaskId>,
    children: BTreeMap<ProcId, TaskId>,
    listeners: BTreeMap<Listener, TaskId>,
    ports: BTreeMap<u16, TaskId>,
    triggers: Option<TaskId>,
    steps: u64,
    /// Files kept open by whoever owns the machine.
    held: Vec<FileId>,
    /// The shell of whoever owns the machine, which outlives what it runs.
    lasting: Option<TaskId>,
    /// The terminal, if somebody sits at one.
    pub(super) controlling: Option<Controlling>,
}

impl Machine {
    /// Adds a task.
    ///
    /// # Errors
    /// There are too many already.
    fn add(&mut self, body: Body, fds: Fds, pid: u32, command: String) -> Result<TaskId, TooManyTasks> {
        if self.tasks.len() >= MAX_TASKS {
            return Err(TooManyTasks);
        }
        self.last_task += 1;
        let id = TaskId(self.last_task);
        self.tasks.insert(id, Task { body, fds, pid, command, status: None, background: false, stopped: false });
        Ok(id)
    }

    /// Starts a shell as a task.
    ///
    /// # Errors
    /// There are too many already.
    pub fn add_shell(&mut self, shell: Shell, fds: Fds, pid: u32, command: String) -> Result<TaskId, TooManyTasks> {
        self.add(Body::Shell(Box::new(shell)), fds, pid, command)
    }

    /// Starts a program as a task.
    ///
    /// # Errors
    /// There are too many already.
    pub fn add_program(&mut self, mut running: Running, fds: Fds, pid: u32) -> Result<TaskId, TooManyTasks> {
        let command = running.args.join(" ");
        running.stdin.tty = self.tty_for(fds.get(&0).map(|fd| fd.file));
        running.pending.push(Resume::Start);
        self.add(Body::Program(Box::new(running)), fds, pid, command)
    }

    /// A task.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// A task, to change it.
    pub fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.tasks.get_mut(&id)
    }

    /// The tasks in order of their start.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, &Task)> {
        self.tasks.iter().map(|(id, task)| (*id, task))
    }

    /// The shell of a task, if it is one that is not being stepped.
    pub fn shell(&self, id: TaskId) -> Option<&Shell> {
        match &self.tasks.get(&id)?.body {
            Body::Shell(shell) => Some(shell),
            _ => None,
        }
    }

    /// The exit status of a task that has ended; the task is forgotten.
    pub fn reap(&mut self, id: TaskId) -> Option<u8> {
        let Some(task) = self.tasks.get(&id) else { return Some(0) };
        let status = task.status?;
        self.tasks.remove(&id);
        Some(status)
    }

    /// Ends a task.
    pub fn end(&mut self, id: TaskId, status: u8) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.status.is_some() {
            return;
        }
        task.status = Some(status);
        let body = std::mem::replace(&mut task.body, Body::Ended);
        let fds = std::mem::take(&mut task.fds);
        if let Body::Program(running) = body
            && !running.stdin.buffer.is_empty()
            && let Some(fd) = fds.get(&0)
        {
            self.files.unread(*fd, &running.stdin.buffer);
        }
        self.alarms.retain(|_, alarm| alarm.task != id);
        self.sockets.retain(|_, task| *task != id);
        if self.triggers == Some(id) {
            self.triggers = None;
        }
    }

    fn has_end(&self, file: FileId, write: bool) -> bool {
        self.tasks.values().any(|task| task.fds.values().any(|fd| fd.file == file && fd.write == write))
    }

    /// Whether standard output of a task is a full pipe that somebody still reads.
    pub fn must_wait_to_write(&self, id: TaskId) -> bool {
        let stdout = self.tasks.get(&id).and_then(|task| task.fds.get(&1));
        self.files.is_full(stdout) && stdout.is_some_and(|fd| self.has_end(fd.file, false))
    }

    /// Reads from a descriptor.
    pub fn read(&mut self, fd: Fd, most: usize, ctx: &Ctx<'_>) -> Read {
        let writers = self.has_end(fd.file, true);
        self.files.read(fd, most, writers, &ctx.host.vfs)
    }

    /// Writes to a descriptor; a missing one swallows everything.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(&mut self, fd: Option<Fd>, bytes: &[u8], ctx: &mut Ctx<'_>) -> Result<(), WriteError> {
        let Some(fd) = fd else { return Ok(()) };
        let readers = !matches!(self.files.get(fd.file), Some(Open::Pipe(_))) || self.has_end(fd.file, false);
        self.files.write(fd, bytes, readers, ctx)
    }

    /// Hands an input to the task that it is for.
    pub fn deliver(&mut self, input: Input) {
        let (task, input) = match input {
            Input::Wake(token) => match self.alarms.remove(&token) {
                Some(alarm) => (Some(alarm.task), Input::Wake(alarm.token)),
                None => return,
            },
            Input::Resolved { token, lookup } => match self.questions.remove(&token) {
                Some((task, token)) => (Some(task), Input::Resolved { token, lookup }),
                None => return,
            },
            Input::ChildExited { child, .. } => (self.children.remove(&child), input),
            Input::Net(ref net) => (self.owner(net), input),
            Input::Trigger { .. } => (self.triggers, input),
            Input::Start
            | Input::Signal(_)
            | Input::Typed(_)
            | Input::Resized(_)
            | Input::Answered(_)
            | Input::Outside(_) => return,
        };
        if let (Some(task), Input::Net(NetInput::Accepted { sock, .. })) = (task, &input) {
            self.sockets.insert(*sock, task);
        }
        if let Some(Body::Program(running)) = task.and_then(|id| self.tasks.get_mut(&id)).map(|task| &mut task.body) {
            running.pending.push(Resume::Input(input));
        }
    }

    fn owner(&self, net: &NetInput) -> Option<TaskId> {
        match net {
            NetInput::Accepted { listener, .. } => self.listeners.get(listener).copied(),
            NetInput::Datagram { local, .. } => self.ports.get(&local.port()).copied(),
            NetInput::Connected { sock, .. }
            | NetInput::ConnectFailed { sock, .. }
            | NetInput::Data { sock, .. }
            | NetInput::Eof { sock }
            | NetInput::Reset { sock, .. }
            | NetInput::Writable { sock } => self.sockets.get(sock).copied(),
        }
    }

    /// Asks again for the times that tasks wait for, after the move to another process.
    pub fn rearm(&mut self, ctx: &mut Ctx<'_>) {
        for (token, alarm) in &self.alarms {
            ctx.wake_at(alarm.time, *token, "background job");
        }
        ctx.wake_at(ctx.now, SLICE_TOKEN, "background job");
    }

    /// Keeps files open whether or not a descriptor refers to them.
    pub fn hold(&mut self, files: impl IntoIterator<Item = FileId>) {
        self.held = files.into_iter().collect();
    }

    /// Whether a task has asked for something that the world has not brought yet.
    pub fn waits_for_world(&self, id: TaskId) -> bool {
        self.alarms.values().any(|alarm| alarm.task == id)
            || self.questions.values().any(|(task, _)| *task == id)
            || self.sockets.values().chain(self.children.values()).any(|task| *task == id)
    }

    /// The exit status of the first task, once it has ended.
    pub fn reap_root(&mut self, root: TaskId) -> Option<u8> {
        if self.tasks.contains_key(&root) { self.reap(root) } else { None }
    }

    /// Starts counting the time limit again: a person has typed a new command.
    pub fn reset_steps(&mut self) {
        self.steps = 0;
        self.files.reset_written();
        self.make_room_for_command();
    }

    pub(super) fn put_back(&mut self, id: TaskId, body: Body) {
        if let Some(task) = self.tasks.get_mut(&id)
            && task.status.is_none()
        {
            task.body = body;
        }
    }
}

/// More tasks than a shell process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyTasks;
