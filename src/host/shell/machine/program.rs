//! Stepping programs: their input, what they ask for, what they run.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Alarm, KILLED_BY_PIPE, KILLED_BY_SIZE, KILLED_BY_TERM, Machine, TaskId};
use crate::host::console::Request;
use crate::host::process::{Ctx, Effect, Input};
use crate::host::program::{Entry, Env, Filter, Program, Progress, Resume, Run, Stdin};
use crate::host::shell::files::{Fd, Open, PIPE_CAPACITY, Read, WriteError};
use crate::host::vfs::Cred;
use crate::trace::Kind;

/// Octets that a filter may get as input.
const MAX_FILTER_INPUT: usize = 1 << 26;
/// Octets that a program may get before it takes any.
const MAX_HELD: usize = 1 << 26;

impl Machine {
    /// Takes what is on standard input; whether something changed.
    pub(super) fn feed(&mut self, id: TaskId, running: &mut Running, ctx: &Ctx<'_>) -> bool {
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

    pub(super) fn step_program(&mut self, id: TaskId, running: &mut Running, ctx: &mut Ctx<'_>) -> bool {
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
    pub(super) fn wake_parent(&mut self, id: TaskId, running: &mut Running, child: TaskId, ctx: &mut Ctx<'_>) -> bool {
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
    pub(super) fn call(
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
    pub(super) fn adopt_effects(&mut self, id: TaskId, from: usize, ctx: &mut Ctx<'_>) {
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

    pub(super) fn after(&mut self, id: TaskId, running: &mut Running, progress: Progress, ctx: &mut Ctx<'_>) {
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
    pub(super) fn run_for(
        &mut self,
        id: TaskId,
        running: &mut Running,
        run: Run,
        ctx: &mut Ctx<'_>,
    ) -> Result<TaskId, u8> {
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
        crate::host::shell::launch::exec(
            self,
            crate::host::shell::launch::Exec { argv: run.argv, vars, cwd, cred, umask, fds, caller: name },
            ctx,
        )
    }
}

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
pub(super) fn note_writes(by: &str, ctx: &mut Ctx<'_>) {
    // What is below /dev is no file of anybody's: pipes by name, and the bottomless pit.
    for path in ctx.host.vfs.take_journal().into_iter().filter(|path| !path.starts_with("/dev/")) {
        let path = ctx.host.vfs.canonical(&path, &Cred::ROOT).unwrap_or(path);
        ctx.note(|| Kind::FileWrite { path: path.into(), by: by.into() });
    }
}
