//! Turns: who is stepped, for how long, and who has to go when it is too much.

use std::collections::BTreeSet;

use super::program::note_writes;
use super::{Body, KILLED_BY_SIGNAL, MAX_TASKS, Machine, SLICE_TOKEN, TaskId};
use crate::host::process::Ctx;
use crate::host::shell::files::FileId;

/// Places among them that a command typed by a person finds free.
const RESERVE: usize = 32;
/// Steps until other processes get a turn; then virtual time passes.
const SLICE: u64 = 20_000;
/// Virtual time that a slice takes.
const SLICE_MICROS: u64 = 20_000;
/// Steps after which a shell process is ended: a minute or so of a real machine's time.
const MAX_STEPS: u64 = 1_000_000;
/// Likewise: too much time was used.
const KILLED_BY_TIME: u8 = 152;

impl Machine {
    /// Steps all tasks until all of them wait, or a slice is used up.
    pub fn run(&mut self, ctx: &mut Ctx<'_>) {
        ctx.host.vfs.begin_journal();
        self.run_slice(ctx);
        note_writes("sh", ctx);
        ctx.host.vfs.end_journal();
    }

    pub(super) fn run_slice(&mut self, ctx: &mut Ctx<'_>) {
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
    pub(super) fn out_of_time(&mut self, ctx: &mut Ctx<'_>) {
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
    pub(super) fn end_others(&mut self, shell: Option<TaskId>, status: u8) {
        let mut kept = self.lasting.map(|root| self.family(root)).unwrap_or_default();
        let count = shell.and_then(|shell| kept.iter().position(|id| *id == shell)).map_or(0, |place| place + 1);
        kept.truncate(count);
        let ids: Vec<TaskId> = self.tasks.keys().copied().filter(|id| !kept.contains(id)).collect();
        ids.into_iter().for_each(|id| self.end(id, status));
    }

    /// Whether this shell outlives what it runs.
    pub(in crate::host::shell) fn is_lasting(&self, id: TaskId) -> bool {
        self.lasting == Some(id)
    }

    /// Forgets tasks that have ended and that nobody will ask for; if there are still hardly any
    /// places left, the others are ended, so that a command that a person types can run.
    pub(super) fn make_room_for_command(&mut self) {
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

    pub(super) fn forget_orphans(&mut self) {
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
    pub(in crate::host::shell) fn make_room(&mut self, id: TaskId) -> bool {
        if self.lasting != Some(id) {
            return false;
        }
        self.end_others(Some(id), KILLED_BY_SIGNAL);
        self.tasks.retain(|own, task| *own == id || task.status.is_none());
        true
    }

    /// One step of a task; whether it could make one.
    pub(super) fn step(&mut self, id: TaskId, ctx: &mut Ctx<'_>) -> bool {
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
}
