//! What a student answers, compared with the student's own world.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::pattern::field_values;
use super::probe::Fork;
use super::state::{file_value, running_value};
use super::{Bench, Event, Finding, matches_text, same, text};
use crate::lab::written::Text;

/// Attempts that count fully.
const FULL: usize = 2;
/// Attempts that count at all; the last one half.
const MOST: usize = 3;

/// The answers given so far, by the id of what is asked, in order.
pub type Answers = BTreeMap<String, Vec<String>>;

/// A question that the student answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its name; what `lab answer` takes.
    pub id: String,
    /// What is asked.
    pub ask: Text,
    /// Where the right answer comes from.
    pub is: Value,
    /// How answers are compared.
    #[serde(default)]
    pub compare: Compare,
}

/// Where a right answer comes from.
#[derive(Clone, Debug, Deserialize)]
pub enum Value {
    /// It is known; one of these.
    OneOf(Vec<String>),
    /// All of these.
    AllOf(Vec<String>),
    /// The values of a field of events in this student's world.
    Events {
        /// Which events.
        event: Event,
        /// Which field.
        field: String,
    },
    /// The value of a parameter in the running daemons.
    Running {
        /// The host.
        host: String,
        /// The parameter.
        name: String,
    },
    /// The value of a parameter in the files.
    File {
        /// The host.
        host: String,
        /// The parameter.
        name: String,
    },
    /// What a command prints in a copy of the world, line by line.
    Output {
        /// The host.
        host: String,
        /// The command line, run as root.
        run: String,
    },
    /// How many such events there are.
    Count(Event),
}

/// How an answer is compared with the right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Compare {
    /// It is one of the right values.
    #[default]
    One,
    /// It names all of the right values, in any order, and no other.
    Set,
    /// It names all of them in order.
    Sequence,
}

impl Value {
    fn values(&self, bench: &Bench<'_>) -> Vec<String> {
        let lines = |output: &[u8]| String::from_utf8_lossy(output).lines().map(str::to_owned).collect();
        match self {
            Value::OneOf(values) | Value::AllOf(values) => values.clone(),
            Value::Events { event, field } => field_values(bench, event, field),
            Value::Running { host, name } => running_value(bench, host, name).into_iter().collect(),
            Value::File { host, name } => file_value(bench, host, name).into_iter().collect(),
            Value::Output { host, run } => {
                Fork::of(bench).run(host, "root", run, "").map(|exit| lines(&exit.stdout)).unwrap_or_default()
            }
            Value::Count(event) => vec![event.find(bench).len().to_string()],
        }
    }
}

/// An answer without what does not matter: case, final dots, brackets and blanks.
fn normal(word: &str) -> String {
    let word = word.trim().trim_matches(['<', '>', '[', ']', '"', '\'']).trim_end_matches('.').to_lowercase();
    let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
    // The mailbox directory has two names.
    word.replace("/var/spool/mail/", "/var/mail/")
}

/// The parts of an answer that names several things.
fn parts(answer: &str) -> Vec<String> {
    let lines = answer.split([',', ';', '\n']).map(normal).filter(|word| !word.is_empty()).collect::<Vec<_>>();
    if lines.len() > 1 { lines } else { answer.split_whitespace().map(normal).collect() }
}

impl Answer {
    /// The share of the points in percent for the attempt that was right, counted from 0.
    pub fn percent(attempt: Option<usize>) -> u64 {
        match attempt {
            Some(attempt) if attempt < FULL => 100,
            Some(_) => 50,
            None => 0,
        }
    }

    /// Which of the answers that count was right, counted from 0.
    pub fn right_attempt(&self, bench: &Bench<'_>) -> Option<usize> {
        let right = self.is.values(bench);
        let given = bench.answers.get(&self.id).map(Vec::as_slice).unwrap_or_default();
        given.iter().take(MOST).position(|answer| self.is_right(answer, &right))
    }

    fn is_right(&self, answer: &str, right: &[String]) -> bool {
        if right.is_empty() {
            return false;
        }
        match self.compare {
            Compare::One => right.iter().any(|right| matches_text(&normal(answer), &normal(right))),
            Compare::Set => {
                let found: BTreeSet<String> = parts(answer).into_iter().collect();
                found == right.iter().map(|word| normal(word)).collect()
            }
            Compare::Sequence => parts(answer) == right.iter().map(|word| normal(word)).collect::<Vec<_>>(),
        }
    }

    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let given = bench.answers.get(&self.id).map(Vec::as_slice).unwrap_or_default();
        let ok = self.right_attempt(bench).is_some();
        let actual = match (given.last(), ok) {
            (None, _) => text("not answered yet", "noch nicht beantwortet"),
            (Some(answer), true) => same(answer.clone()),
            (Some(answer), false) => {
                let left = MOST.saturating_sub(given.len());
                text(
                    format!("{answer} is not right; {left} attempts left"),
                    format!("{answer} stimmt nicht; noch {left} Versuche"),
                )
            }
        };
        Finding::new(ok, self.ask.clone(), actual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_without_what_does_not_matter() {
        for (answer, right) in [
            (" MX1.example.com. ", "mx1.example.com"),
            ("<a@b.c>", "A@b.c"),
            ("/var/spool/mail/walter", "/var/mail/walter"),
            ("10   mx1.example.com.", "10 mx1.example.com"),
        ] {
            assert_eq!(normal(answer), normal(right));
        }
        assert_eq!(parts("a, B.; c"), ["a", "b", "c"]);
        assert_eq!(parts("a b"), ["a", "b"]);
    }
}
