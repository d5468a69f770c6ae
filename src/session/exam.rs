//! Labs done as exams: no hints, a limit of time, one submission, and nothing that tells how the
//! tasks stand before it is over.
//!
//! The time is that of the clock on the wall, which the shells read and tell as an input
//! ([`Input::Clock`]): waiting is real, however quickly virtual time runs. Grading recomputes it
//! from the inputs, under the grader's own limit.

use serde::{Deserialize, Serialize};

use super::driver::Session;
use super::input::{Input, InputError};

/// Seconds between two readings of the clock that are kept.
const EVERY: u64 = 10;

/// The terms of an exam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exam {
    /// How many minutes there are.
    pub minutes: u64,
    /// When it began: seconds since 1970 by the student's clock.
    pub began: u64,
}

/// What ended an exam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It goes on.
    NotYet,
    /// It was handed in.
    HandedIn,
    /// The time is over.
    TimeOver,
}

/// How an exam stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExamStanding {
    /// Its terms.
    pub exam: Exam,
    /// Seconds that have passed since it began.
    pub seconds: u64,
    /// What ended it.
    pub stopped: Stopped,
}

impl ExamStanding {
    /// Whole minutes that are left.
    pub fn minutes_left(&self) -> u64 {
        (self.exam.minutes * 60).saturating_sub(self.seconds) / 60
    }
}

impl Session {
    /// The same lab as an exam, before anything was done.
    #[must_use]
    pub fn as_exam(mut self, exam: Exam) -> Session {
        self.set_exam(exam);
        self
    }

    /// How the exam stands; nothing if the lab is not done as one.
    pub fn exam(&self) -> Option<ExamStanding> {
        let exam = self.recording().header.lab.as_ref()?.exam?;
        let mut standing = ExamStanding { exam, seconds: 0, stopped: Stopped::NotYet };
        // The last reading is near the end, and nothing follows what ends an exam.
        for entry in self.recording().entries.iter().rev() {
            match entry {
                super::recording::Entry::Input { input: Input::Clock { seconds }, .. } => {
                    standing.seconds = *seconds;
                    break;
                }
                super::recording::Entry::Input { input: Input::HandIn, .. } => standing.stopped = Stopped::HandedIn,
                _ => {}
            }
        }
        if standing.stopped == Stopped::NotYet && standing.seconds >= exam.minutes * 60 {
            standing.stopped = Stopped::TimeOver;
        }
        Some(standing)
    }

    /// Whether what happens inside must stay hidden: decisions, trace, and how the tasks stand.
    pub fn hides_answers(&self) -> bool {
        self.exam().is_some_and(|standing| standing.stopped == Stopped::NotYet)
    }

    /// Tells what the clock on the wall says, in seconds since 1970. Only an exam cares.
    pub fn tell_clock(&mut self, now: u64) {
        let Some(ExamStanding { exam, seconds, stopped: Stopped::NotYet }) = self.exam() else { return };
        let passed = now.saturating_sub(exam.began);
        if passed >= seconds + EVERY || passed >= exam.minutes * 60 {
            // A clock that was put back is not told.
            let _ = self.apply(Input::Clock { seconds: passed });
        }
    }

    /// Refuses what an exam does not allow.
    pub(super) fn check_exam(&self, input: &Input) -> Result<(), InputError> {
        let refused = |what: &str| Err(InputError::NotPermitted(what.to_owned()));
        let Some(ExamStanding { seconds, stopped, .. }) = self.exam() else {
            return match input {
                Input::Clock { .. } => refused("tell the time: it is no exam"),
                _ => Ok(()),
            };
        };
        match input {
            Input::Pass if stopped != Stopped::TimeOver => Ok(()),
            _ if stopped != Stopped::NotYet => Err(InputError::ExamIsOver),
            Input::Hint { .. } => refused("take hints in an exam"),
            Input::CatchUp { .. } => refused("take over the model solution in an exam"),
            Input::Clock { seconds: told } if *told < seconds => refused("put the clock back"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_left_are_whole_and_never_negative() {
        let exam = Exam { minutes: 10, began: 0 };
        let left = |seconds| ExamStanding { exam, seconds, stopped: Stopped::NotYet }.minutes_left();
        assert_eq!([left(0), left(1), left(599), left(600), left(9_000)], [10, 9, 0, 0, 0]);
    }
}
