//! Who in a shell process talks to the person at its terminal.

use super::exec::Shell;
use super::files::{FileId, Open};
use super::machine::{Body, Machine, Running, TaskId};
use crate::host::console::{Answer, Tty, Typing, Window};
use crate::host::program::Resume;

/// Status of what `^C` ended.
const INTERRUPTED: u8 = 130;
/// Shells and programs that may wait for one another in a chain.
const MAX_DEPTH: usize = 4_096;

/// The terminal that controls a shell process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Controlling {
    keyboard: FileId,
    window: Window,
    /// Whether it is a terminal; else two pipes with somebody at their ends.
    tty: bool,
}

/// The task that a person talks to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader<'a> {
    Shell(&'a Shell),
    Program(&'a Running),
}

impl Machine {
    /// Says that somebody sits at the other end of this input.
    pub fn set_terminal(&mut self, keyboard: FileId, tty: bool) {
        self.controlling = Some(Controlling { keyboard, window: Window::default(), tty });
    }

    /// The size of the terminal.
    pub fn window(&self) -> Window {
        self.controlling.map_or_else(Window::default, |terminal| terminal.window)
    }

    /// Whether somebody is there who can be asked.
    pub(super) fn is_attended(&self) -> bool {
        self.controlling.is_some()
    }

    /// What a program is to know about the terminal.
    pub(super) fn tty_for(&self, stdin: Option<FileId>) -> Option<Tty> {
        let Controlling { keyboard, window, .. } = self.controlling.filter(|terminal| terminal.tty)?;
        Some(Tty { window, is_stdin: stdin == Some(keyboard), ..Tty::default() })
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, new: Window) {
        if let Some(terminal) = &mut self.controlling {
            terminal.window = new;
        }
        for task in self.tasks.values_mut() {
            if let Body::Program(running) = &mut task.body
                && let Some(tty) = &mut running.stdin.tty
            {
                tty.window = new;
            }
        }
    }

    /// Hands a program what was typed for itself; whether there was something.
    pub(super) fn feed_keys(&mut self, running: &mut Running) -> bool {
        let Some(tty) = running.stdin.tty.as_mut().filter(|tty| tty.typing != Typing::Lines) else { return false };
        let Some(Controlling { keyboard, .. }) = self.controlling else { return false };
        let Some(Open::Input { buffer, .. }) = self.files.get_mut(keyboard) else { return false };
        let count = match tty.typing {
            Typing::Hidden => buffer.iter().position(|octet| *octet == b'\n').map_or(0, |end| end + 1),
            _ => buffer.len(),
        };
        tty.keys.extend(buffer.drain(..count));
        count > 0
    }

    /// Whether a program wants passwords or keys just now, so that its standard input gets no lines.
    pub(super) fn takes_keys(&self, running: &Running, stdin: FileId) -> bool {
        let keyboard = self.controlling.map(|terminal| terminal.keyboard);
        keyboard == Some(stdin) && running.stdin.tty.as_ref().is_some_and(|tty| tty.typing != Typing::Lines)
    }

    /// The tasks that a task waits for in the foreground.
    fn waited_for(&self, id: TaskId) -> Vec<TaskId> {
        match self.tasks.get(&id).map(|task| &task.body) {
            Some(Body::Shell(shell)) => shell.foreground(),
            Some(Body::Program(running)) => running.child.iter().map(|(child, _)| *child).collect(),
            _ => Vec::new(),
        }
    }

    /// A task with all that it waits for.
    pub(super) fn family(&self, id: TaskId) -> Vec<TaskId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(task) = found.get(next).copied().filter(|_| next < MAX_DEPTH) {
            let more = self.waited_for(task).into_iter().filter(|task| self.is_alive(*task));
            found.extend(more.collect::<Vec<_>>());
            next += 1;
        }
        found
    }

    fn is_alive(&self, id: TaskId) -> bool {
        self.tasks.get(&id).is_some_and(|task| task.status.is_none())
    }

    /// The innermost task in the foreground, seen from a shell. In a pipeline it is the one that
    /// asks or takes what is typed, else the last.
    pub(super) fn reader(&self, root: TaskId) -> Option<(TaskId, Reader<'_>)> {
        let keyboard = self.controlling.map(|terminal| terminal.keyboard);
        let leaves = self.family(root).into_iter().filter(|id| self.waited_for(*id).is_empty());
        let ranked = leaves.filter_map(|id| {
            let task = self.tasks.get(&id)?;
            let reads = keyboard.is_some() && task.fds.get(&0).map(|fd| fd.file) == keyboard;
            Some(match &task.body {
                Body::Shell(shell) => (u8::from(reads), id, Reader::Shell(shell)),
                Body::Program(running) => {
                    let takes = running.stdin.tty.as_ref().is_some_and(|tty| tty.typing != Typing::Lines);
                    let rank = if running.asks.is_some() || takes { 2 } else { u8::from(reads) };
                    (rank, id, Reader::Program(running))
                }
                _ => return None,
            })
        });
        ranked.max_by_key(|(rank, ..)| *rank).map(|(_, id, reader)| (id, reader))
    }

    /// Gives a program the answer that it waits for.
    pub fn answer(&mut self, id: TaskId, answer: Answer) {
        if let Some(Body::Program(running)) = self.tasks.get_mut(&id).map(|task| &mut task.body)
            && running.asks.take().is_some()
        {
            running.pending.push(Resume::Answered(Some(answer)));
        }
    }

    /// `^C`: ends what runs in the foreground of the innermost shell that a person types to, which
    /// then gives the prompt back.
    pub fn interrupt(&mut self, root: TaskId) {
        let shell_id = self.typed_shell(root);
        for id in self.family(shell_id).into_iter().skip(1) {
            // What it had read of the keyboard is gone with it.
            if let Some(Body::Program(running)) = self.tasks.get_mut(&id).map(|task| &mut task.body) {
                running.stdin.buffer.clear();
            }
            self.end(id, INTERRUPTED);
        }
        let Some(task) = self.tasks.get_mut(&shell_id) else { return };
        if let Body::Shell(mut shell) = std::mem::replace(&mut task.body, Body::Busy) {
            shell.interrupt(shell_id, self);
            self.put_back(shell_id, Body::Shell(shell));
        }
    }

    /// Stops a task with all that it waits for.
    pub(super) fn stop(&mut self, id: TaskId) {
        self.set_stopped(id, true);
    }

    /// Lets a stopped task go on.
    pub(super) fn resume(&mut self, id: TaskId) {
        self.set_stopped(id, false);
    }

    fn set_stopped(&mut self, id: TaskId, stopped: bool) {
        for id in self.family(id) {
            if let Some(task) = self.tasks.get_mut(&id) {
                task.stopped = stopped;
            }
        }
    }

    /// The innermost shell that a person types to.
    pub(super) fn typed_shell(&self, root: TaskId) -> TaskId {
        let interactive = |id: &TaskId| match self.tasks.get(id).map(|task| &task.body) {
            Some(Body::Shell(shell)) => shell.state.interactive,
            _ => false,
        };
        self.family(root).into_iter().rfind(interactive).unwrap_or(root)
    }

    /// `^Z`: stops what runs in the foreground; what its shell says then. `None` if nothing runs.
    pub fn suspend(&mut self, root: TaskId) -> Option<String> {
        let shell_id = self.typed_shell(root);
        let tasks: Vec<TaskId> = self.waited_for(shell_id).into_iter().filter(|task| self.is_alive(*task)).collect();
        if tasks.is_empty() {
            return None;
        }
        tasks.iter().for_each(|task| self.stop(*task));
        let body = std::mem::replace(&mut self.tasks.get_mut(&shell_id)?.body, Body::Busy);
        let Body::Shell(mut shell) = body else {
            self.put_back(shell_id, body);
            return None;
        };
        let said = shell.suspend(shell_id, tasks, self);
        self.put_back(shell_id, Body::Shell(shell));
        Some(said)
    }

    /// `^D`: ends the input of the programs in the foreground that read what is typed.
    pub fn end_of_typed_input(&mut self, root: TaskId) {
        let Some(Controlling { keyboard, .. }) = self.controlling else { return };
        for id in self.family(root).into_iter().skip(1) {
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            let reads = task.fds.get(&0).is_some_and(|fd| fd.file == keyboard);
            match &mut task.body {
                Body::Program(running) if reads && running.child.is_none() => {
                    running.stdin.eof = true;
                    running.pending.push(Resume::Stdin);
                }
                Body::Shell(shell) if reads => shell.end_input(),
                _ => {}
            }
        }
    }
}
