//! The executor of one shell: a stack of frames, each a command that is not finished yet. A step
//! takes the topmost frame and does as much as can be done without waiting.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Kind, Node};
use super::builtins;
use super::files::{Fd, Fds, FileId, WriteError};
use super::jobs::Job;
use super::machine::{KILLED_BY_PIPE, Machine, TaskId};
use super::mail_check::MailCheck;
use super::source::Source;
use super::state::{Dialect, State, Variable};
use crate::host::process::Ctx;
use crate::host::vfs::Cred;

/// Frames that a shell may have at once: bounds recursion.
const MAX_FRAMES: usize = 4_000;

/// A command that is not finished.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Source(Box<Source>),
    Run(Arc<Node>),
    /// Words are being expanded; outputs of substitutions so far, and which of them are files.
    Prepare {
        node: Arc<Node>,
        outputs: Vec<String>,
        files: Vec<String>,
    },
    Substitution {
        task: TaskId,
        file: FileId,
        /// Whether the output goes to a file whose name is used.
        to_file: bool,
    },
    /// Takes away the files of process substitutions.
    Unlink(Vec<String>),
    Argv(Vec<String>),
    List {
        node: Arc<Node>,
        next: usize,
    },
    AndOr(Arc<Node>),
    Negate,
    Pipeline {
        tasks: Vec<TaskId>,
        negate: bool,
    },
    If {
        node: Arc<Node>,
        arm: usize,
    },
    While {
        node: Arc<Node>,
        in_cond: bool,
        last: u8,
    },
    For {
        node: Arc<Node>,
        values: Vec<String>,
        next: usize,
    },
    /// Undoes redirections and temporary assignments.
    Restore {
        fds: Vec<(u32, Option<Fd>)>,
        vars: Vec<(String, Option<Variable>)>,
    },
    Function {
        positional: Arc<Vec<String>>,
        locals: Vec<(String, Option<Variable>)>,
    },
    Wait {
        task: TaskId,
        exec: bool,
    },
    WaitAll(Vec<TaskId>),
    Read(builtins::ReadLine),
    Message {
        text: String,
        status: u8,
    },
}

/// One shell.
#[derive(Clone, Debug)]
pub struct Shell {
    /// What it knows.
    pub state: State,
    pub(super) frames: Vec<Frame>,
    /// Lines typed so far, for `history`.
    pub history: Vec<String>,
    /// Jobs in the background.
    pub jobs: Vec<Job>,
    /// Number of commands that were typed to it.
    pub commands: u64,
    /// Whether what is typed to it is told in the trace.
    pub told: bool,
    /// Known commands that are not there, and were spoken of.
    pub(super) missed: BTreeSet<String>,
    pub(super) mail: MailCheck,
}

impl Shell {
    /// A shell that has nothing to do yet.
    pub fn new(state: State) -> Shell {
        Shell {
            state,
            frames: Vec::new(),
            history: Vec::new(),
            jobs: Vec::new(),
            commands: 0,
            told: false,
            missed: BTreeSet::new(),
            mail: MailCheck::default(),
        }
    }

    pub(super) fn is_bash(&self) -> bool {
        self.state.dialect == Dialect::Bash
    }

    /// Has it execute one command whose words are expanded already.
    pub fn run_argv(&mut self, argv: Vec<String>) {
        self.frames.push(Frame::Argv(argv));
    }

    /// Has it print a message and end.
    pub fn fail_at_start(&mut self, text: String, status: u8) {
        self.frames.push(Frame::Message { text, status });
    }

    /// Files that are open though no descriptor refers to them just now.
    pub fn held_files(&self) -> impl Iterator<Item = FileId> {
        self.frames.iter().flat_map(|frame| match frame {
            Frame::Substitution { file, .. } => vec![*file],
            Frame::Restore { fds, .. } => fds.iter().filter_map(|(_, fd)| fd.map(|fd| fd.file)).collect(),
            _ => Vec::new(),
        })
    }

