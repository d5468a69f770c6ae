//! The tasks of a shell process: shells, subshells and programs that run at the same time,
//! connected by pipes. Nothing blocks: tasks are stepped until all of them wait.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::exec::Shell;
use super::files::{Fd, Fds, FileId, Files, Open, PIPE_CAPACITY, Read, WriteError};
use super::foreground::Controlling;
use crate::host::console::Request;
use crate::host::process::{Ctx, Effect, Input};
use crate::host::program::{Entry, Env, Filter, Program, Progress, Resume, Run, Stdin};
use crate::host::vfs::Cred;
use crate::sim::net::NetInput;
use crate::sim::{Listener, ProcId, Socket, Time};
use crate::trace::Kind;

/// A task of a shell process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// Tasks that may exist at once; more is a fork bomb.
const MAX_TASKS: usize = 256;
/// Places among them that a command typed by a person finds free.
const RESERVE: usize = 32;
/// Steps until other processes get a turn; then virtual time passes.
const SLICE: u64 = 20_000;
/// Virtual time that a slice takes.
const SLICE_MICROS: u64 = 20_000;
/// Steps after which a shell process is ended: a minute or so of a real machine's time.
const MAX_STEPS: u64 = 1_000_000;
/// Octets that a filter may get as input.
const MAX_FILTER_INPUT: usize = 1 << 26;
/// Octets that a program may get before it takes any.
const MAX_HELD: usize = 1 << 26;

/// Exit status of a process ended by a signal.
pub const KILLED_BY_PIPE: u8 = 141;
/// Likewise, and it was not asked.
const KILLED_BY_SIGNAL: u8 = 137;
/// Likewise: it was asked to end.
const KILLED_BY_TERM: u8 = 143;
/// Likewise: too much time was used.
const KILLED_BY_TIME: u8 = 152;
/// Likewise: too much was written.
const KILLED_BY_SIZE: u8 = 153;

/// A program while it runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// What it is.
    pub code: Code,
    /// Arguments, its name first.
    pub args: Vec<String>,
    /// Environment.
    pub vars: BTreeMap<SmolStr, String>,
    /// Working directory.
    pub cwd: SmolStr,
    /// Rights.
    pub cred: Cred,
    /// Standard input.
    pub stdin: Stdin,
    /// Why it is to be resumed next, if it can be now.
    pub pending: Vec<Resume>,
    /// Whether it was given input and took nothing: it wants to see more of it first.
    pub hungry: bool,
    /// Whether it waits for its output to be taken.
    pub writing: bool,
    /// The command that it runs.
    pub child: Option<(TaskId, bool)>,
    /// What it asks of the person at its terminal.
    pub asks: Option<Request>,
}

/// The two kinds of programs.
#[derive(Clone, Debug)]
pub enum Code {
    /// It can wait.
    Program(Box<dyn Program>),
    /// A function of its complete input.
    Filter {
        /// The function.
        run: Filter,
        /// Whether it needs the input.
        reads: bool,
    },
}

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

