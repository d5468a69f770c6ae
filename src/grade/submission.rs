//! What a student handed in, replayed and judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::class::{Class, Member};
use super::work::{Work, shown};
use crate::lab::judge::Report;
use crate::lab::script::{self, Step};
use crate::lab::{Instance, Lab, Student};
use crate::session::exam::{Exam, Stopped};
use crate::session::recording::LabHeader;
use crate::session::{Drift, Input, Recording, ReplayError, Session};
use crate::sim::dice::Dice;
use crate::world::{Allowance, Spent};

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

/// How much one submission may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps that its work may take. A long evening in a busy lab takes a tenth.
    pub steps: u64,
    /// Steps that each probe may take in its copy of the world.
    pub probe_steps: u64,
    /// Events that may happen.
    pub events: u64,
    /// Octets that may be added to the files of all hosts.
    pub octets: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 4_000_000, probe_steps: 200_000, events: 400_000, octets: 64 << 20 }
    }
}

/// How submissions are graded.
#[derive(Clone, Debug, Default)]
pub struct Rules<'a> {
    /// The grader's key, from which the names in probes are made.
    pub key: &'a str,
    /// Whose variant scripts are played in that name nobody.
    pub student: Student,
    /// The class list.
    pub class: Option<&'a Class>,
    /// Minutes of the exam, if only work done as an exam counts.
    pub exam: Option<u64>,
    /// How much a submission may do.
    pub limits: Limits,
    /// Set from outside, ends the grading of a submission.
    pub stop: Arc<AtomicBool>,
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
    /// An exam is graded, and it was not begun as one.
    #[error("it was not begun as an exam (`mxlab lab start --exam MINUTES`)")]
    NoExam,
    /// It does more than a submission may.
    #[error("stopped at input {step}: {}", what_was_spent(*spent))]
    TooMuch {
        /// Number of the input; that after the last one stands for judging.
        step: u64,
        /// What there was too much of.
        spent: Spent,
    },
    /// A mistake of mxlab that its input brought to light.
    #[error("mxlab failed at it; please report the file")]
    Crashed,
}

fn what_was_spent(spent: Spent) -> &'static str {
    match spent {
        Spent::Steps => "it never stops doing something",
        Spent::Events => "more happens than anybody can read",
        Spent::Octets => "its files grow too large",
        Spent::Stopped => "it takes too long",
    }
}

/// A graded submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graded {
    /// Its name.
    pub name: String,
    /// Whose variant it is; empty if that is not known.
    pub student: Student,
    /// The person's name, if the class list has it.
    pub person: String,
    /// The result, or why there is none.
    pub result: Result<Report, Ungraded>,
    /// What the grader should know.
    pub remarks: Vec<Remark>,
    /// What was chosen before the decisive moments.
    pub predictions: Vec<Prediction>,
    /// What was done, to compare it with the work of others.
    pub work: Work,
}

impl Graded {
    /// A submission without a result.
    pub fn ungraded(name: &str, error: Ungraded) -> Graded {
        Graded {
            name: name.to_owned(),
            student: Student::default(),
            person: String::new(),
            result: Err(error),
            remarks: Vec::new(),
            predictions: Vec::new(),
            work: Work::default(),
        }
    }

    /// `ann (Ann Miller)`, `ann`, or the file's name.
    pub fn who(&self) -> String {
        let member = Member { id: self.student.id.clone(), name: self.person.clone(), class: String::new() };
        if member.id.is_empty() { self.name.clone() } else { member.to_string() }
    }
}

/// What a student foresaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The question's id.
    pub question: String,
    /// The number of the choice; the first one that was made.
    pub choice: u64,
    /// Whether it is right.
    pub is_right: bool,
}

