//! Lists, pipelines, loops and conditions, and the flow of control through them.

use std::sync::Arc;

use super::ast::{Kind, Node};
use super::builtins::{self, Control};
use super::exec::{Frame, Shell};
use super::files::{Fd, Open};
use super::machine::{Machine, TaskId};
use super::simple::Prepared;
use crate::host::process::Ctx;

impl Shell {
    /// A copy of this shell as a task of its own.
    pub(super) fn subshell(&self, node: Arc<Node>) -> Shell {
        let mut state = self.state.clone();
        state.interactive = false;
        state.traps.clear();
        let frames = vec![Frame::Run(node)];
        Shell { frames, ..Shell::new(state) }
    }

    pub(super) fn cannot_fork(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        if machine.make_room(id) {
            self.complain(id, "fork: Resource temporarily unavailable", machine, ctx);
            self.jobs.clear();
            self.interrupt(id, machine);
            self.state.status = 254;
            return;
        }
        self.complain(id, "Cannot fork", machine, ctx);
        self.leave(id, 2, machine);
    }

    pub(super) fn run(&mut self, id: TaskId, node: &Arc<Node>, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        self.state.line = node.line;
        match &node.kind {
            Kind::Simple { .. } | Kind::For { .. } | Kind::Case { .. } | Kind::Arith(_) | Kind::Test(_) => {
                self.frames.push(Frame::Prepare { node: Arc::clone(node), outputs: Vec::new(), files: Vec::new() });
            }
            _ if !node.redirs.is_empty() => {
                self.frames.push(Frame::Prepare { node: Arc::clone(node), outputs: Vec::new(), files: Vec::new() });
            }
            _ => self.begin(id, node, &Prepared::default(), machine, ctx),
        }
    }

    /// Begins a compound command whose words and redirections are done.
    pub(super) fn begin(
        &mut self,
        id: TaskId,
        node: &Arc<Node>,
        done: &Prepared,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
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

    pub(super) fn list(&mut self, id: TaskId, node: Arc<Node>, next: usize, machine: &mut Machine, ctx: &mut Ctx<'_>) {
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
        // A job in the background gets nothing of what is typed.
        let file = machine.files.add(Open::Null);
        fds.insert(0, Fd { file, write: false });
        let pid = ctx.host.next_proc().0;
        let command = self.history.last().map_or("", String::as_str).trim_end_matches(['&', ' ']).to_owned();
        match machine.add_shell(shell, fds, pid, command.clone()) {
            Ok(task) => {
                if let Some(task) = machine.task_mut(task) {
                    task.background = true;
                }
                let number = self.add_job(vec![task], command, pid);
                self.state.last_background = Some(pid);
                self.state.status = 0;
                if self.state.interactive {
                    let text = format!("[{number}] {pid}\n");
                    self.write(id, 2, text.as_bytes(), machine, ctx);
                }
            }
            Err(_) => self.cannot_fork(id, machine, ctx),
        }
    }

    pub(super) fn pipeline(
        &mut self,
        id: TaskId,
        stages: &[Arc<Node>],
        negate: bool,
        machine: &mut Machine,
        ctx: &mut Ctx<'_>,
    ) {
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

    pub(super) fn pipeline_ended(
        &mut self,
        id: TaskId,
        tasks: Vec<TaskId>,
        negate: bool,
        machine: &mut Machine,
    ) -> bool {
        if tasks.iter().any(|task| machine.task(*task).is_some_and(|task| task.status.is_none())) {
            self.frames.push(Frame::Pipeline { tasks, negate });
            return false;
        }
        let all: Vec<u8> = tasks.iter().map(|task| machine.reap(*task).unwrap_or(0)).collect();
        let failed = all.iter().rev().find(|status| self.state.options.pipefail && **status != 0);
        let status = failed.or(all.last()).copied().unwrap_or(0);
        if negate {
            self.state.status = u8::from(status == 0);
        } else {
            self.completed(id, status, machine);
        }
        true
    }

    pub(super) fn wait_all(&mut self, tasks: Vec<TaskId>, machine: &mut Machine) -> bool {
        if tasks.iter().any(|task| machine.task(*task).is_some_and(|task| task.status.is_none())) {
            self.frames.push(Frame::WaitAll(tasks));
            return false;
        }
        self.state.status = tasks.iter().map(|task| machine.reap(*task).unwrap_or(127)).next_back().unwrap_or(0);
        self.jobs.retain(|job| !job.tasks.iter().any(|task| tasks.contains(task)));
        true
    }

    pub(super) fn while_loop(&mut self, node: Arc<Node>, in_cond: bool, last: u8) {
        let Kind::While { until, cond, body, step } = &node.kind else { return };
        if !in_cond {
            let last = self.state.status;
            let (cond, step) = (Arc::clone(cond), step.clone());
            self.frames.push(Frame::While { node, in_cond: true, last });
            self.frames.push(Frame::Run(cond));
            self.frames.extend(step.map(Frame::Run));
        } else if (self.state.status == 0) != *until {
            let body = Arc::clone(body);
            self.frames.push(Frame::While { node, in_cond: false, last });
            self.frames.push(Frame::Run(body));
        } else {
            self.state.status = last;
        }
    }

    pub(super) fn for_loop(
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

    /// `break`, `continue`, `return` and `exit`.
    pub(super) fn control(&mut self, id: TaskId, control: Control, machine: &mut Machine) {
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
