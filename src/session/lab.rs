//! Doing a lab: how its tasks stand, answers and hints so far, and scripts played as a student.

use std::collections::BTreeMap;

use super::driver::Session;
use super::input::{Input, InputError};
use crate::host::Exit;
use crate::lab::check::{Answers, Bench, Finding};
use crate::lab::judge::{Report, judge};
use crate::lab::script::Step;
use crate::lab::written::Text;
use crate::sim::{Duration, HostId, ProcId, Time};

/// Longest time that a block of a script may take.
const BLOCK_LIMIT: Duration = Duration::from_secs(900);
/// Time without an event after which mail has come to rest.
const QUIET: Duration = Duration::from_secs(3);
/// Longest time that is waited for rest.
const REST_LIMIT: Duration = Duration::from_secs(120);

/// Why a script cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlayError {
    /// A step is not possible.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Commands do not end.
    #[error("on {host}: the commands do not end: {lines}")]
    Endless {
        /// Where.
        host: String,
        /// What was run.
        lines: String,
    },
}

impl Session {
    /// The answers given so far.
    pub fn replies(&self) -> Answers {
        let mut answers = Answers::new();
        for (_, input) in self.recording().inputs() {
            if let Input::Reply { question, text } = input {
                answers.entry(question.clone()).or_default().push(text.clone());
            }
        }
        answers
    }

    /// The number of hints taken so far, by task.
    pub fn hints(&self) -> BTreeMap<String, u64> {
        let mut hints = BTreeMap::new();
        for (_, input) in self.recording().inputs() {
            if let Input::Hint { task } = input {
                *hints.entry(task.clone()).or_default() += 1;
            }
        }
        hints
    }

    /// How the lab's tasks stand; nothing if no lab is being done. Probes take their names from
    /// `key`: a grader's differs from the student's own.
    pub fn judge(&self, key: u64) -> Option<Report> {
        let lab = self.lab()?;
        let answers = self.replies();
        let (world, before) = (self.world(), self.beginning());
        let bench = Bench { world, before, since: self.set_up_events(), answers: &answers, key };
        Some(judge(&lab.lab, &self.hints(), &bench))
    }

    /// How the last answer to a question of a task stands; nothing if there is no such question.
    pub fn answered(&self, question: &str, key: u64) -> Option<Finding> {
        let lab = self.lab()?;
        let answers = self.replies();
        let (world, before) = (self.world(), self.beginning());
        let bench = Bench { world, before, since: self.set_up_events(), answers: &answers, key };
        let parts = lab.lab.tasks.iter().flat_map(|task| &task.parts);
        let asked = parts.flat_map(|part| part.check.answers()).find(|answer| answer.id == question)?;
        Some(asked.look(&bench))
    }

    /// Takes the next hint for a task; nothing if there is none left.
    ///
    /// # Errors
    /// There is no such task.
    pub fn take_hint(&mut self, task: &str) -> Result<Option<Text>, InputError> {
        let taken = self.hints().get(task).copied().unwrap_or_default() as usize;
        let known = self.lab().and_then(|lab| lab.lab.tasks.iter().find(|known| known.id == task));
        let known = known.ok_or_else(|| InputError::UnknownPart("task", task.to_owned()))?;
        let hint = known.hints.get(taken).cloned();
        if hint.is_some() {
            self.apply(Input::Hint { task: task.to_owned() })?;
        }
        Ok(hint)
    }

    /// Plays a script as the student would.
    ///
    /// # Errors
    /// A step is not permitted or not possible, or does not end.
    pub fn play(&mut self, steps: &[Step]) -> Result<(), PlayError> {
        for step in steps {
            match step {
                Step::Run { host, user, lines } => {
                    self.run_to_rest(host, user, lines)?;
                }
                Step::Wait(time) => {
                    self.advance(self.world().now() + *time);
                    self.apply(Input::Pass)?;
                }
                Step::Power { host, up } => {
                    self.apply(Input::Power { host: host.clone(), up: *up })?;
                }
                Step::Answer { id, text } => {
                    self.apply(Input::Reply { question: id.clone(), text: text.clone() })?;
                }
                Step::AnswerFrom { id, host, run } => {
                    let text = self.peek(host, run);
                    self.apply(Input::Reply { question: id.clone(), text })?;
                }
            }
        }
        Ok(())
    }

    /// Runs commands on a host, and lets time pass until mail has come to rest.
    ///
    /// # Errors
    /// It is not permitted or not possible, or does not end.
    pub fn run_to_rest(&mut self, host: &str, user: &str, lines: &str) -> Result<Exit, PlayError> {
        let (line, stdin) = (lines.to_owned(), String::new());
        let started = self.apply(Input::Command { host: host.into(), user: user.into(), line, stdin })?;
        let ended = started.and_then(|(id, proc)| self.wait(id, proc));
        let exit = ended.ok_or_else(|| PlayError::Endless { host: host.into(), lines: lines.into() })?;
        self.rest();
        Ok(exit)
    }

    /// What a command prints, without leaving a trace.
    fn peek(&self, host: &str, run: &str) -> String {
        let mut copy = self.clone();
        copy.allow_everything();
        let input = Input::Command { host: host.into(), user: "root".into(), line: run.into(), stdin: String::new() };
        let Ok(Some((id, proc))) = copy.apply(input) else { return String::new() };
        let exit = copy.wait(id, proc).unwrap_or_default();
        String::from_utf8_lossy(&exit.stdout).trim().to_owned()
    }

    fn wait(&mut self, host: HostId, proc: ProcId) -> Option<Exit> {
        let end = self.world().now() + BLOCK_LIMIT;
        loop {
            if let Some(exit) = self.exited(host, proc) {
                return Some(exit);
            }
            if self.world().now() >= end {
                return None;
            }
            let next = self.world().next_time().unwrap_or(end).min(end);
            self.advance(next);
        }
    }

    /// Lets time pass until mail has come to rest.
    fn rest(&mut self) {
        let end = self.world().now() + REST_LIMIT;
        loop {
            let now = self.world().now();
            let next = self.world().next_time().unwrap_or(end);
            if next > now + QUIET || next > end {
                break;
            }
            self.advance(next.max(now + Duration::from_micros(1)));
        }
        let rested: Time = (self.world().now() + QUIET).min(end);
        self.advance(rested);
        // The moment is kept, so that a replay ends there, too.
        let _ = self.apply(Input::Pass);
    }
}