/// The token by which the machine itself is woken after a slice.
const SLICE_TOKEN: u64 = 0;

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

    /// Steps all tasks until all of them wait, or a slice is used up.
    pub fn run(&mut self, ctx: &mut Ctx<'_>) {
        ctx.host.vfs.begin_journal();
        self.run_slice(ctx);
        note_writes("sh", ctx);
        ctx.host.vfs.end_journal();
    }

    fn run_slice(&mut self, ctx: &mut Ctx<'_>) {
        let mut budget = SLICE;
        loop {
            let mut progress = false;
            let ids: Vec<TaskId> = self.tasks.keys().copied().collect();
            for id in ids {
                while self.step(id, ctx) {
                    progress = true;
                    self.steps += 1;
                    budget = budget.saturating_sub(1);
                    // Let the reader of a pipe keep up, and others have their turn.
                    if budget == 0 || budget.is_multiple_of(512) {
                        break;
                    }
                }
            }
            let used = self.tasks.values().flat_map(|task| task.fds.values()).map(|fd| fd.file);
            let shells = self.tasks.values().filter_map(|task| match &task.body {
                Body::Shell(shell) => Some(shell),
                _ => None,
            });
            let used = used.chain(shells.flat_map(|shell| shell.held_files()));
            let used: BTreeSet<FileId> = used.chain(self.held.iter().copied()).collect();
            self.files.retain(&used);
            if !progress {
                return;
            }
            if self.steps > MAX_STEPS {
                self.out_of_time(ctx);
                return;
            }
            if budget == 0 {
                let next = ctx.now + std::time::Duration::from_micros(SLICE_MICROS);
                ctx.wake_at(next, SLICE_TOKEN, "processor time");
                return;
            }
        }
    }

    /// Has this shell outlive commands that use too much.
    pub fn set_lasting(&mut self, shell: Option<TaskId>) {
        self.lasting = shell;
    }

    /// Too much time was used: what runs is ended, and the person gets the prompt back.
    fn out_of_time(&mut self, ctx: &mut Ctx<'_>) {
        let shell_id = self.lasting.map(|root| self.typed_shell(root));
        self.end_others(shell_id, KILLED_BY_TIME);
        self.steps = 0;
        let Some(id) = shell_id else { return };
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if let Body::Shell(mut shell) = std::mem::replace(&mut task.body, Body::Busy) {
            shell.interrupt(id, self);
            shell.state.status = KILLED_BY_TIME;
            shell.write(id, 2, b"CPU time limit exceeded\n", self, ctx);
            self.put_back(id, Body::Shell(shell));
        }
        ctx.wake_at(ctx.now, SLICE_TOKEN, "processor time");
    }

    /// Ends all tasks but a shell and those that wait for it.
    fn end_others(&mut self, shell: Option<TaskId>, status: u8) {
        let mut kept = self.lasting.map(|root| self.family(root)).unwrap_or_default();
        let count = shell.and_then(|shell| kept.iter().position(|id| *id == shell)).map_or(0, |place| place + 1);
        kept.truncate(count);
        let ids: Vec<TaskId> = self.tasks.keys().copied().filter(|id| !kept.contains(id)).collect();
        ids.into_iter().for_each(|id| self.end(id, status));
    }

    /// Whether this shell outlives what it runs.
    pub(super) fn is_lasting(&self, id: TaskId) -> bool {
        self.lasting == Some(id)
    }

    /// Forgets tasks that have ended and that nobody will ask for; if there are still hardly any
    /// places left, the others are ended, so that a command that a person types can run.
    fn make_room_for_command(&mut self) {
        if self.tasks.len() + RESERVE <= MAX_TASKS {
            return;
        }
        self.forget_orphans();
        if self.tasks.len() + RESERVE > MAX_TASKS {
            let shell = self.lasting.map(|root| self.typed_shell(root));
            self.end_others(shell, KILLED_BY_SIGNAL);
            self.forget_orphans();
        }
    }

    fn forget_orphans(&mut self) {
        let awaited: BTreeSet<TaskId> = self
            .tasks
            .values()
            .flat_map(|task| match &task.body {
                Body::Shell(shell) => {
                    let jobs = shell.jobs.iter().flat_map(|job| job.tasks.iter().copied());
                    jobs.chain(shell.foreground()).collect::<Vec<_>>()
                }
                Body::Program(running) => running.child.iter().map(|(child, _)| *child).collect(),
                Body::Busy | Body::Ended => Vec::new(),
            })
            .collect();
        let lasting = self.lasting;
        self.tasks.retain(|id, task| task.status.is_none() || awaited.contains(id) || Some(*id) == lasting);
    }

    /// No more tasks can be started. If the shell that outlives the others wants one, the others
    /// are ended, as an administrator ends a fork bomb; whether it is that shell.
    pub(super) fn make_room(&mut self, id: TaskId) -> bool {
        if self.lasting != Some(id) {
            return false;
        }
        self.end_others(Some(id), KILLED_BY_SIGNAL);
        self.tasks.retain(|own, task| *own == id || task.status.is_none());
        true
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

    /// One step of a task; whether it could make one.
    fn step(&mut self, id: TaskId, ctx: &mut Ctx<'_>) -> bool {
        let Some(task) = self.tasks.get_mut(&id).filter(|task| !task.stopped) else { return false };
        match std::mem::replace(&mut task.body, Body::Busy) {
            Body::Shell(mut shell) => {
                let stepped = shell.step(id, self, ctx);
                self.put_back(id, Body::Shell(shell));
                stepped
            }
            Body::Program(mut running) => {
                let stepped = self.step_program(id, &mut running, ctx);
                self.put_back(id, Body::Program(running));
                stepped
            }
            other => {
                task.body = other;
                false
            }
        }
    }

    pub(super) fn put_back(&mut self, id: TaskId, body: Body) {
        if let Some(task) = self.tasks.get_mut(&id)
            && task.status.is_none()
        {
            task.body = body;
        }
    }

    /// Takes what is on standard input; whether something changed.
    fn feed(&mut self, id: TaskId, running: &mut Running, ctx: &Ctx<'_>) -> bool {
        if running.stdin.eof {
            return false;
        }
        let Some(fd) = self.tasks.get(&id).and_then(|task| task.fds.get(&0)).copied() else {
            running.stdin.eof = true;
            return true;
        };
        if self.takes_keys(running, fd.file) {
            return false;
        }
        let is_filter = matches!(running.code, Code::Filter { .. });
        let most = match running.hungry {
            _ if is_filter => MAX_FILTER_INPUT,
            true => MAX_HELD,
            false => PIPE_CAPACITY,
        };
        let room = most.saturating_sub(running.stdin.buffer.len());
        // A person's lines are taken one by one, so that the shell gets those that are left.
        let by_line = self.files.is_tty(Some(&fd)) && !is_filter && !running.hungry;
        if room == 0 || (by_line && running.stdin.buffer.contains(&b'\n')) {
            return false;
        }
        match self.read(fd, room, ctx) {
            Read::Wait => false,
            Read::Eof => {
                running.stdin.eof = true;
                true
            }
            Read::Data(data) => {
                running.stdin.buffer.extend(data);
                true
            }
        }
    }

    fn step_program(&mut self, id: TaskId, running: &mut Running, ctx: &mut Ctx<'_>) -> bool {
        if let Some((child, replace)) = running.child {
            let Some(status) = self.reap(child) else { return self.wake_parent(id, running, child, ctx) };
            running.child = None;
            if replace {
                self.end(id, status);
                return true;
            }
            running.pending.push(Resume::Ran(status));
        }
        if self.must_wait_to_write(id) {
            return false;
        }
        if running.writing {
            running.writing = false;
            running.pending.push(Resume::Output);
        }
        if let Code::Filter { run, reads } = running.code {
            if reads && !running.stdin.eof {
                return self.feed(id, running, ctx);
            }
            let input = if reads { std::mem::take(&mut running.stdin.buffer) } else { Vec::new() };
            let progress = self.call(id, running, ctx, |env| Progress::Exit(run(env, input.into())));
            self.after(id, running, progress, ctx);
            return true;
        }
        let started = !running.pending.iter().any(|resume| matches!(resume, Resume::Start));
        let fed = started && (self.feed_keys(running) | self.feed(id, running, ctx));
        if fed && !running.pending.iter().any(|r| matches!(r, Resume::Stdin)) {
            running.pending.push(Resume::Stdin);
        }
        if running.pending.is_empty() {
            return false;
        }
        let resume = running.pending.remove(0);
        let idle = Code::Filter { run: |_, _| 0, reads: false };
        let Code::Program(mut program) = std::mem::replace(&mut running.code, idle) else { return false };
        let offered = matches!(resume, Resume::Stdin).then_some(running.stdin.buffer.len());
        let progress = self.call(id, running, ctx, |env| program.resume(resume, env));
        if let Some(offered) = offered {
            running.hungry = offered > 0 && running.stdin.buffer.len() == offered;
        }
        running.code = Code::Program(program);
        self.after(id, running, progress, ctx);
        true
    }

    /// Lets a program that waits for its command look at the clock: it may give the command up by
    /// ending itself.
    fn wake_parent(&mut self, id: TaskId, running: &mut Running, child: TaskId, ctx: &mut Ctx<'_>) -> bool {
        let is_alarm = |resume: &Resume| matches!(resume, Resume::Input(Input::Wake(_)));
        let Some(place) = running.pending.iter().position(is_alarm) else { return false };
        let resume = running.pending.remove(place);
        let Code::Program(program) = &running.code else { return false };
        let mut program = program.clone();
        let progress = self.call(id, running, ctx, |env| program.resume(resume, env));
        running.code = Code::Program(program);
        if let Progress::Exit(status) = progress {
            for task in self.family(child) {
                self.end(task, KILLED_BY_TERM);
            }
            self.end(id, status);
        }
        true
    }

    /// Calls into a program, writes what it wrote and notes what it asked for.
    fn call(
        &mut self,
        id: TaskId,
        running: &mut Running,
        ctx: &mut Ctx<'_>,
        resume: impl FnOnce(&mut Env<'_, '_>) -> Progress,
    ) -> Progress {
        let fds = self.tasks.get(&id).map(|task| task.fds.clone()).unwrap_or_default();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let tty = self.files.is_tty(fds.get(&1));
        let reader_gone = fds
            .get(&1)
            .is_some_and(|fd| matches!(self.files.get(fd.file), Some(Open::Pipe(_))) && !self.has_end(fd.file, false));
        let effects = ctx.out.len();
        let mut env = Env {
            ctx,
            args: &running.args,
            vars: &running.vars,
            cwd: &running.cwd,
            cred: &running.cred,
            stdin: &mut running.stdin,
            stdout: &mut stdout,
            stderr: &mut stderr,
            reader_gone,
            tty,
        };
        let mut progress = resume(&mut env);
        self.adopt_effects(id, effects, ctx);
        for (number, bytes) in [(1, stdout), (2, stderr)] {
            match self.write(fds.get(&number).copied(), &bytes, ctx) {
                Ok(()) => {}
                Err(WriteError::BrokenPipe) => progress = Progress::Exit(KILLED_BY_PIPE),
                Err(WriteError::Limit) => progress = Progress::Exit(KILLED_BY_SIZE),
                Err(WriteError::Errno(error)) => {
                    let name = running.args.first().map_or("", String::as_str);
                    let text = format!("{name}: write error: {error}\n");
                    let _ = self.write(fds.get(&2).copied(), text.as_bytes(), ctx);
                    progress = Progress::Exit(1);
                }
            }
        }
        note_writes(running.args.first().map_or("sh", |name| name.rsplit('/').next().unwrap_or("sh")), ctx);
        progress
    }

    /// Notes which task asked for what, so that the answers find the way.
    fn adopt_effects(&mut self, id: TaskId, from: usize, ctx: &mut Ctx<'_>) {
        for (effect, _) in ctx.out.iter_mut().skip(from) {
            match effect {
                Effect::WakeAt { time, token, .. } => {
                    self.last_token += 1;
                    self.alarms.insert(self.last_token, Alarm { task: id, token: *token, time: *time });
                    *token = self.last_token;
                }
                Effect::Resolve { token, .. } => {
                    self.last_token += 1;
                    self.questions.insert(self.last_token, (id, *token));
                    *token = self.last_token;
                }
                Effect::Connect { sock, .. } | Effect::ConnectUnix { sock, .. } => {
                    self.sockets.insert(*sock, id);
                }
                Effect::Listen { listener } => {
                    self.listeners.insert(listener.clone(), id);
                }
                Effect::BindUdp { port } => {
                    self.ports.insert(*port, id);
                }
                Effect::Spawn { child, .. } | Effect::Start { child, .. } => {
                    self.children.insert(*child, id);
                }
                _ => {}
            }
        }
    }

    fn after(&mut self, id: TaskId, running: &mut Running, progress: Progress, ctx: &mut Ctx<'_>) {
        match progress {
            Progress::Wait => {}
            Progress::More => running.writing = true,
            Progress::Ask(request) if self.is_attended() => running.asks = Some(*request),
            Progress::Ask(_) => running.pending.push(Resume::Answered(None)),
            Progress::Exit(status) => {
                // What was not read stays for who reads next.
                let rest = std::mem::take(&mut running.stdin.buffer);
                if let Some(fd) = self.tasks.get(&id).and_then(|task| task.fds.get(&0)).copied() {
                    self.files.unread(fd, &rest);
                }
                self.end(id, status);
            }
            Progress::Run(run) => {
                let replace = run.replace;
                match self.run_for(id, running, *run, ctx) {
                    Ok(child) => running.child = Some((child, replace)),
                    Err(status) if replace => self.end(id, status),
                    Err(status) => running.pending.push(Resume::Ran(status)),
                }
            }
        }
    }

    /// Starts a command for a program, on its streams.
    fn run_for(&mut self, id: TaskId, running: &mut Running, run: Run, ctx: &mut Ctx<'_>) -> Result<TaskId, u8> {
        let mut fds = self.tasks.get(&id).map(|task| task.fds.clone()).unwrap_or_default();
        match run.stdin {
            Some(bytes) => {
                let input = Open::Input { buffer: bytes.to_vec().into(), eof: true, tty: false };
                fds.insert(0, Fd { file: self.files.add(input), write: false });
            }
            None => {
                let rest = std::mem::take(&mut running.stdin.buffer);
                if let Some(fd) = fds.get(&0) {
                    self.files.unread(*fd, &rest);
                }
                running.stdin.eof = false;
            }
        }
        let vars = run.vars.unwrap_or_else(|| running.vars.clone());
        let cwd = run.cwd.unwrap_or_else(|| running.cwd.clone());
        let cred = run.cred.unwrap_or_else(|| running.cred.clone());
        let name = running.args.first().cloned().unwrap_or_default();
        let umask = 0o022;
        super::launch::exec(
            self,
            super::launch::Exec { argv: run.argv, vars, cwd, cred, umask, fds, caller: name },
            ctx,
        )
    }
}

/// More tasks than a shell process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyTasks;

/// A running program from its registry entry.
pub fn running(entry: Entry, args: Vec<String>, vars: BTreeMap<SmolStr, String>, cwd: SmolStr, cred: Cred) -> Running {
    let code = match entry {
        Entry::Program(make) => Code::Program(make()),
        Entry::Filter { run, reads } => Code::Filter { run, reads: reads(&args) },
    };
    Running {
        code,
        args,
        vars,
        cwd,
        cred,
        stdin: Stdin::default(),
        pending: Vec::new(),
        hungry: false,
        writing: false,
        child: None,
        asks: None,
    }
}

/// Records which files were written, so that nobody can pass off a file of one's own as delivered.
fn note_writes(by: &str, ctx: &mut Ctx<'_>) {
    for path in ctx.host.vfs.take_journal() {
        let path = ctx.host.vfs.canonical(&path, &Cred::ROOT).unwrap_or(path);
        ctx.note(|| Kind::FileWrite { path: path.into(), by: by.into() });
    }
}