    /// The task that it waits for in the foreground.
    pub fn foreground(&self) -> Vec<TaskId> {
        match self.frames.last() {
            Some(Frame::Wait { task, .. } | Frame::Substitution { task, .. }) => vec![*task],
            Some(Frame::Pipeline { tasks, .. }) => tasks.clone(),
            _ => Vec::new(),
        }
    }

    /// Gives up the present command (`^C`) and goes back to the prompt.
    pub fn interrupt(&mut self, id: TaskId, machine: &mut Machine) {
        while self.frames.len() > 1 {
            self.pop_undoing(id, machine);
        }
        if let Some(Frame::Source(source)) = self.frames.last_mut() {
            source.buffer.clear();
            source.prompted = false;
            source.waits = false;
        }
        self.state.status = 130;
    }

    /// Writes to a descriptor of this shell.
    pub(super) fn write(&mut self, id: TaskId, fd: u32, text: &[u8], machine: &mut Machine, ctx: &mut Ctx<'_>) -> bool {
        let fd = machine.task(id).and_then(|task| task.fds.get(&fd)).copied();
        match machine.write(fd, text, ctx) {
            Ok(()) => true,
            Err(WriteError::BrokenPipe | WriteError::Limit) => {
                self.frames.clear();
                machine.end(id, KILLED_BY_PIPE);
                false
            }
            Err(WriteError::Errno(_)) => false,
        }
    }

    /// Writes an error message in this shell's words.
    pub(super) fn complain(&mut self, id: TaskId, text: &str, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let message = format!("{}\n", self.state.message(text));
        self.write(id, 2, message.as_bytes(), machine, ctx);
    }

    /// One step; whether it could make one.
    pub fn step(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) -> bool {
        if self.frames.len() > MAX_FRAMES {
            self.complain(id, "Maximum function recursion depth (1000) reached", machine, ctx);
            if machine.is_lasting(id) {
                self.interrupt(id, machine);
                self.state.status = 2;
            } else {
                self.leave(id, 2, machine);
            }
            return true;
        }
        if machine.must_wait_to_write(id) {
            return false;
        }
        let Some(frame) = self.frames.pop() else {
            self.finish(id, machine);
            return true;
        };
        match frame {
            Frame::Source(source) => return self.source(id, source, machine, ctx),
            Frame::Run(node) => self.run(id, &node, machine, ctx),
            Frame::Prepare { node, outputs, files } => self.prepare(id, node, outputs, files, machine, ctx),
            Frame::Substitution { task, file, to_file } => {
                return self.substitution(task, file, to_file, machine, ctx);
            }
            Frame::Unlink(files) => {
                for path in files {
                    let _ = ctx.host.vfs.unlink(&path, &Cred::ROOT);
                }
            }
            Frame::Argv(argv) => self.command(id, argv, Vec::new(), Vec::new(), machine, ctx),
            Frame::List { node, next } => self.list(id, node, next, machine, ctx),
            Frame::AndOr(node) => {
                if let Kind::AndOr { and, right, .. } = &node.kind
                    && (self.state.status == 0) == *and
                {
                    self.frames.push(Frame::Run(Arc::clone(right)));
                }
            }
            Frame::Negate => self.state.status = u8::from(self.state.status == 0),
            Frame::Pipeline { tasks, negate } => return self.pipeline_ended(id, tasks, negate, machine),
            Frame::If { node, arm } => {
                if let Kind::If { arms, otherwise } = &node.kind {
                    if self.state.status == 0 {
                        self.frames.extend(arms.get(arm).map(|(_, body)| Frame::Run(Arc::clone(body))));
                    } else if let Some((cond, _)) = arms.get(arm + 1) {
                        self.frames.push(Frame::If { node: Arc::clone(&node), arm: arm + 1 });
                        self.frames.push(Frame::Run(Arc::clone(cond)));
                    } else if let Some(body) = otherwise {
                        self.frames.push(Frame::Run(Arc::clone(body)));
                    } else {
                        self.state.status = 0;
                    }
                }
            }
            Frame::While { node, in_cond, last } => self.while_loop(node, in_cond, last),
            Frame::For { node, values, next } => self.for_loop(id, node, values, next, machine, ctx),
            Frame::Restore { fds, vars } => self.restore(id, fds, vars, machine),
            Frame::Function { positional, locals } => {
                self.state.positional = positional;
                self.restore(id, Vec::new(), locals, machine);
            }
            Frame::Wait { task, exec } => match machine.reap(task) {
                Some(status) if exec => self.leave_now(id, status, machine),
                Some(status) => self.completed(id, status, machine),
                None => {
                    self.frames.push(Frame::Wait { task, exec });
                    return false;
                }
            },
            Frame::WaitAll(tasks) => return self.wait_all(tasks, machine),
            Frame::Read(read) => return builtins::read_step(self, id, read, machine, ctx),
            Frame::Message { text, status } => {
                self.write(id, 2, format!("{text}\n").as_bytes(), machine, ctx);
                self.leave(id, status, machine);
            }
        }
        true
    }

