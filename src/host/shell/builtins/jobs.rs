//! `jobs`, `fg`, `bg`, `kill` and `wait`.

use super::{Call, Outcome};
use crate::host::process::Signal;
use crate::host::shell::exec::Frame;
use crate::host::shell::machine::TaskId;
use crate::sim::ProcId;

/// What `kill` does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// Nothing: whether the process is there (`kill -0`).
    Look,
    Stop,
    Continue,
    End(Signal, u8),
}

impl Blow {
    fn parse(name: &str) -> Option<Blow> {
        Some(match name.trim_start_matches("SIG") {
            "0" => Blow::Look,
            "1" | "HUP" => Blow::End(Signal::Hup, 1),
            "2" | "INT" => Blow::End(Signal::Int, 2),
            "9" | "KILL" => Blow::End(Signal::Kill, 9),
            "15" | "TERM" => Blow::End(Signal::Term, 15),
            "18" | "CONT" => Blow::Continue,
            "19" | "20" | "STOP" | "TSTP" => Blow::Stop,
            _ => return None,
        })
    }
}

/// The names of signals in order of their numbers, from 1 (signal(7)).
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

impl Call<'_, '_> {
    pub(super) fn jobs(&mut self) -> Outcome {
        let only_ids = self.args.first().is_some_and(|arg| arg == "-p");
        let long = self.args.first().is_some_and(|arg| arg == "-l");
        let mut text = String::new();
        for job in &self.shell.jobs {
            let line = self.shell.job_line(job, self.machine);
            match line.split_once("  ").filter(|_| long) {
                _ if only_ids => text.push_str(&format!("{}\n", job.pid)),
                Some((number, rest)) => text.push_str(&format!("{number} {} {rest}", job.pid)),
                None => text.push_str(&line),
            }
        }
        self.out(&text)
    }

    /// The number of the job that an argument names, or a message.
    fn named_job(&mut self, tool: &str) -> Result<u32, Outcome> {
        let spec = self.args.first().map_or("", String::as_str);
        match self.shell.job(spec) {
            Some(job) => Ok(job.number),
            None => {
                let shown = if spec.is_empty() { "current" } else { spec };
                Err(self.fail(&format!("{tool}: {shown}: no such job"), 1))
            }
        }
    }

    pub(super) fn fg(&mut self) -> Outcome {
        let number = match self.named_job("fg") {
            Ok(number) => number,
            Err(outcome) => return outcome,
        };
        let Some(place) = self.shell.jobs.iter().position(|job| job.number == number) else {
            return Outcome::Status(1);
        };
        let job = self.shell.jobs.remove(place);
        self.out(&format!("{}\n", job.command));
        for task in &job.tasks {
            self.machine.resume(*task);
            if let Some(task) = self.machine.task_mut(*task) {
                task.background = false;
            }
        }
        self.shell.frames.push(Frame::Pipeline { tasks: job.tasks, negate: false });
        Outcome::Pushed
    }

    pub(super) fn bg(&mut self) -> Outcome {
        let number = match self.named_job("bg") {
            Ok(number) => number,
            Err(outcome) => return outcome,
        };
        let Some(job) = self.shell.jobs.iter().find(|job| job.number == number).cloned() else {
            return Outcome::Status(1);
        };
        for task in &job.tasks {
            self.machine.resume(*task);
            if let Some(task) = self.machine.task_mut(*task) {
                task.background = true;
            }
        }
        self.out(&format!("[{number}]+ {} &\n", job.command))
    }

    /// The tasks that `kill` or `wait` name by process id or job.
    fn tasks_of(&self, text: &str) -> Vec<TaskId> {
        if text.starts_with('%') {
            return self.shell.job(text).map_or(Vec::new(), |job| job.tasks.clone());
        }
        let Ok(pid) = text.parse::<u32>() else { return Vec::new() };
        self.machine.tasks().filter(|(_, task)| task.pid == pid).map(|(id, _)| id).collect()
    }

