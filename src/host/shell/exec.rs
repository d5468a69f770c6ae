//! The executor of one shell: a stack of frames, each a command that is not finished yet. A step
//! takes the topmost frame and does as much as can be done without waiting.

use std::sync::Arc;

use super::ast::{Kind, Node};
use super::builtins::{self, Control, Outcome};
use super::expand::{Expander, Stop};
use super::files::{Fd, Fds, FileId, Open, Read, WriteError};
use super::launch::{self, Exec, Found};
use super::machine::{KILLED_BY_PIPE, Machine, TaskId};
use super::parser::{ParseError, Parser, is_continued};
use super::redirect::{self, Target};
use super::state::{DEFAULT_PATH, Dialect, State, Variable};
use crate::host::process::Ctx;
use crate::trace::Kind as Event;

/// Frames that a shell may have at once: bounds recursion.
const MAX_FRAMES: usize = 4_000;

/// Where commands come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    parser: Parser,
    /// Whether further lines are read from standard input.
    stdin: bool,
    /// Text of an unfinished command.
    buffer: String,
    eof: bool,
    /// Whether the prompt was shown since the last line.
    prompted: bool,
    /// Whether there was nothing to read.
    waits: bool,
    /// Whether `return` ends it (`.`).
    returns: bool,
}

/// A command that is not finished.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Source(Box<Source>),
    Run(Arc<Node>),
    /// Words are being expanded; outputs of command substitutions so far.
    Prepare {
        node: Arc<Node>,
        outputs: Vec<String>,
    },
    Substitution {
        task: TaskId,
        file: FileId,
    },
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

/// What the words of a command became.
#[derive(Debug, Default)]
struct Prepared {
    assigned: Vec<(String, String)>,
    assigns: Vec<(String, String)>,
    argv: Vec<String>,
    redirs: Vec<(u32, Target)>,
    number: i64,
    arm: Option<usize>,
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
    pub jobs: Vec<TaskId>,
    /// Number of commands that were typed to it.
    pub commands: u64,
    /// Whether what is typed to it is told in the trace.
    pub told: bool,
}

impl Shell {
    /// A shell that has nothing to do yet.
    pub fn new(state: State) -> Shell {
        Shell { state, frames: Vec::new(), history: Vec::new(), jobs: Vec::new(), commands: 0, told: false }
    }

    fn is_bash(&self) -> bool {
        self.state.dialect == Dialect::Bash
    }

    /// Has it execute a text.
    pub fn run_text(&mut self, text: &str) {
        self.push_text(text, false);
    }

    pub(super) fn push_text(&mut self, text: &str, returns: bool) {
        let parser = Parser::new(text.chars().collect(), self.is_bash());
        self.push_source(parser, false, returns);
    }

    fn push_source(&mut self, parser: Parser, stdin: bool, returns: bool) {
        let source =
            Source { parser, stdin, buffer: String::new(), eof: false, prompted: false, waits: false, returns };
        self.frames.push(Frame::Source(Box::new(source)));
    }

    /// Has it execute what it reads from standard input.
    pub fn run_stdin(&mut self, parser: Parser) {
        self.push_source(parser, true, false);
    }

    /// Has it execute one command whose words are expanded already.
    pub fn run_argv(&mut self, argv: Vec<String>) {
        self.frames.push(Frame::Argv(argv));
    }

    /// Has it print a message and end.
    pub fn fail_at_start(&mut self, text: String, status: u8) {
        self.frames.push(Frame::Message { text, status });
    }

    /// Whether it waits for a person to type a command.
    pub fn at_prompt(&self) -> bool {
        matches!(self.frames.as_slice(), [Frame::Source(source)] if source.waits && source.buffer.is_empty())
    }

    /// Whether it waits for the rest of a command that was typed in part.
    pub fn wants_more(&self) -> bool {
        matches!(self.frames.as_slice(), [Frame::Source(source)] if source.waits && !source.buffer.is_empty())
    }

