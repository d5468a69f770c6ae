//! What a student handed in, replayed and judged.

use std::sync::Arc;

use crate::lab::judge::Report;
use crate::lab::script;
use crate::lab::{Instance, Lab, Student};
use crate::session::{Drift, Recording, ReplayError, Session};
use crate::sim::dice::Dice;

/// A file larger than this is not read.
pub const MAX_SIZE: usize = 16 << 20;

/// Further refused inputs of one submission than these are not named.
const MAX_REMARKS: usize = 20;

/// What was handed in.
#[derive(Clone, Debug)]
pub struct Submission {
    /// A name for it: that of its file.
    pub name: String,
    /// Its octets.
    pub content: Vec<u8>,
}

/// Why a submission cannot be graded. It earns nothing; the others are graded all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ungraded {
    /// It is larger than [`MAX_SIZE`].
    #[error("it is larger than {MAX_SIZE} octets")]
    TooLarge,
    /// It is neither a recording nor a script.
    #[error("it is no recording and no script: {0}")]
    Unreadable(String),
    /// It belongs to another lab.
    #[error("it is of the lab `{0}`")]
    OtherLab(String),
    /// It was done with another version of the lab.
    #[error("it was done with another version of the lab")]
    OtherVersion,
    /// The lab has no such variant.
    #[error("its variant cannot be made: {0}")]
    Variant(String),
    /// It does what is not possible or not permitted.
    #[error("{0}")]
    Replay(String),
}

/// A graded submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graded {
    /// Its name.
    pub name: String,
    /// Whose variant it is; empty if that is not known.
    pub student: Student,
    /// The result, or why there is none.
    pub result: Result<Report, Ungraded>,
    /// What the grader should know.
    pub remarks: Vec<Remark>,
}

/// Something about a submission that changes no points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The file is damaged; what could be read was graded.
    Damaged(String),
    /// A digest in the file is not that of the replay, from this moment on.
    Altered(String),
    /// It was recorded with another version of mxlab, so that digests say nothing.
    OtherEngine(String),
    /// It does what the lab does not permit, or what is not possible; that counts nothing.
    Refused {
        /// Number of the input.
        seq: u64,
        /// Why.
        why: String,
    },
}

/// Number from which the names of a grader's probes follow: from the key and the submission, so
/// that results are repeatable and nobody foresees them.
fn probe_key(key: &str, content: &[u8]) -> u64 {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(content);
    let name: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    Dice::new(key.len() as u64, &format!("{key}\n{name}")).next_u64()
}

/// Grades a recording or a script. Scripts name no student: they are played in the variant of
/// `student`.
pub fn grade(lab: &Lab, submission: &Submission, student: &Student, key: &str) -> Graded {
    let mut graded = Graded {
        name: submission.name.clone(),
        student: student.clone(),
        result: Err(Ungraded::TooLarge),
        remarks: Vec::new(),
    };
    if submission.content.len() <= MAX_SIZE {
        let key = probe_key(key, &submission.content);
        graded.result = judged(lab, submission, key, &mut graded.student, &mut graded.remarks);
    }
    graded
}

fn judged(
    lab: &Lab,
    submission: &Submission,
    key: u64,
    student: &mut Student,
    remarks: &mut Vec<Remark>,
) -> Result<Report, Ungraded> {
    let text = String::from_utf8_lossy(&submission.content);
    let session = if submission.name.ends_with(".sh") {
        let steps = script::parse(&text).map_err(|error| Ungraded::Unreadable(error.to_string()))?;
        let mut session =
            Session::for_lab(variant(lab, student)?).map_err(|error| Ungraded::Replay(error.to_string()))?;
        session.play(&steps).map_err(|error| Ungraded::Replay(error.to_string()))?;
        session
    } else {
        replayed(lab, &text, student, remarks)?
    };
    session.judge(key).ok_or_else(|| Ungraded::OtherLab(String::new()))
}

fn variant(lab: &Lab, student: &Student) -> Result<Arc<Instance>, Ungraded> {
    match lab.instance(student) {
        Ok(instance) => Ok(Arc::new(instance)),
        Err(problems) => {
            Err(Ungraded::Variant(problems.first().map_or(String::new(), std::string::ToString::to_string)))
        }
    }
}

fn replayed(lab: &Lab, text: &str, student: &mut Student, remarks: &mut Vec<Remark>) -> Result<Session, Ungraded> {
    let recording = match Recording::parse(text) {
        Ok(recording) => recording,
        Err(damage) => {
            remarks.push(Remark::Damaged(damage.to_string()));
            let Some(readable) = damage.readable else { return Err(Ungraded::Unreadable(damage.to_string())) };
            *readable
        }
    };
    let Some(header) = &recording.header.lab else {
        return Err(Ungraded::OtherLab(recording.header.scenario.clone()));
    };
    *student = header.student.clone();
    if header.name != lab.name() {
        return Err(Ungraded::OtherLab(header.name.clone()));
    }
    if header.digest != lab.digest() {
        return Err(Ungraded::OtherVersion);
    }
    // The seed follows from lab and student; what a file says about it counts nothing.
    let replayed = Session::replay_lab(variant(lab, student)?, &recording).map_err(|error| match error {
        ReplayError::OtherLab(name) => Ungraded::OtherLab(name),
        error => Ungraded::Replay(error.to_string()),
    })?;
    let refused = replayed.refused.into_iter().map(|(seq, error)| Remark::Refused { seq, why: error.to_string() });
    remarks.extend(refused.take(MAX_REMARKS));
    if let Some(Drift { time, comparable }) = replayed.drift.first() {
        let moment = time.to_string();
        remarks.push(if *comparable { Remark::Altered(moment) } else { Remark::OtherEngine(recording.header.engine) });
    }
    Ok(replayed.session)
}
