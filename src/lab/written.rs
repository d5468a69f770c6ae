//! The file format of labs (`lab.ron`): what people write, before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::Check;
pub use crate::scenario::written::Text;

/// A lab file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Its short name in the course: `T05`.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What it is about, in one or two sentences.
    pub summary: Text,
    /// Objectives of the exam that it serves: `211.1`.
    pub objectives: Vec<String>,
    /// Facts of the course notes that it covers: `001-22`.
    #[serde(default)]
    pub facts: Vec<String>,
    /// Labs to be done before.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Minutes that it takes.
    pub minutes: u64,
    /// Percent of the points that pass it.
    #[serde(default = "default_pass")]
    pub pass: u64,
    /// Minutes that there are, if it is always done as an exam.
    #[serde(default)]
    pub exam: Option<u64>,
    /// What differs from student to student; used as `{{name}}` in every text of the lab.
    #[serde(default)]
    pub variation: BTreeMap<String, Draw>,
    /// What a student may do.
    pub permits: Permits,
    /// What must go on working.
    #[serde(default)]
    pub keep: Vec<Guard>,
    /// The tasks in order.
    pub tasks: Vec<Task>,
    /// Questions before a decisive moment.
    #[serde(default)]
    pub predict: Vec<Question>,
}

fn default_pass() -> u64 {
    60
}

/// How a value of a variant is drawn. All follow from lab, class key and student alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Draw {
    /// One of these.
    OneOf(Vec<String>),
    /// So many different ones of these, as `{{name.1}}`, `{{name.2}}` …
    Some {
        /// How many.
        count: u64,
        /// Of which.
        of: Vec<String>,
    },
    /// All of these in any order, as `{{name.1}}`, `{{name.2}}` …
    Shuffled(Vec<String>),
    /// One of these groups of values that belong together, as `{{name.field}}`.
    Record(Vec<BTreeMap<String, String>>),
    /// So many of these groups, in this order, as `{{name.1.field}}`, `{{name.2.field}}` …
    Several {
        /// How many.
        count: u64,
        /// Of which.
        of: Vec<BTreeMap<String, String>>,
        /// A field in which no two of them may be alike.
        #[serde(default)]
        apart: Option<String>,
    },
    /// A number.
    Number {
        /// The least.
        from: u64,
        /// The greatest.
        to: u64,
        /// Distance of two neighbours.
        #[serde(default = "one")]
        step: u64,
    },
    /// A word that nobody guesses, of so many letters.
    Word(u64),
}

fn one() -> u64 {
    1
}

/// What a student may do. All that is not named is refused, while playing and while grading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permits {
    /// Hosts with the users as whom the student may work there.
    pub hosts: BTreeMap<String, Vec<String>>,
    /// The host that the student sits at; the first of `hosts` if missing.
    #[serde(default)]
    pub at: Option<String>,
    /// Hosts that may be switched off and on.
    #[serde(default)]
    pub power: Vec<String>,
    /// Whether links may be disturbed and repaired.
    #[serde(default)]
    pub faults: bool,
}

/// Something that must go on working; while it does not, fulfilled tasks are worth less.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// What must work.
    pub name: Text,
    /// How that is seen.
    pub check: Check,
    /// Percent of a task's points that are left while it does not work.
    #[serde(default = "half")]
    pub cap: u64,
}

fn half() -> u64 {
    50
}

/// One task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its number or name; the section `## ID …` of the lab's text is its instruction.
    pub id: String,
    /// What it is about, in a few words.
    pub title: Text,
    /// Points for it.
    pub points: u64,
    /// Whether they come on top of the lab's points.
    #[serde(default)]
    pub bonus: bool,
    /// Points that every part costs which is not fulfilled; by their weights if missing.
    #[serde(default)]
    pub each_missing: Option<f64>,
    /// Hints in the order in which they are given.
    #[serde(default)]
    pub hints: Vec<Text>,
    /// Tasks that must be done before this one can be checked.
    #[serde(default)]
    pub after: Vec<String>,
    /// What must hold.
    pub parts: Vec<Part>,
    /// Ways to go wrong that are recognised.
    #[serde(default)]
    pub stuck: Vec<Misconception>,
    /// States from which the task can no longer be done.
    #[serde(default)]
    pub lost: Vec<Misconception>,
}

/// One thing that a task asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What it is.
    pub name: Text,
    /// Its share of the task's points, in relation to the other parts.
    #[serde(default = "one")]
    pub weight: u64,
    /// How it is seen.
    pub check: Check,
}

/// A way to go wrong, with the words that help.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Misconception {
    /// How it is recognised.
    pub when: Check,
    /// What the student is told.
    pub say: Text,
    /// Percent of the points that it earns though the task is not fulfilled.
    #[serde(default)]
    pub credit: u64,
    /// Percent of the points that it earns at most, though the task is fulfilled.
    #[serde(default)]
    pub cap: Option<u64>,
}

/// A question to the class before a decisive moment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name.
    pub id: String,
    /// What is asked.
    pub ask: Text,
    /// The answers to choose from.
    pub choices: Vec<Text>,
    /// The right one, counted from 1.
    pub right: u64,
    /// Why.
    pub why: Text,
    /// The moment: just before the first event like this. At the beginning if missing.
    #[serde(default)]
    pub before: Option<super::check::Event>,
}