    /// Whether it reads a line that is not to be shown (`read -s`).
    pub fn hides_input(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Read(read)) if read.silent)
    }

    /// Ends what it reads from standard input.
    pub(super) fn end_input(&mut self) {
        match self.frames.last_mut() {
            Some(Frame::Read(read)) => read.ended = true,
            Some(Frame::Source(source)) if source.stdin => source.eof = true,
            _ => {}
        }
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
            self.leave(id, 2, machine);
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
            Frame::Prepare { node, outputs } => self.prepare(id, node, outputs, machine, ctx),
            Frame::Substitution { task, file } => return self.substitution(task, file, machine),
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
    fn finish(&mut self, id: TaskId, machine: &mut Machine) {
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

    fn leave_now(&mut self, id: TaskId, status: u8, machine: &mut Machine) {
        self.frames.clear();
        self.state.traps.clear();
        machine.end(id, status);
    }

    fn pop_undoing(&mut self, id: TaskId, machine: &mut Machine) -> Option<Frame> {
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

    fn restore(
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
    fn completed(&mut self, id: TaskId, status: u8, machine: &mut Machine) {
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

    fn source(&mut self, id: TaskId, mut source: Box<Source>, machine: &mut Machine, ctx: &mut Ctx<'_>) -> bool {
        if source.stdin {
            return self.stdin_source(id, source, machine, ctx);
        }
        source.parser.set_aliases(Arc::clone(&self.state.aliases));
        match source.parser.next_line() {
            Ok(None) => {}
            Ok(Some(node)) => {
                self.frames.push(Frame::Source(source));
                self.frames.push(Frame::Run(node));
            }
            Err(error) => {
                self.state.line = source.parser.line;
                self.syntax_error(id, &error, machine, ctx);
            }
        }
        true
    }

    fn syntax_error(&mut self, id: TaskId, error: &ParseError, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let text = match (self.state.dialect, error) {
            (Dialect::Dash, ParseError::BadSubstitution) => error.to_string(),
            (Dialect::Dash, _) => format!("Syntax error: {error}"),
            (Dialect::Bash, ParseError::Unexpected { token, .. }) => {
                format!("syntax error near unexpected token `{}'", token.trim_matches('"'))
            }
            (Dialect::Bash, ParseError::Eof { .. }) => "syntax error: unexpected end of file".into(),
            (Dialect::Bash, ParseError::Unterminated) => "unexpected EOF while looking for matching quote".into(),
            (Dialect::Bash, _) => error.to_string().to_lowercase(),
        };
        self.complain(id, &text, machine, ctx);
        if self.state.interactive {
            self.state.status = 2;
        } else {
            self.leave(id, 2, machine);
        }
    }

    /// Reads commands from standard input, line by line.
    fn stdin_source(&mut self, id: TaskId, mut source: Box<Source>, machine: &mut Machine, ctx: &mut Ctx<'_>) -> bool {
        let complete = (source.buffer.ends_with('\n') && (source.eof || !is_continued(&source.buffer)))
            || (source.eof && !source.buffer.is_empty());
        if complete {
            let mut parser = Parser::new(source.buffer.chars().collect(), self.is_bash())
                .with_aliases(Arc::clone(&self.state.aliases));
            parser.line = source.parser.line;
            if !source.eof {
                parser = parser.interactive();
            }
            match parser.next_line() {
                Err(error) if error.is_incomplete() && !source.eof && source.buffer.len() < 1 << 20 => {}
                result => {
                    self.state.line = parser.line;
                    let rest: String = source.buffer.chars().skip(parser.position()).collect();
                    if result.is_ok() {
                        self.tell_command(&source.buffer[..source.buffer.len() - rest.len()], ctx);
                    }
                    source.parser.line = parser.line;
                    source.buffer = if result.is_ok() { rest } else { String::new() };
                    source.prompted = false;
                    self.frames.push(Frame::Source(source));
                    match result {
                        Ok(Some(node)) => self.frames.push(Frame::Run(node)),
                        Ok(None) => {}
                        Err(error) => self.syntax_error(id, &error, machine, ctx),
                    }
                    return true;
                }
            }
        }
        if source.eof {
            self.say_goodbye(id, machine, ctx);
            return true;
        }
        if self.state.interactive && !source.prompted && source.buffer.is_empty() {
            self.report_jobs(id, machine, ctx);
            let prompt = super::prompt(&self.state, ctx.host);
            self.write(id, 2, prompt.as_bytes(), machine, ctx);
            source.prompted = true;
        }
        source.waits = false;
        let fd = machine.task(id).and_then(|task| task.fds.get(&0)).copied();
        let mut line = Vec::new();
        let waits = loop {
            match fd.map_or(Read::Eof, |fd| machine.read(fd, 1, ctx)) {
                Read::Data(data) => {
                    line.extend(data);
                    if line.ends_with(b"\n") {
                        break false;
                    }
                }
                Read::Eof => {
                    source.eof = true;
                    break false;
                }
                Read::Wait => break true,
            }
        };
        if waits {
            if let (Some(fd), false) = (fd, line.is_empty()) {
                machine.files.unread(fd, &line);
            }
            if self.state.interactive && !source.prompted {
                self.write(id, 2, b"> ", machine, ctx);
                source.prompted = true;
            }
            source.waits = true;
            self.frames.push(Frame::Source(source));
            return false;
        }
        let text = String::from_utf8_lossy(&line);
        if self.state.interactive && !text.trim().is_empty() {
            self.history.push(text.trim_end().to_owned());
        }
        source.prompted = false;
        source.buffer.push_str(&text);
        self.frames.push(Frame::Source(source));
        true
    }

    /// What a shell says to a person who leaves it.
    pub(super) fn say_goodbye(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        if self.state.interactive {
            let word: &[u8] = if self.state.arg0.starts_with('-') { b"logout\n" } else { b"exit\n" };
            self.write(id, 2, word, machine, ctx);
        }
    }

    /// Notes a command that was typed.
    fn tell_command(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let line = text.trim();
        if line.is_empty() {
            return;
        }
        self.commands += 1;
        if self.told {
            let uid = self.state.cred.uid;
            let user = ctx.host.accounts.by_uid(uid).map_or_else(|| uid.to_string().into(), |user| user.name.clone());
            ctx.emit(Event::ShellCommand { user, line: line.into() });
        }
    }

    fn report_jobs(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let mut text = String::new();
        for (nth, job) in self.jobs.clone().into_iter().enumerate() {
            let ended = machine.task(job).and_then(|task| Some((task.status?, task.command.clone())));
            if let Some((status, command)) = ended {
                let how = if status == 0 { "Done".to_owned() } else { format!("Exit {status}") };
                text.push_str(&format!("[{}]+  {how:<24}{command}\n", nth + 1));
                machine.reap(job);
            }
        }
        self.jobs.retain(|job| machine.task(*job).is_some());
        self.write(id, 2, text.as_bytes(), machine, ctx);
    }

    /// A copy of this shell as a task of its own.
    fn subshell(&self, node: Arc<Node>) -> Shell {
        let mut state = self.state.clone();
        state.interactive = false;
        state.traps.clear();
        let frames = vec![Frame::Run(node)];
        Shell { frames, ..Shell::new(state) }
    }

    fn fds(&self, id: TaskId, machine: &Machine) -> Fds {
        machine.task(id).map(|task| task.fds.clone()).unwrap_or_default()
    }

    fn cannot_fork(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        self.complain(id, "Cannot fork", machine, ctx);
        self.leave(id, 2, machine);
    }

    fn run(&mut self, id: TaskId, node: &Arc<Node>, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        self.state.line = node.line;
        match &node.kind {
            Kind::Simple { .. } | Kind::For { .. } | Kind::Case { .. } | Kind::Arith(_) | Kind::Test(_) => {
                self.frames.push(Frame::Prepare { node: Arc::clone(node), outputs: Vec::new() });
            }
            _ if !node.redirs.is_empty() => {
                self.frames.push(Frame::Prepare { node: Arc::clone(node), outputs: Vec::new() });
            }
            _ => self.begin(id, node, &Prepared::default(), machine, ctx),
        }
    }

    /// Begins a compound command whose words and redirections are done.
    fn begin(&mut self, id: TaskId, node: &Arc<Node>, done: &Prepared, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        match &node.kind {
            Kind::Simple { .. } => {}
            Kind::Pipeline { negate, stages } => match stages.as_slice() {
                [only] => {
                    self.frames.push(Frame::Negate);
                    self.frames.push(Frame::Run(Arc::clone(only)));
                }
                stages => self.pipeline(id, stages, *negate, machine, ctx),
            },
            Kind::AndOr { left, .. } => {
                self.frames.push(Frame::AndOr(Arc::clone(node)));
                self.frames.push(Frame::Run(Arc::clone(left)));
            }
            Kind::List(_) => self.frames.push(Frame::List { node: Arc::clone(node), next: 0 }),
            Kind::Subshell(list) => {
                let shell = self.subshell(Arc::clone(list));
                let (fds, pid) = (self.fds(id, machine), ctx.host.next_proc().0);
                match machine.add_shell(shell, fds, pid, self.state.arg0.clone()) {
                    Ok(task) => self.frames.push(Frame::Wait { task, exec: false }),
                    Err(_) => self.cannot_fork(id, machine, ctx),
                }
            }
            Kind::Group(list) => self.frames.push(Frame::Run(Arc::clone(list))),
            Kind::If { arms, .. } => {
                if let Some((cond, _)) = arms.first() {
                    self.frames.push(Frame::If { node: Arc::clone(node), arm: 0 });
                    self.frames.push(Frame::Run(Arc::clone(cond)));
                }
            }
            Kind::While { cond, .. } => {
                self.frames.push(Frame::While { node: Arc::clone(node), in_cond: true, last: 0 });
                self.frames.push(Frame::Run(Arc::clone(cond)));
            }
            Kind::For { .. } => {
                self.state.status = 0;
                self.frames.push(Frame::For { node: Arc::clone(node), values: done.argv.clone(), next: 0 });
            }
            Kind::Case { arms, .. } => {
                self.state.status = 0;
                if let Some((_, body)) = done.arm.and_then(|arm| arms.get(arm)) {
                    self.frames.push(Frame::Run(Arc::clone(body)));
                }
            }
            Kind::Function { name, body } => {
                Arc::make_mut(&mut self.state.functions).insert(name.clone(), Arc::clone(body));
                self.state.status = 0;
            }
            Kind::Arith(_) => self.completed(id, u8::from(done.number == 0), machine),
            Kind::Test(_) => {
                let status = builtins::test(&done.argv, &self.state, ctx.host).unwrap_or(2);
                self.completed(id, status, machine);
            }
        }
    }

    fn list(&mut self, id: TaskId, node: Arc<Node>, next: usize, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let Kind::List(items) = &node.kind else { return };
        let Some((item, background)) = items.get(next) else { return };
        let item = Arc::clone(item);
        if next + 1 < items.len() {
            self.frames.push(Frame::List { node: Arc::clone(&node), next: next + 1 });
        }
        if !background {
            self.frames.push(Frame::Run(item));
            return;
        }
        let shell = self.subshell(item);
        let mut fds = self.fds(id, machine);
        if !self.state.interactive {
            let file = machine.files.add(Open::Null);
            fds.insert(0, Fd { file, write: false });
        }
        let pid = ctx.host.next_proc().0;
        match machine.add_shell(shell, fds, pid, self.history.last().cloned().unwrap_or_default()) {
            Ok(task) => {
                if let Some(task) = machine.task_mut(task) {
                    task.background = true;
                }
                self.jobs.push(task);
                self.state.last_background = Some(pid);
                self.state.status = 0;
                if self.state.interactive {
                    let text = format!("[{}] {pid}\n", self.jobs.len());
                    self.write(id, 2, text.as_bytes(), machine, ctx);
                }
            }
            Err(_) => self.cannot_fork(id, machine, ctx),
        }
    }

    fn pipeline(&mut self, id: TaskId, stages: &[Arc<Node>], negate: bool, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let mut tasks = Vec::new();
        let own = self.fds(id, machine);
        let mut input = own.get(&0).copied();
        for (nth, stage) in stages.iter().enumerate() {
            let mut fds = own.clone();
            match input {
                Some(fd) => fds.insert(0, fd),
                None => fds.remove(&0),
            };
            if nth + 1 < stages.len() {
                let file = machine.files.add(Open::Pipe(Default::default()));
                fds.insert(1, Fd { file, write: true });
                input = Some(Fd { file, write: false });
            }
            let pid = ctx.host.next_proc().0;
            match machine.add_shell(self.subshell(Arc::clone(stage)), fds, pid, self.state.arg0.clone()) {
                Ok(task) => tasks.push(task),
                Err(_) => return self.cannot_fork(id, machine, ctx),
            }
        }
        self.frames.push(Frame::Pipeline { tasks, negate });
    }

    fn pipeline_ended(&mut self, id: TaskId, tasks: Vec<TaskId>, negate: bool, machine: &mut Machine) -> bool {
        if tasks.iter().any(|task| machine.task(*task).is_some_and(|task| task.status.is_none())) {
            self.frames.push(Frame::Pipeline { tasks, negate });
            return false;
        }
        let status = tasks.iter().map(|task| machine.reap(*task).unwrap_or(0)).next_back().unwrap_or(0);
        if negate {
            self.state.status = u8::from(status == 0);
        } else {
            self.completed(id, status, machine);
        }
        true
    }

    fn wait_all(&mut self, tasks: Vec<TaskId>, machine: &mut Machine) -> bool {
        if tasks.iter().any(|task| machine.task(*task).is_some_and(|task| task.status.is_none())) {
            self.frames.push(Frame::WaitAll(tasks));
            return false;
        }
        self.state.status = tasks.iter().map(|task| machine.reap(*task).unwrap_or(127)).next_back().unwrap_or(0);
        self.jobs.retain(|job| !tasks.contains(job));
        true
    }

    fn while_loop(&mut self, node: Arc<Node>, in_cond: bool, last: u8) {
        let Kind::While { until, cond, body } = &node.kind else { return };
        if !in_cond {
            let last = self.state.status;
            let cond = Arc::clone(cond);
            self.frames.push(Frame::While { node, in_cond: true, last });
            self.frames.push(Frame::Run(cond));
        } else if (self.state.status == 0) != *until {
            let body = Arc::clone(body);
            self.frames.push(Frame::While { node, in_cond: false, last });
            self.frames.push(Frame::Run(body));
        } else {
            self.state.status = last;
        }
    }

    fn for_loop(
        &mut self,
        id: TaskId,
        node: Arc<Node>,
        mut values: Vec<String>,
        next: usize,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        let Kind::For { var, body, .. } = &node.kind else { return };
        let Some(value) = values.get_mut(next).map(std::mem::take) else { return };
        let body = Arc::clone(body);
        if let Err(text) = self.state.set(var, value) {
            self.complain(id, &text, machine, ctx);
            return self.leave(id, 2, machine);
        }
        self.frames.push(Frame::For { node, values, next: next + 1 });
        self.frames.push(Frame::Run(body));
    }

    /// Takes the output of a command substitution once the command has ended.
    fn substitution(&mut self, task: TaskId, file: FileId, machine: &mut Machine) -> bool {
        let Some(status) = machine.reap(task) else {
            self.frames.push(Frame::Substitution { task, file });
            return false;
        };
        self.state.status = status;
        let mut data = match machine.files.get_mut(file) {
            Some(Open::Capture { data, .. }) => std::mem::take(data),
            _ => Vec::new(),
        };
        data.retain(|octet| *octet != 0);
        let mut text = String::from_utf8_lossy(&data).into_owned();
        text.truncate(text.trim_end_matches('\n').len());
        if let Some(Frame::Prepare { outputs, .. }) = self.frames.last_mut() {
            outputs.push(text);
        }
        true
    }

    /// Expands the words of a command and goes on with it.
    fn prepare(&mut self, id: TaskId, node: Arc<Node>, outputs: Vec<String>, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let substituted = !outputs.is_empty();
        match self.expand(&node, &outputs, ctx) {
            Ok(done) => {
                for (name, value) in &done.assigned {
                    let _ = self.state.set(name, value.clone());
                }
                self.execute(id, &node, done, substituted, machine, ctx);
            }
            Err(Stop::Command(command)) => {
                let file = machine.files.add(Open::Capture { data: Vec::new(), tty: false });
                let mut fds = self.fds(id, machine);
                fds.insert(1, Fd { file, write: true });
                let pid = ctx.host.next_proc().0;
                self.frames.push(Frame::Prepare { node, outputs });
                match machine.add_shell(self.subshell(command), fds, pid, self.state.arg0.clone()) {
                    Ok(task) => self.frames.push(Frame::Substitution { task, file }),
                    Err(_) => self.cannot_fork(id, machine, ctx),
                }
            }
            Err(Stop::Fail(text)) => {
                self.complain(id, &text, machine, ctx);
                self.fail_hard(id, machine);
            }
        }
    }

    /// An error that ends a shell unless a person types.
    pub(super) fn fail_hard(&mut self, id: TaskId, machine: &mut Machine) {
        let status = if self.is_bash() { 1 } else { 2 };
        if self.state.interactive {
            while self.frames.len() > 1 {
                self.pop_undoing(id, machine);
            }
            self.state.status = status;
        } else {
            self.leave(id, status, machine);
        }
    }

    fn expand(&self, node: &Node, outputs: &[String], ctx: &Ctx<'_>) -> Result<Prepared, Stop> {
        let mut expander = Expander::new(&self.state, ctx.host, outputs);
        let mut done = Prepared::default();
        match &node.kind {
            Kind::Simple { words, .. } => done.argv = expander.fields(words)?,
            Kind::For { words: Some(words), .. } => done.argv = expander.fields(words)?,
            Kind::For { words: None, .. } => done.argv = self.state.positional.to_vec(),
            Kind::Case { word, arms } => {
                let text = expander.text(word)?;
                'arms: for (nth, (patterns, _)) in arms.iter().enumerate() {
                    for pattern in patterns {
                        if expander.pattern(pattern)?.matches(&text) {
                            done.arm = Some(nth);
                            break 'arms;
                        }
                    }
                }
            }
            Kind::Arith(word) => done.number = expander.arithmetic(word)?,
            Kind::Test(words) => {
                for word in words {
                    done.argv.push(expander.text(word)?);
                }
            }
            _ => {}
        }
        for redir in &node.redirs {
            done.redirs.push((redir.fd, redirect::prepare(&redir.kind, &mut expander)?));
        }
        if let Kind::Simple { assigns, .. } = &node.kind {
            for assign in assigns {
                let mut value = expander.assignment(&assign.value)?;
                if assign.append {
                    value.insert_str(0, self.state.get(&assign.name).unwrap_or_default());
                }
                // Later assignments see the earlier ones.
                expander.assigned.push((assign.name.clone(), value.clone()));
                done.assigns.push((assign.name.clone(), value));
            }
            let own = done.assigns.len();
            let keep = expander.assigned.len() - own;
            done.assigned = expander.assigned.into_iter().take(keep).collect();
        } else {
            done.assigned = expander.assigned;
        }
        Ok(done)
    }

    fn execute(
        &mut self,
        id: TaskId,
        node: &Arc<Node>,
        done: Prepared,
        substituted: bool,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        if !matches!(node.kind, Kind::Simple { .. }) {
            match redirect::apply(id, &done.redirs, &self.state, machine, ctx) {
                Ok(saved) => {
                    if !saved.is_empty() {
                        self.frames.push(Frame::Restore { fds: saved, vars: Vec::new() });
                    }
                    self.begin(id, node, &done, machine, ctx);
                }
                Err(text) => {
                    self.complain(id, &text, machine, ctx);
                    self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
                }
            }
            return;
        }
        if self.state.options.xtrace {
            let mut words: Vec<String> = done.assigns.iter().map(|(name, value)| format!("{name}={value}")).collect();
            words.extend(done.argv.iter().cloned());
            let text = format!("+ {}\n", words.join(" "));
            self.write(id, 2, text.as_bytes(), machine, ctx);
        }
        if done.argv.is_empty() {
            let status = if substituted { self.state.status } else { 0 };
            match redirect::apply(id, &done.redirs, &self.state, machine, ctx) {
                Ok(saved) => self.restore(id, saved, Vec::new(), machine),
                Err(text) => {
                    self.complain(id, &text, machine, ctx);
                    return self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
                }
            }
            for (name, value) in done.assigns {
                if let Err(text) = self.state.set(&name, value) {
                    self.complain(id, &text, machine, ctx);
                    return self.fail_hard(id, machine);
                }
            }
            return self.completed(id, status, machine);
        }
        self.command(id, done.argv, done.assigns, done.redirs, machine, ctx);
    }

    /// Runs a simple command: function, builtin or program.
    pub(super) fn command(
        &mut self,
        id: TaskId,
        argv: Vec<String>,
        assigns: Vec<(String, String)>,
        redirs: Vec<(u32, Target)>,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        let name = argv.first().cloned().unwrap_or_default();
        let function = self.state.functions.get(&name).cloned();
        if function.is_none() && !builtins::is_builtin(&name) {
            return self.external(id, argv, assigns, redirs, false, machine, ctx);
        }
        let saved = match redirect::apply(id, &redirs, &self.state, machine, ctx) {
            Ok(saved) => saved,
            Err(text) => {
                self.complain(id, &text, machine, ctx);
                if builtins::is_special(&name) && !self.is_bash() && !self.state.interactive {
                    return self.leave(id, 2, machine);
                }
                return self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
            }
        };
        if name == "exec" && function.is_none() {
            for (name, value) in assigns {
                self.state.export(&name, &value);
            }
            if argv.len() > 1 {
                return self.external(id, argv[1..].to_vec(), Vec::new(), Vec::new(), true, machine, ctx);
            }
            self.state.status = 0;
            return;
        }
        let mut vars = Vec::new();
        for (name, value) in assigns {
            vars.push((name.clone(), self.state.vars.get(name.as_str()).cloned()));
            self.state.export(&name, &value);
        }
        if !saved.is_empty() || !vars.is_empty() {
            self.frames.push(Frame::Restore { fds: saved, vars });
        }
        if let Some(body) = function {
            let positional = std::mem::replace(&mut self.state.positional, Arc::new(argv[1..].to_vec()));
            self.frames.push(Frame::Function { positional, locals: Vec::new() });
            self.frames.push(Frame::Run(body));
            return;
        }
        match builtins::run(self, id, &argv, machine, ctx) {
            Outcome::Status(status) => self.completed(id, status, machine),
            Outcome::Pushed => {}
            Outcome::Command(argv) => self.external(id, argv, Vec::new(), Vec::new(), false, machine, ctx),
            Outcome::Control(control) => self.control(id, control, machine),
        }
    }

    /// Runs a program or script as a child.
    #[allow(clippy::too_many_arguments, reason = "one place where all parts of a command meet")]
    fn external(
        &mut self,
        id: TaskId,
        argv: Vec<String>,
        assigns: Vec<(String, String)>,
        redirs: Vec<(u32, Target)>,
        replace: bool,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
        let name = argv.first().cloned().unwrap_or_default();
        let saved = match redirect::apply(id, &redirs, &self.state, machine, ctx) {
            Ok(saved) => saved,
            Err(text) => {
                self.complain(id, &text, machine, ctx);
                return self.completed(id, if self.is_bash() { 1 } else { 2 }, machine);
            }
        };
        let mut vars = self.state.environment();
        for (name, value) in assigns {
            vars.insert(name.into(), value);
        }
        let path_var = vars.get("PATH").map(String::as_str).or(self.state.get("PATH")).unwrap_or(DEFAULT_PATH);
        let found = launch::find(&name, path_var, &self.state.cwd, &self.state.cred, ctx.host);
        let (status, text) = match found {
            Found::Missing => (127, self.not_found(&name)),
            Found::Denied => (126, format!("{name}: Permission denied")),
            Found::Directory if self.is_bash() => (126, format!("{name}: Is a directory")),
            Found::Directory => (126, format!("{name}: Permission denied")),
            Found::NoInterpreter(interpreter) => (127, format!("{name}: {interpreter}: not available on this host")),
            found => {
                let exec = Exec {
                    argv,
                    vars,
                    cwd: self.state.cwd.clone(),
                    cred: self.state.cred.clone(),
                    umask: self.state.umask,
                    fds: self.fds(id, machine),
                    caller: self.state.arg0.clone(),
                };
                match launch::start(machine, found, exec, ctx) {
                    Ok(task) => {
                        self.restore(id, saved, Vec::new(), machine);
                        self.frames.push(Frame::Wait { task, exec: replace });
                        return;
                    }
                    Err(text) => (126, text),
                }
            }
        };
        self.complain(id, &text, machine, ctx);
        self.restore(id, saved, Vec::new(), machine);
        if replace {
            return self.leave(id, status, machine);
        }
        self.completed(id, status, machine);
    }

    fn not_found(&self, name: &str) -> String {
        match self.state.dialect {
            Dialect::Dash => format!("{name}: not found"),
            Dialect::Bash if name.contains('/') => format!("{name}: No such file or directory"),
            Dialect::Bash => format!("{name}: command not found"),
        }
    }

    /// `break`, `continue`, `return` and `exit`.
    fn control(&mut self, id: TaskId, control: Control, machine: &mut Machine) {
        match control {
            Control::Exit(status) => self.leave(id, status, machine),
            Control::Return(status) => {
                loop {
                    match self.pop_undoing(id, machine) {
                        Some(Frame::Function { .. }) => break,
                        Some(Frame::Source(source)) if source.returns => break,
                        Some(Frame::Source(source)) if self.frames.is_empty() && self.state.interactive => {
                            self.frames.push(Frame::Source(source));
                            break;
                        }
                        Some(_) => {}
                        None => break,
                    }
                }
                self.state.status = status;
            }
            Control::Loop { count, again } => {
                let boundary = self
                    .frames
                    .iter()
                    .rposition(|frame| matches!(frame, Frame::Function { .. } | Frame::Source(_)))
                    .map_or(0, |at| at + 1);
                let loops = self.frames[boundary..]
                    .iter()
                    .filter(|frame| matches!(frame, Frame::While { .. } | Frame::For { .. }))
                    .count();
                let mut left = count.min(u32::try_from(loops).unwrap_or(u32::MAX));
                self.state.status = 0;
                while left > 0 {
                    match self.pop_undoing(id, machine) {
                        Some(Frame::While { node, .. }) => {
                            left -= 1;
                            if left == 0 && again {
                                self.frames.push(Frame::While { node, in_cond: false, last: 0 });
                            }
                        }
                        Some(frame @ Frame::For { .. }) => {
                            left -= 1;
                            if left == 0 && again {
                                self.frames.push(frame);
                            }
                        }
                        Some(_) => {}
                        None => break,
                    }
                }
            }
        }
    }
}
