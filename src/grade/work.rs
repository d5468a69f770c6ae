//! What a student did, in a form that can be compared with the work of others.

use std::collections::{BTreeMap, BTreeSet};

use crate::lab::Instance;
use crate::lab::check::{Check, Value};
use crate::lab::judge::Report;
use crate::lab::script::Step;
use crate::lab::variation::Values;
use crate::session::{Input, Recording};

/// Characters of an input that are shown.
const MAX_SHOWN: usize = 80;
/// Characters of a line that are compared.
const MAX_LINE: usize = 400;
/// Lines and words of a submission that are compared.
const MAX_LINES: usize = 5_000;
/// Shorter values of the variant stand in lines by chance.
const MIN_VALUE: usize = 3;

/// What a student typed and answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Lines that were typed, with the values of the own variant replaced by their names.
    pub lines: Vec<String>,
    /// Microseconds between two lines typed at a terminal.
    pub pauses: Vec<u64>,
    /// Every word that was typed.
    pub words: BTreeSet<String>,
    /// Answers to questions whose right answer is only in the own world: those that were wrong.
    pub wrong: BTreeMap<String, Vec<String>>,
    /// The right ones.
    pub right: BTreeMap<String, String>,
}

impl Work {
    /// What a recording shows.
    pub fn of(instance: &Instance, recording: &Recording, report: &Report) -> Work {
        let mut work = Work::default();
        let mut typed: BTreeMap<u32, String> = BTreeMap::new();
        let mut last = None;
        for (time, input) in recording.inputs() {
            match input {
                Input::Command { host, line, stdin, .. } => {
                    work.add(instance, &format!("{host}: {line}"));
                    work.add(instance, stdin);
                }
                Input::Write { path, text, .. } => {
                    work.add(instance, path);
                    work.add(instance, text);
                }
                Input::Type { terminal, text } => {
                    let line = typed.entry(terminal.0).or_default();
                    line.push_str(text);
                    if let Some((whole, rest)) = line.clone().rsplit_once('\n') {
                        rest.clone_into(line);
                        work.add(instance, whole);
                        work.pauses.extend(last.map(|last| time.micros().saturating_sub(last)));
                        last = Some(time.micros());
                    }
                }
                Input::Bytes { data, .. } => work.add(instance, &String::from_utf8_lossy(data)),
                _ => {}
            }
        }
        // What the model solution has anybody may have.
        let known = solution_lines(instance);
        work.lines.retain(|line| !known.contains(line));
        work.answers(instance, recording, report);
        work
    }

    fn add(&mut self, instance: &Instance, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if self.lines.len() >= MAX_LINES {
                return;
            }
            let line: String = line.chars().take(MAX_LINE).collect();
            self.words.extend(words(&line).map(str::to_owned));
            self.lines.push(unfilled(&line, &instance.values));
        }
    }

    fn answers(&mut self, instance: &Instance, recording: &Recording, report: &Report) {
        let mut given: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (_, input) in recording.inputs() {
            if let Input::Reply { question, text } = input {
                given.entry(question).or_default().push(text.trim().to_lowercase());
                self.words.extend(words(text).map(str::to_owned));
            }
        }
        for (task, result) in instance.lab.tasks.iter().zip(&report.tasks) {
            for (index, part) in task.parts.iter().enumerate() {
                let Check::Answer(answer) = &part.check else { continue };
                // What everybody knows is the same for all.
                if matches!(answer.is, Value::OneOf(_) | Value::AllOf(_)) {
                    continue;
                }
                let Some(mut texts) = given.get(answer.id.as_str()).cloned() else { continue };
                let attempt = result.parts.get(index).and_then(|part| part.attempt);
                if let Some(attempt) = attempt.filter(|attempt| *attempt < texts.len()) {
                    self.right.insert(answer.id.clone(), texts.remove(attempt));
                }
                self.wrong.insert(answer.id.clone(), texts);
            }
        }
    }
}

/// The lines of the model solution, as [`Work::lines`] has them.
fn solution_lines(instance: &Instance) -> BTreeSet<String> {
    let blocks = instance.solution.iter().filter_map(|step| match step {
        Step::Run { host, lines, .. } => Some(format!("{host}: {lines}")),
        _ => None,
    });
    let mut known = BTreeSet::new();
    for block in blocks {
        let lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
        known.extend(lines.map(|line| unfilled(line, &instance.values)));
    }
    known
}

/// Words of letters and digits.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() >= MIN_VALUE)
}

/// A line with the values of a variant replaced by their names, the longest first.
fn unfilled(line: &str, values: &Values) -> String {
    let mut known: Vec<(&String, &String)> = values.iter().filter(|(_, value)| value.len() >= MIN_VALUE).collect();
    known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    known
        .into_iter()
        .fold(line.to_owned(), |line, (name, value)| line.replace(value.as_str(), &format!("{{{{{name}}}}}")))
}

/// An input in a few words.
pub fn shown(input: &Input) -> String {
    let text = match input {
        Input::Command { host, user, line, .. } => format!("{user}@{host}: {line}"),
        Input::Fetch { host, user, protocol, server, .. } => format!("{user}@{host}: {} {server}", protocol.name()),
        Input::Type { text, .. } => text.clone(),
        Input::Write { host, path, .. } => format!("{host}: {path}"),
        Input::Open { host, user, .. } => format!("{user}@{host}"),
        Input::Reply { question, text } => format!("lab answer {question} {text}"),
        other => serde_json::to_value(other)
            .ok()
            .and_then(|value| value.get("do").and_then(|name| name.as_str()).map(str::to_owned))
            .unwrap_or_default(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_two_variants_are_the_same_without_their_values() {
        let of = |friend: &str| Values::from([("friend".to_owned(), friend.to_owned())]);
        let line = |friend: &str| unfilled(&format!("RCPT TO:<{friend}@example.org>"), &of(friend));
        assert_eq!(line("walter"), line("donny"));
        assert_eq!(line("walter"), "RCPT TO:<{{friend}}@example.org>");
    }

    #[test]
    fn inputs_are_shown_on_one_short_line() {
        let input = Input::Command {
            host: "mx1".into(),
            user: "root".into(),
            line: format!("echo\n{}", "x".repeat(200)),
            stdin: String::new(),
        };
        assert!(shown(&input).starts_with("root@mx1: echo xxx") && shown(&input).chars().count() == MAX_SHOWN + 1);
        assert_eq!(shown(&Input::Pass), "pass");
    }
}