    pub(super) fn kill(&mut self) -> Outcome {
        let mut blow = Blow::End(Signal::Term, 15);
        let mut targets = self.args;
        if let Some(name) = targets.first().and_then(|arg| arg.strip_prefix('-')).map(str::to_owned) {
            targets = &targets[1..];
            let name = if name == "s" { targets.split_off_first().cloned().unwrap_or_default() } else { name };
            if name == "l" || name == "L" {
                return self.list_signals(targets);
            }
            let name = if name == "n" { targets.split_off_first().cloned().unwrap_or_default() } else { name };
            blow = match Blow::parse(&name) {
                Some(blow) => blow,
                None if self.is_bash() => return self.fail(&format!("kill: {name}: invalid signal specification"), 1),
                None => return self.fail(&format!("kill: Illegal option -{name}"), 2),
            };
        }
        if targets.is_empty() {
            let bash = "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]";
            if self.is_bash() {
                self.shell.write(self.id, 2, format!("{bash}\n").as_bytes(), self.machine, self.ctx);
                return Outcome::Status(2);
            }
            return self.fail("kill: No current job", 2);
        }
        for target in targets {
            let tasks = self.tasks_of(target);
            match target.parse::<u32>() {
                _ if !tasks.is_empty() => tasks.into_iter().for_each(|task| self.strike(task, blow)),
                Ok(pid) if pid <= self.ctx.host.last_proc && pid > 0 => {
                    if let Blow::End(signal, _) = blow {
                        self.ctx.signal(ProcId(pid), signal);
                    }
                }
                Err(_) if target.starts_with('%') && self.is_bash() => {
                    return self.fail(&format!("kill: {target}: no such job"), 1);
                }
                Err(_) if self.is_bash() => {
                    return self.fail(&format!("kill: {target}: arguments must be process or job IDs"), 1);
                }
                _ => return self.fail(&format!("kill: ({target}) - No such process"), 1),
            }
        }
        Outcome::Status(0)
    }

    /// `kill -l`: the names of all signals, or of these numbers, or the numbers of these names.
    fn list_signals(&mut self, wanted: &[String]) -> Outcome {
        if wanted.is_empty() {
            let mut text = String::new();
            for (nth, name) in SIGNALS.iter().enumerate() {
                let end = if nth % 5 == 4 || nth + 1 == SIGNALS.len() { "\n" } else { "\t" };
                text.push_str(&format!("{:2}) SIG{name}{end}", nth + 1));
            }
            return self.out(&text);
        }
        let mut text = String::new();
        for word in wanted {
            let number = word.parse::<usize>().ok().map(|number| if number > 128 { number - 128 } else { number });
            let by_number = number.and_then(|number| SIGNALS.get(number.wrapping_sub(1)));
            let by_name = SIGNALS.iter().position(|name| *name == word.trim_start_matches("SIG"));
            match (by_number, by_name) {
                (Some(name), _) => text.push_str(&format!("{name}\n")),
                (None, Some(place)) => text.push_str(&format!("{}\n", place + 1)),
                (None, None) => return self.fail(&format!("kill: {word}: invalid signal specification"), 1),
            }
        }
        self.out(&text)
    }

    fn strike(&mut self, task: TaskId, blow: Blow) {
        match blow {
            Blow::Look => {}
            Blow::Stop => self.machine.stop(task),
            Blow::Continue => self.machine.resume(task),
            Blow::End(_, number) => {
                self.machine.resume(task);
                for task in self.machine.family(task) {
                    self.machine.end(task, 128 + number);
                }
            }
        }
    }

    pub(super) fn wait(&mut self) -> Outcome {
        let mut tasks = Vec::new();
        for arg in self.args {
            let named = self.tasks_of(arg);
            if named.is_empty() {
                if !self.is_bash() {
                    return Outcome::Status(127);
                }
                let text = match arg.starts_with('%') {
                    true => format!("wait: {arg}: no such job"),
                    false => format!("wait: pid {arg} is not a child of this shell"),
                };
                return self.fail(&text, 127);
            }
            tasks.extend(named);
        }
        if self.args.is_empty() {
            tasks = self.shell.jobs.iter().flat_map(|job| job.tasks.iter().copied()).collect();
        }
        // Without arguments the status is 0, whatever the jobs say.
        self.shell.frames.push(Frame::WaitAll(tasks));
        Outcome::Pushed
    }
}