/// Something about a submission that changes no points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The file is damaged; what could be read was graded.
    Damaged(String),
    /// What the file says about the world is not what the replay shows.
    Altered {
        /// The moment of the first difference.
        moment: String,
        /// The input that has another effect; 0 if there is none before.
        step: u64,
        /// What that input is.
        what: String,
    },
    /// It was recorded with another version of mxlab, so that digests say nothing.
    OtherEngine(String),
    /// The seed in the file is not that of the variant.
    OtherSeed,
    /// It does what the lab does not permit, or what is not possible; that counts nothing.
    Refused {
        /// Number of the input.
        seq: u64,
        /// Why.
        why: String,
    },
    /// It is somebody else's recording, by what its header says.
    Foreign {
        /// Whose.
        owner: String,
    },
    /// Its student is not on the class list.
    Stranger(String),
    /// It was done as an exam.
    Exam {
        /// Minutes that it took.
        minutes: u64,
        /// Minutes that there were.
        limit: u64,
        /// What ended it.
        stopped: Stopped,
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

/// Grades a recording or a script. Scripts name no student: they are played in the variant of the
/// member of the class whose file it is, or of the student that the rules name.
pub fn grade(lab: &Lab, submission: &Submission, rules: &Rules<'_>) -> Graded {
    let mut graded = Graded::ungraded(&submission.name, Ungraded::TooLarge);
    if submission.content.len() <= MAX_SIZE {
        graded.result = judged(lab, submission, rules, &mut graded);
    }
    named(graded, rules)
}

/// With the name that the class list has.
fn named(mut graded: Graded, rules: &Rules<'_>) -> Graded {
    // A file that nothing could be read from is somebody's all the same.
    if let Some(member) = rules.class.and_then(|class| class.owner(&graded.name))
        && graded.student.id.is_empty()
    {
        graded.student = member.student();
    }
    if let Some(member) = rules.class.and_then(|class| class.find(&graded.student.id)) {
        graded.person = member.name.clone();
    }
    graded
}

/// Grades a folder of files as they shall be on the hosts, `hosts/HOST/PATH`, with the commands in
/// `commands.sh` that make them take effect.
pub fn grade_folder(lab: &Lab, name: &str, files: &BTreeMap<String, Vec<u8>>, rules: &Rules<'_>) -> Graded {
    let mut steps = Vec::new();
    let mut whole = Vec::new();
    for (path, content) in files {
        whole.extend([path.as_bytes(), b"\n", content.as_slice(), b"\n"].concat());
        if let Some((host, path)) = path.strip_prefix("hosts/").and_then(|rest| rest.split_once('/')) {
            let (host, path, text) =
                (host.to_owned(), format!("/{path}"), String::from_utf8_lossy(content).into_owned());
            steps.push(Step::Write { host, path, text });
        }
    }
    let mut graded = Graded::ungraded(name, Ungraded::TooLarge);
    if whole.len() > MAX_SIZE {
        return graded;
    }
    let commands = files.get("commands.sh").map(|text| String::from_utf8_lossy(text)).unwrap_or_default();
    graded.result = match script::parse(&commands) {
        Ok(commands) => {
            steps.extend(commands);
            played(lab, name, &steps, rules, &mut graded)
                .and_then(|session| judged_at(session, &whole, rules, &mut graded))
        }
        Err(error) => Err(Ungraded::Unreadable(format!("commands.sh: {error}"))),
    };
    named(graded, rules)
}

fn judged(lab: &Lab, submission: &Submission, rules: &Rules<'_>, graded: &mut Graded) -> Result<Report, Ungraded> {
    let text = String::from_utf8_lossy(&submission.content);
    let session = if submission.name.ends_with(".sh") {
        let steps = script::parse(&text).map_err(|error| Ungraded::Unreadable(error.to_string()))?;
        played(lab, &submission.name, &steps, rules, graded)?
    } else {
        replayed(lab, submission, &text, rules, graded)?
    };
    judged_at(session, &submission.content, rules, graded)
}

/// Judges the world at the end of the work.
fn judged_at(mut session: Session, content: &[u8], rules: &Rules<'_>, graded: &mut Graded) -> Result<Report, Ungraded> {
    if let Some(standing) = session.exam() {
        let (minutes, limit) = (standing.seconds.div_ceil(60), standing.exam.minutes);
        graded.remarks.push(Remark::Exam { minutes: minutes.min(limit), limit, stopped: standing.stopped });
    }
    // Each probe may do so much in its copy of the world.
    session.limit(allowance(rules, rules.limits.probe_steps));
    let report = session.judge(probe_key(rules.key, content));
    if rules.stop.load(std::sync::atomic::Ordering::Relaxed) {
        let step = session.recording().inputs().count() as u64 + 1;
        return Err(Ungraded::TooMuch { step, spent: Spent::Stopped });
    }
    let report = report.ok_or_else(|| Ungraded::OtherLab(String::new()))?;
    if let Some(instance) = session.lab() {
        graded.predictions = predictions(instance, &session);
        graded.work = Work::of(instance, session.recording(), &report);
    }
    Ok(report)
}

fn allowance(rules: &Rules<'_>, steps: u64) -> Allowance {
    Allowance { steps, events: rules.limits.events, octets: rules.limits.octets, stop: rules.stop.clone() }
}

fn predictions(instance: &Instance, session: &Session) -> Vec<Prediction> {
    let replies = session.replies();
    let questions = instance.lab.predict.iter();
    let given = questions.filter_map(|question| {
        // Later ones were given with knowledge of the first.
        let choice = replies.get(&question.id)?.first()?.trim().parse().ok()?;
        Some(Prediction { question: question.id.clone(), choice, is_right: choice == question.right })
    });
    given.collect()
}

fn variant(lab: &Lab, student: &Student) -> Result<Arc<Instance>, Ungraded> {
    match lab.instance(student) {
        Ok(instance) => Ok(Arc::new(instance)),
        Err(problems) => {
            Err(Ungraded::Variant(problems.first().map_or(String::new(), std::string::ToString::to_string)))
        }
    }
}

fn begun(lab: &Lab, student: &Student) -> Result<Session, Ungraded> {
    Session::for_lab(variant(lab, student)?).map_err(|error| Ungraded::Replay(error.to_string()))
}

fn played(lab: &Lab, name: &str, steps: &[Step], rules: &Rules<'_>, graded: &mut Graded) -> Result<Session, Ungraded> {
    if rules.exam.is_some() {
        return Err(Ungraded::NoExam);
    }
    let owner = rules.class.and_then(|class| class.owner(name));
    graded.student = owner.map_or_else(|| rules.student.clone(), Member::student);
    let mut session = begun(lab, &graded.student)?;
    session.limit(allowance(rules, rules.limits.steps));
    let played = session.play(steps);
    if let Some(spent) = session.world().spent() {
        return Err(Ungraded::TooMuch { step: session.recording().inputs().count() as u64, spent });
    }
    played.map_err(|error| Ungraded::Replay(error.to_string()))?;
    Ok(session)
}

fn replayed(
    lab: &Lab,
    submission: &Submission,
    text: &str,
    rules: &Rules<'_>,
    graded: &mut Graded,
) -> Result<Session, Ungraded> {
    let mut recording = match Recording::parse(text) {
        Ok(recording) => recording,
        Err(damage) => {
            let Some(readable) = damage.readable.clone() else {
                return Err(Ungraded::Unreadable(damage.to_string()));
            };
            graded.remarks.push(Remark::Damaged(damage.to_string()));
            *readable
        }
    };
    let Some(header) = recording.header.lab.clone() else {
        return Err(Ungraded::OtherLab(recording.header.scenario.clone()));
    };
    graded.student = header.student.clone();
    if header.name != lab.name() {
        return Err(Ungraded::OtherLab(header.name));
    }
    if header.digest != lab.digest() {
        return Err(Ungraded::OtherVersion);
    }
    settle_student(&header, submission, rules, graded);
    let mut session = begun(lab, &graded.student)?;
    let exam = match (rules.exam.or(lab.written().exam), header.exam) {
        // The grader's limit counts, not the file's.
        (Some(minutes), Some(exam)) => Some(Exam { minutes, ..exam }),
        (Some(_), None) => return Err(Ungraded::NoExam),
        (None, exam) => exam,
    };
    if let Some(exam) = exam {
        session = session.as_exam(exam);
    }
    // The seed follows from lab and student; what a file says about it counts nothing.
    if recording.header.seed != session.recording().header.seed && graded.student == header.student {
        graded.remarks.push(Remark::OtherSeed);
    }
    recording.header.lab = session.recording().header.lab.clone();
    session.limit(allowance(rules, rules.limits.steps));
    let replayed = session.play_lab_again(&recording).map_err(|error| match error {
        ReplayError::OtherLab(name) => Ungraded::OtherLab(name),
        error => Ungraded::Replay(error.to_string()),
    })?;
    if let Some((step, spent)) = replayed.spent {
        return Err(Ungraded::TooMuch { step, spent });
    }
    let refused = replayed.refused.into_iter().map(|(seq, error)| Remark::Refused { seq, why: error.to_string() });
    graded.remarks.extend(refused.take(MAX_REMARKS));
    // In another variant everything comes out differently.
    if graded.student == header.student {
        let drift = replayed.drift.first();
        graded.remarks.extend(drift.map(|drift| altered(drift, &recording)));
    }
    Ok(replayed.session)
}

/// Whose variant a recording is played in: that of whoever handed it in, as far as the class list
/// tells; else that of its header.
fn settle_student(header: &LabHeader, submission: &Submission, rules: &Rules<'_>, graded: &mut Graded) {
    let Some(class) = rules.class else { return };
    let claimed = class.find(&header.student.id);
    let Some(member) = class.owner(&submission.name).or(claimed) else {
        graded.remarks.push(Remark::Stranger(header.student.id.clone()));
        return;
    };
    graded.student = member.student();
    if member.id != header.student.id {
        let owner = claimed.map_or_else(|| header.student.id.clone(), ToString::to_string);
        graded.remarks.push(Remark::Foreign { owner });
    }
}

fn altered(drift: &Drift, recording: &Recording) -> Remark {
    if !drift.comparable {
        return Remark::OtherEngine(recording.header.engine.clone());
    }
    let input = drift.step.checked_sub(1).and_then(|at| recording.inputs().nth(at as usize));
    let what = input.map_or(String::new(), |(_, input): (_, &Input)| shown(input));
    Remark::Altered { moment: drift.time.to_string(), step: drift.step, what }
}