    /// There is nothing left to do.
    pub(super) fn finish(&mut self, id: TaskId, machine: &mut Machine) {
        if let Some(trap) = self.state.traps.remove("EXIT") {
            let status = self.state.status;
            self.push_text(&format!("{trap}\nexit {status}"), false);
        } else {
            machine.end(id, self.state.status);
        }
    }

    /// Ends this shell with a status, running the trap for `EXIT` first.
    pub(super) fn leave(&mut self, id: TaskId, status: u8, machine: &mut Machine) {
        while !self.frames.is_empty() {
            self.pop_undoing(id, machine);
        }
        self.state.status = status;
    }

    pub(super) fn leave_now(&mut self, id: TaskId, status: u8, machine: &mut Machine) {
        self.frames.clear();
        self.state.traps.clear();
        machine.end(id, status);
    }

    pub(super) fn pop_undoing(&mut self, id: TaskId, machine: &mut Machine) -> Option<Frame> {
        let frame = self.frames.pop()?;
        match &frame {
            Frame::Restore { fds, vars } => self.restore(id, fds.clone(), vars.clone(), machine),
            Frame::Function { positional, locals } => {
                self.state.positional = Arc::clone(positional);
                self.restore(id, Vec::new(), locals.clone(), machine);
            }
            _ => {}
        }
        Some(frame)
    }

    pub(super) fn restore(
        &mut self,
        id: TaskId,
        fds: Vec<(u32, Option<Fd>)>,
        vars: Vec<(String, Option<Variable>)>,
        machine: &mut Machine,
    ) {
        if let Some(task) = machine.task_mut(id) {
            for (number, fd) in fds.into_iter().rev() {
                match fd {
                    Some(fd) => task.fds.insert(number, fd),
                    None => task.fds.remove(&number),
                };
            }
        }
        for (name, variable) in vars.into_iter().rev() {
            let table = Arc::make_mut(&mut self.state.vars);
            match variable {
                Some(variable) => table.insert(name.into(), variable),
                None => table.remove(name.as_str()),
            };
        }
    }

    /// A command that `set -e` looks at has ended.
    pub(super) fn completed(&mut self, id: TaskId, status: u8, machine: &mut Machine) {
        self.state.status = status;
        if status == 0 || !self.state.options.errexit {
            return;
        }
        let tested = self.frames.iter().any(|frame| match frame {
            Frame::If { .. } | Frame::Negate => true,
            Frame::AndOr(_) => true,
            Frame::While { in_cond, .. } => *in_cond,
            _ => false,
        });
        if !tested {
            self.leave(id, status, machine);
        }
    }

    pub(super) fn fds(&self, id: TaskId, machine: &Machine) -> Fds {
        machine.task(id).map(|task| task.fds.clone()).unwrap_or_default()
    }
}
