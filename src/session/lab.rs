//! Doing a lab: how its tasks stand, answers and hints so far, and scripts played as a student.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::driver::Session;
use super::input::{Input, InputError};
use crate::host::Exit;
use crate::lab::Instance;
use crate::lab::check::{Answers, Bench, Finding};
use crate::lab::judge::{Outcome, Report, judge};
use crate::lab::script::{self, Step};
use crate::lab::written::{Question, Text};
use crate::sim::{Duration, HostId, ProcId, Time};
use crate::trace::EventId;

/// Key of a student's own probes; a grader uses another one.
const OWN_KEY: u64 = 1;
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
    /// The model solution has no such stage.
    #[error("the model solution cannot be taken over up to task {task}; it can up to: {}", known.join(", "))]
    NoStage {
        /// The task.
        task: String,
        /// Tasks for which it can.
        known: Vec<String>,
    },
    /// The world of the lab cannot be built.
    #[error(transparent)]
    Build(#[from] crate::scenario::BuildError),
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
        let mut report = judge(&lab.lab, &self.hints(), &bench);
        report.take_over(&self.taken_over(), lab.lab.pass);
        Some(report)
    }

    /// How the tasks stand, for the student's own eyes; nothing while an exam goes on.
    pub fn progress(&self) -> Option<Report> {
        if self.hides_answers() { None } else { self.judge(OWN_KEY) }
    }

    /// The tasks whose work was taken over from the model solution: those that come before in the
    /// lab or in the solution.
    fn taken_over(&self) -> BTreeSet<String> {
        let Some(lab) = self.lab() else { return BTreeSet::new() };
        let mut taken = BTreeSet::new();
        for (_, input) in self.recording().inputs() {
            let Input::CatchUp { task } = input else { continue };
            let earlier = lab.lab.tasks.iter().map(|known| &known.id).take_while(|id| *id != task);
            let stage = script::stages(&lab.solution).find(|stage| stage.task == task);
            taken.extend(earlier.chain(stage.into_iter().flat_map(script::Stage::tasks_before)).cloned());
        }
        taken
    }

    /// The tasks up to which the model solution's work can be taken over.
    pub fn stages(&self) -> Vec<String> {
        let Some(lab) = self.lab() else { return Vec::new() };
        script::stages(&lab.solution).skip(1).map(|stage| stage.task.clone()).collect()
    }

    /// Begins a lab again with the work of the model solution for the tasks before `task`, which
    /// earn nothing then.
    ///
    /// # Errors
    /// The solution has no such stage, or cannot be played.
    pub fn caught_up(lab: Arc<Instance>, task: &str) -> Result<Session, PlayError> {
        let mut session = Session::for_lab(lab.clone())?;
        let Some(stage) = script::stages(&lab.solution).skip(1).find(|stage| stage.task == task) else {
            return Err(PlayError::NoStage { task: task.to_owned(), known: session.stages() });
        };
        session.apply(Input::CatchUp { task: task.to_owned() })?;
        session.play(stage.steps)?;
        Ok(session)
    }

    /// The moment up to which a task was done for the first time: a stage to return to.
    pub fn when_done(&self, task: &str) -> Option<Time> {
        let is_done = |session: &Session| {
            let report = session.progress();
            report.is_some_and(|report| {
                report.tasks.iter().any(|known| known.id == task && known.outcome == Outcome::Done)
            })
        };
        let mut again = Session::for_lab(self.lab()?.clone()).ok()?;
        for (time, input) in self.recording().inputs() {
            // Just before the next input, so that it does not belong to the stage.
            let before = Time::from_micros(time.micros().saturating_sub(1)).max(again.world().now());
            again.advance(before);
            if is_done(&again) {
                return Some(before);
            }
            again.advance(time);
            again.apply(input.clone()).ok()?;
        }
        again.advance(self.world().now());
        is_done(&again).then(|| again.world().now())
    }

    /// Goes back to the moment at which a task was done; false if it never was.
    pub fn return_to(&mut self, task: &str) -> bool {
        let Some(moment) = self.when_done(task) else { return false };
        self.rewind(moment);
        true
    }

    /// How the last answer to a question of a task stands; nothing if there is no such question.
    pub fn answered(&self, question: &str) -> Option<Finding> {
        let lab = self.lab()?;
        let answers = self.replies();
        let (world, before) = (self.world(), self.beginning());
        let bench = Bench { world, before, since: self.set_up_events(), answers: &answers, key: OWN_KEY };
        let parts = lab.lab.tasks.iter().flat_map(|task| &task.parts);
        let asked = parts.flat_map(|part| part.check.answers()).find(|answer| answer.id == question)?;
        Some(asked.look(&bench))
    }

    /// The event that a question is to be asked before: the first one of its kind so far.
    pub fn decisive(&self, question: &Question) -> Option<EventId> {
        let answers = Answers::new();
        let (world, before) = (self.world(), self.beginning());
        let bench = Bench { world, before, since: self.set_up_events(), answers: &answers, key: 0 };
        question.before.as_ref()?.find(&bench).into_iter().next()
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
                Step::Task(_) => {}
                Step::Write { host, path, text } => {
                    self.apply(Input::Write { host: host.clone(), path: path.clone(), text: text.clone() })?;
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
