//! Recordings played again: what was done once is done once more, and differences are found.

use std::sync::Arc;

use super::driver::Session;
use super::input::InputError;
use super::recording::{ENGINE, Entry, Header, Recording};
use crate::lab::Instance;
use crate::scenario::{BuildError, Scenario};
use crate::sim::Time;
use crate::world::Spent;

/// Why a recording cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The scenario has no world.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The recording was made with another version of the scenario.
    #[error("the recording belongs to another version of the scenario `{0}`")]
    OtherScenario(String),
    /// The recording was made with another version of the lab, or in another variant of it.
    #[error("the recording belongs to another version or variant of the lab `{0}`")]
    OtherLab(String),
    /// An input does not fit.
    #[error("input {0}: {1}")]
    Input(u64, InputError),
}

/// A digest of a recording that the replay did not reproduce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The moment of the digest.
    pub time: Time,
    /// Whether the engines are the same, so that it should have been reproduced.
    pub comparable: bool,
    /// Number of the last input before it: the one that had another effect, or the last of several.
    pub step: u64,
}

/// A recording played again, with what was found on the way.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The session as it was at the end.
    pub session: Session,
    /// Digests that were not reproduced.
    pub drift: Vec<Drift>,
    /// Inputs that were not possible or not permitted, by number.
    pub refused: Vec<(u64, InputError)>,
    /// Which part of the session's allowance was spent, and by which input; it was not played on.
    pub spent: Option<(u64, Spent)>,
}

impl Session {
    /// Plays a recording again. With the digests that were not reproduced.
    ///
    /// # Errors
    /// The recording does not belong to this scenario.
    pub fn replay(scenario: Arc<Scenario>, recording: &Recording) -> Result<(Session, Vec<Drift>), ReplayError> {
        let Header { scenario_digest, seed, level, script, .. } = &recording.header;
        if *scenario_digest != scenario.digest {
            return Err(ReplayError::OtherScenario(scenario.name.clone()));
        }
        let mut session = Session::new(scenario, Some(*seed), Some(*level))?;
        if !script {
            session = session.without_script();
        }
        let replayed = session.play_again(recording);
        match replayed.refused.into_iter().next() {
            Some((seq, error)) => Err(ReplayError::Input(seq, error)),
            None => Ok((replayed.session, replayed.drift)),
        }
    }

    /// Plays the recording of a lab again, under the permissions of this copy of the lab: what is
    /// not permitted or not possible counts nothing.
    ///
    /// # Errors
    /// The recording does not belong to this lab and variant.
    pub fn replay_lab(lab: Arc<Instance>, recording: &Recording) -> Result<Replayed, ReplayError> {
        let exam = recording.header.lab.as_ref().and_then(|lab| lab.exam);
        let session = Session::for_lab(lab)?;
        match exam {
            Some(exam) => session.as_exam(exam).play_lab_again(recording),
            None => session.play_lab_again(recording),
        }
    }

    /// The same in a session that was just begun, perhaps with limits or as an exam.
    ///
    /// # Errors
    /// The recording does not belong to this lab, variant and exam.
    pub fn play_lab_again(self, recording: &Recording) -> Result<Replayed, ReplayError> {
        if self.recording().header.lab != recording.header.lab {
            let name = recording.header.lab.as_ref().map_or(&recording.header.scenario, |lab| &lab.name);
            return Err(ReplayError::OtherLab(name.clone()));
        }
        Ok(self.play_again(recording))
    }

    fn play_again(mut self, recording: &Recording) -> Replayed {
        let (mut drift, mut refused, mut spent) = (Vec::new(), Vec::new(), None);
        let comparable = recording.header.engine == ENGINE;
        let mut step = 0;
        for entry in &recording.entries {
            match entry {
                Entry::Input { seq, time, events, octets, input } => {
                    self.advance(*time);
                    self.finish_moment();
                    let world = self.world();
                    let differs = events.is_some_and(|events| events != world.trace().len())
                        || octets.is_some_and(|octets| octets != world.octets());
                    // What comes later differs because of the first.
                    if differs && drift.is_empty() {
                        drift.push(Drift { time: *time, comparable, step });
                    }
                    step = *seq;
                    if let Err(error) = self.apply(input.clone()) {
                        refused.push((*seq, error));
                    }
                }
                Entry::Digest { time, digest, .. } => {
                    self.advance(*time);
                    if self.world().digest() != *digest {
                        drift.push(Drift { time: *time, comparable, step });
                    }
                    self.note_digest();
                }
                Entry::End { .. } => {}
            }
            if let Some(what) = self.world().spent() {
                spent = Some((step, what));
                break;
            }
        }
        Replayed { session: self, drift, refused, spent }
    }
}
