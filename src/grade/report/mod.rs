//! Results written down: for students, for tables, and for the systems that collect grades.
//!
//! All formats are written from one [`Grading`]; each has a file of its own.

mod autolab;
mod check50;
mod classroom;
mod coderunner;
mod csv;
mod gradescope;
pub mod html;
mod json;
mod junit;
pub mod markup;
mod tap;
mod text;
mod vpl;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::similar::Suspicion;
use super::submission::{Graded, Prediction, Remark, Ungraded};
use crate::lab::judge::{Outcome, PartResult, TaskResult};
use crate::lab::written::{self, Text};
use crate::session::exam::Stopped;
use crate::session::story::Lang;
use crate::world::Spent;

pub use text::tell;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A report that a student understands
    #[default]
    Text,
    /// All there is, as one JSON document
    Json,
    /// One line per submission and task
    Csv,
    /// JUnit XML: GitLab, Jenkins, Artemis and others read it
    Junit,
    /// Test Anything Protocol, version 13
    Tap,
    /// Gradescope's results.json; one submission
    Gradescope,
    /// What check50 writes with `-o json`; one submission
    Check50,
    /// Autolab: the report, and the scores in the last line; one submission
    Autolab,
    /// GitHub Classroom: a line for $GITHUB_OUTPUT; one submission
    GithubClassroom,
    /// Moodle's Virtual Programming Lab: comments and a grade; one submission
    Vpl,
    /// Moodle's CodeRunner: what a combinator template grader prints; one submission
    Coderunner,
}

impl Format {
    /// Whether its reader wants exactly one submission.
    pub fn is_for_one(self) -> bool {
        use Format::{Autolab, Check50, Coderunner, GithubClassroom, Gradescope, Vpl};
        matches!(self, Gradescope | Check50 | Autolab | GithubClassroom | Vpl | Coderunner)
    }
}

/// A graded class.
#[derive(Clone, Debug)]
pub struct Grading {
    /// The lab's id and title.
    pub lab: String,
    /// The lab's title.
    pub title: Text,
    /// Digest of the lab's files.
    pub digest: String,
    /// Percent of the points that pass it.
    pub pass: u64,
    /// The key that the names in probes came from: with it the results can be repeated.
    pub key: String,
    /// What was handed in, in the order of the files.
    pub results: Vec<Graded>,
    /// The questions before the fact, for their statistics.
    pub questions: Vec<written::Question>,
    /// Members of the class who handed nothing in.
    pub missing: Vec<super::class::Member>,
    /// What looks copied.
    pub suspicions: Vec<Suspicion>,
}

/// Writes results in a format. Of those for one submission, the first is written.
pub fn write(grading: &Grading, format: Format, lang: Lang) -> String {
    let one = |write: fn(&Graded, &str, Lang) -> String| {
        grading.results.first().map_or(String::new(), |graded| write(graded, &grading.lab, lang))
    };
    match format {
        Format::Text => text::write(grading, lang),
        Format::Json => json::write(grading),
        Format::Csv => csv::write(&grading.results),
        Format::Junit => junit::write(&grading.results, &grading.lab, lang),
        Format::Tap => tap::write(&grading.results, lang),
        Format::Gradescope => one(gradescope::write),
        Format::Check50 => one(check50::write),
        Format::Autolab => one(autolab::write),
        Format::GithubClassroom => one(classroom::write),
        Format::Vpl => one(vpl::write),
        Format::Coderunner => one(coderunner::write),
    }
}

/// Points from hundredths: `2`, `1.5`, `0.33`.
pub fn points(hundredths: u64) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => whole.to_string(),
        rest if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        rest => format!("{whole}.{rest:02}"),
    }
}

/// Hundredths as a number.
fn number(hundredths: u64) -> Value {
    serde_json::from_str(&points(hundredths)).unwrap_or_default()
}

