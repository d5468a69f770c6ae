//! Jobs: commands in the background, and those that were stopped.

use super::exec::{Frame, Shell};
use super::machine::{Machine, TaskId};
use crate::host::process::Ctx;

/// A command that the shell does not wait for.
#[derive(Clone, Debug)]
pub struct Job {
    /// What `%` and this number name.
    pub number: u32,
    /// Its tasks, in the order of their pipeline.
    pub tasks: Vec<TaskId>,
    /// The command line.
    pub command: String,
    /// Its process id.
    pub pid: u32,
}

impl Job {
    /// What `jobs` says about it.
    pub fn state(&self, machine: &Machine) -> String {
        if self.tasks.iter().any(|task| machine.task(*task).is_some_and(|task| task.stopped)) {
            return "Stopped".into();
        }
        match self.status(machine) {
            None => "Running".into(),
            Some(0) => "Done".into(),
            Some(129) => "Hangup".into(),
            Some(130) => "Interrupt".into(),
            Some(137) => "Killed".into(),
            Some(143) => "Terminated".into(),
            Some(status) => format!("Exit {status}"),
        }
    }

    /// The status of its last task, once all have ended.
    fn status(&self, machine: &Machine) -> Option<u8> {
        let mut last = 0;
        for task in self.tasks.iter().filter_map(|task| machine.task(*task)) {
            last = task.status?;
        }
        Some(last)
    }
}

impl Shell {
    /// Remembers a job; its number.
    pub(super) fn add_job(&mut self, tasks: Vec<TaskId>, command: String, pid: u32) -> u32 {
        let number = self.jobs.last().map_or(1, |job| job.number + 1);
        self.jobs.push(Job { number, tasks, command, pid });
        number
    }

    /// The job that `%1`, `%%`, `%-` or `%name` names; the current one for an empty text.
    pub fn job(&self, spec: &str) -> Option<&Job> {
        match spec.strip_prefix('%').unwrap_or(spec) {
            "" | "%" | "+" => self.jobs.last(),
            "-" => self.jobs.iter().rev().nth(1).or(self.jobs.last()),
            name => match name.parse::<u32>() {
                Ok(number) => self.jobs.iter().find(|job| job.number == number),
                Err(_) => self.jobs.iter().rev().find(|job| job.command.starts_with(name)),
            },
        }
    }

    /// The line of a job: `[1]+  Running                 sleep 5 &`.
    pub fn job_line(&self, job: &Job, machine: &Machine) -> String {
        let place = self.jobs.iter().rev().position(|other| other.number == job.number);
        let mark = match place {
            Some(0) => '+',
            Some(1) => '-',
            _ => ' ',
        };
        let state = job.state(machine);
        let after = if state == "Running" { " &" } else { "" };
        format!("[{}]{mark}  {state:<24}{}{after}\n", job.number, job.command)
    }

    /// Says which jobs have ended, and forgets them.
    pub(super) fn report_jobs(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let ended: Vec<Job> = self.jobs.iter().filter(|job| job.status(machine).is_some()).cloned().collect();
        if ended.is_empty() {
            return;
        }
        let text: String = ended.iter().map(|job| self.job_line(job, machine)).collect();
        for job in ended {
            for task in &job.tasks {
                machine.reap(*task);
            }
            self.jobs.retain(|other| other.number != job.number);
        }
        self.write(id, 2, text.as_bytes(), machine, ctx);
    }

    /// Goes back to the prompt and leaves what runs as a stopped job (`^Z`).
    pub(super) fn suspend(&mut self, id: TaskId, tasks: Vec<TaskId>, machine: &mut Machine) -> String {
        while self.frames.len() > 1 {
            self.pop_undoing(id, machine);
        }
        if let Some(Frame::Source(source)) = self.frames.last_mut() {
            source.prompted = false;
            source.waits = false;
        }
        let pid = tasks.first().and_then(|task| machine.task(*task)).map_or(0, |task| task.pid);
        let command = self.history.last().cloned().unwrap_or_default();
        let number = self.add_job(tasks, command, pid);
        self.state.status = 148;
        match self.jobs.iter().find(|job| job.number == number) {
            Some(job) => self.job_line(job, machine),
            None => String::new(),
        }
    }
}