fn both(text: &Text) -> Value {
    json!({ "en": text.en, "de": text.de })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn say(text: &Text, lang: Lang) -> &str {
    lang.pick(&text.en, &text.de)
}

/// A text on one line without characters that a terminal or a log would act on: part of it comes
/// from what the student typed.
fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        let harmless = |c: char| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        };
        Cow::Owned(text.chars().map(harmless).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// What there is to say about a task that is not all done, line by line.
fn details(task: &TaskResult, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    match &task.outcome {
        Outcome::Waiting(other) => {
            lines.push(format!("{} {other}", lang.pick("cannot be checked until task", "prüfbar nach Aufgabe")));
        }
        Outcome::Stuck(words) | Outcome::Lost(words) => lines.push(plain(say(words, lang)).into_owned()),
        Outcome::Done | Outcome::NotYet => {}
    }
    for part in task.parts.iter().filter(|part| part.percent < 100) {
        lines.extend(part_lines(part, lang));
    }
    for reduced in &task.reduced {
        let line = plain(say(reduced, lang)).into_owned();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn part_lines(part: &PartResult, lang: Lang) -> Vec<String> {
    let said = |text: &Text| plain(say(text, lang)).into_owned();
    let mut lines = vec![
        format!("- {}", said(&part.name)),
        format!("  {}: {}", lang.pick("expected", "erwartet"), said(&part.finding.expected)),
        format!("  {}: {}", lang.pick("found", "gefunden"), said(&part.finding.actual)),
    ];
    lines.extend(part.finding.why.iter().map(|why| format!("  | {}", plain(why))));
    lines
}

/// What is missing in a task, in one line.
fn gist(task: &TaskResult, lang: Lang) -> String {
    match &task.outcome {
        Outcome::Waiting(_) | Outcome::Stuck(_) | Outcome::Lost(_) => {
            details(task, lang).into_iter().next().unwrap_or_default()
        }
        Outcome::Done | Outcome::NotYet => {
            let missing = task.parts.iter().filter(|part| part.percent < 100);
            missing.map(|part| plain(say(&part.name, lang)).into_owned()).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Why a submission has no points, in words.
fn ungraded_text(error: &Ungraded, lang: Lang) -> String {
    let text = match (error, lang) {
        (error, Lang::En) => error.to_string(),
        (Ungraded::TooLarge, Lang::De) => "die Datei ist zu groß".to_owned(),
        (Ungraded::Unreadable(why), Lang::De) => format!("weder eine Aufzeichnung noch ein Skript: {why}"),
        (Ungraded::OtherLab(name), Lang::De) => format!("gehört zur Übung `{name}`"),
        (Ungraded::OtherVersion, Lang::De) => "mit einer anderen Fassung der Übung bearbeitet".to_owned(),
        (Ungraded::Variant(why), Lang::De) => format!("seine Fassung lässt sich nicht bilden: {why}"),
        (Ungraded::Replay(why), Lang::De) => why.clone(),
        (Ungraded::NoExam, Lang::De) => "nicht als Prüfung begonnen (`mxlab lab start --exam MINUTEN`)".to_owned(),
        (Ungraded::TooMuch { step, spent }, Lang::De) => {
            let why = match spent {
                Spent::Steps => "es geschieht ohne Ende etwas",
                Spent::Events => "es geschieht mehr, als sich nachlesen lässt",
                Spent::Octets => "die Dateien werden zu groß",
                Spent::Stopped => "es dauert zu lange",
            };
            format!("abgebrochen bei Eingabe {step}: {why}")
        }
        (Ungraded::Crashed, Lang::De) => "mxlab ist daran gescheitert; bitte die Datei melden".to_owned(),
    };
    plain(&text).into_owned()
}

/// What the grader should know about a submission, in words.
pub fn remark_text(remark: &Remark, lang: Lang) -> String {
    let text = match remark {
        Remark::Damaged(why) => format!("{}: {why}", lang.pick("the file is damaged", "die Datei ist beschädigt")),
        Remark::Altered { moment, step: 0, .. } => match lang {
            Lang::En => format!("the file was altered: it differs from the replay from the beginning on ({moment})"),
            Lang::De => format!("die Datei wurde verändert: Sie weicht von Anfang an vom Nachspielen ab ({moment})"),
        },
        Remark::Altered { moment, step, what } => match lang {
            Lang::En => {
                format!(
                    "the file was altered: the first step that differs from the replay is input {step}, `{what}` ({moment})"
                )
            }
            Lang::De => {
                format!(
                    "die Datei wurde verändert: Der erste Schritt, der vom Nachspielen abweicht, ist Eingabe {step}, `{what}` ({moment})"
                )
            }
        },
        Remark::OtherEngine(version) => {
            format!("{} {version}", lang.pick("recorded with mxlab", "aufgenommen mit mxlab"))
        }
        Remark::OtherSeed => lang
            .pick(
                "the seed in the file is not the one of this student; it counts nothing",
                "die Zufallszahl in der Datei ist nicht die dieser Person; sie zählt nicht",
            )
            .to_owned(),
        Remark::Refused { seq, why } => {
            format!("{} {seq}: {why}", lang.pick("does not count: input", "zählt nicht: Eingabe"))
        }
        Remark::Foreign { owner } => match lang {
            Lang::En => format!("this is the recording of {owner}; it was played in the own variant"),
            Lang::De => format!("das ist die Aufzeichnung von {owner}; sie wurde in der eigenen Fassung gespielt"),
        },
        Remark::Stranger(id) => match lang {
            Lang::En => format!("`{id}` is not on the class list"),
            Lang::De => format!("`{id}` steht nicht auf der Klassenliste"),
        },
        Remark::Exam { minutes, limit, stopped } => {
            let how = match (stopped, lang) {
                (Stopped::HandedIn, Lang::En) => "handed in",
                (Stopped::HandedIn, Lang::De) => "abgegeben",
                (Stopped::TimeOver, Lang::En) => "the time was over; what came later does not count",
                (Stopped::TimeOver, Lang::De) => "die Zeit war um; Späteres zählt nicht",
                (Stopped::NotYet, Lang::En) => "not handed in",
                (Stopped::NotYet, Lang::De) => "nicht abgegeben",
            };
            match lang {
                Lang::En => format!("exam: {minutes} of {limit} minutes; {how}"),
                Lang::De => format!("Prüfung: {minutes} von {limit} Minuten; {how}"),
            }
        }
    };
    plain(&text).into_owned()
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::NotYet => "not yet",
        Outcome::Stuck(_) => "stuck",
        Outcome::Waiting(_) => "waiting",
        Outcome::Lost(_) => "lost",
    }
}

/// How often each answer to a question was given, the last one for all beyond the choices.
fn votes(results: &[Graded], question: &written::Question) -> Vec<usize> {
    let mut votes = vec![0; question.choices.len()];
    let given = results.iter().flat_map(|graded| &graded.predictions).filter(|given| given.question == question.id);
    for Prediction { choice, .. } in given {
        if let Some(count) = (*choice as usize).checked_sub(1).and_then(|at| votes.get_mut(at)) {
            *count += 1;
        }
    }
    votes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_written_as_people_write_points() {
        assert_eq!([200, 150, 33, 5].map(points), ["2", "1.5", "0.33", "0.05"]);
    }

    #[test]
    fn what_a_student_typed_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\nb"), "a\u{fffd}[31m b");
    }
}
