//! From checks to points: what is done, what is missing, and why.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Bench, Check, Finding};
use super::written::{Lab, Misconception, Task, Text};

/// What is left of a task's points, in percent, by the number of hints taken for it.
const AFTER_HINTS: [u64; 4] = [100, 100, 90, 75];

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Something is missing.
    NotYet,
    /// It went wrong in a way that is known; with the words that help.
    Stuck(Text),
    /// It cannot be checked until another task is done.
    Waiting(String),
    /// It can no longer be done from here; with the words that say where to go back to.
    Lost(Text),
}

/// A part of a task with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartResult {
    /// What it is.
    pub name: Text,
    /// Percent of its share that it earns.
    pub percent: u64,
    /// What was found.
    pub finding: Finding,
    /// Of an answer: which attempt was right, counted from 0.
    pub attempt: Option<usize>,
}

/// A task with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskResult {
    /// Its number or name.
    pub id: String,
    /// What it is about.
    pub title: Text,
    /// Points for it.
    pub points: u64,
    /// Whether they come on top of the lab's points.
    pub bonus: bool,
    /// Hundredths of points that it earns.
    pub earned: u64,
    /// How it stands.
    pub outcome: Outcome,
    /// Its parts.
    pub parts: Vec<PartResult>,
    /// What reduced its points.
    pub reduced: Vec<Text>,
    /// Hints taken.
    pub hints: u64,
}

/// Something that must go on working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardResult {
    /// What must work.
    pub name: Text,
    /// What was found.
    pub finding: Finding,
}

/// A whole lab judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The tasks in order.
    pub tasks: Vec<TaskResult>,
    /// What must go on working.
    pub guards: Vec<GuardResult>,
    /// Points for everything but what comes on top.
    pub points: u64,
    /// Hundredths of points earned.
    pub earned: u64,
    /// Whether it is passed.
    pub passed: bool,
}

impl Report {
    /// Work that was taken over from the model solution earns nothing.
    pub fn take_over(&mut self, tasks: &BTreeSet<String>, pass: u64) {
        for task in self.tasks.iter_mut().filter(|task| tasks.contains(&task.id)) {
            task.earned = 0;
            task.reduced
                .push(super::check::text("taken over from the model solution", "aus der Musterlösung übernommen"));
        }
        self.earned = self.tasks.iter().map(|task| task.earned).sum();
        self.passed = self.earned >= self.points * pass;
    }
}

/// Judges every task.
pub fn judge(lab: &Lab, hints: &BTreeMap<String, u64>, bench: &Bench<'_>) -> Report {
    let guards: Vec<GuardResult> = lab
        .keep
        .iter()
        .map(|guard| GuardResult { name: guard.name.clone(), finding: guard.check.look(bench) })
        .collect();
    let broken: Vec<(&Text, u64)> = lab
        .keep
        .iter()
        .zip(&guards)
        .filter(|(_, result)| !result.finding.ok)
        .map(|(guard, _)| (&guard.name, guard.cap))
        .collect();
    let mut done = BTreeSet::new();
    let mut tasks = Vec::new();
    for task in &lab.tasks {
        let taken = hints.get(&task.id).copied().unwrap_or_default();
        let result = match task.after.iter().find(|id| !done.contains(id.as_str())) {
            Some(missing) => waiting(task, missing, taken),
            None => look(task, taken, &broken, bench),
        };
        // What was fulfilled in a way that costs points opens the way all the same.
        if !result.parts.is_empty() && result.parts.iter().all(|part| part.finding.ok) {
            done.insert(task.id.as_str());
        }
        tasks.push(result);
    }
    let points = tasks.iter().filter(|task| !task.bonus).map(|task| task.points).sum();
    let earned = tasks.iter().map(|task| task.earned).sum();
    Report { tasks, guards, points, earned, passed: earned >= points * lab.pass }
}

fn waiting(task: &Task, missing: &str, hints: u64) -> TaskResult {
    TaskResult {
        id: task.id.clone(),
        title: task.title.clone(),
        points: task.points,
        bonus: task.bonus,
        earned: 0,
        outcome: Outcome::Waiting(missing.to_owned()),
        parts: Vec::new(),
        reduced: Vec::new(),
        hints,
    }
}

fn look(task: &Task, hints: u64, broken: &[(&Text, u64)], bench: &Bench<'_>) -> TaskResult {
    let parts: Vec<PartResult> = task
        .parts
        .iter()
        .map(|part| {
            let finding = part.check.look(bench);
            let percent = part.check.percent(bench, &finding);
            let attempt = match &part.check {
                Check::Answer(answer) => answer.right_attempt(bench),
                _ => None,
            };
            PartResult { name: part.name.clone(), percent, finding, attempt }
        })
        .collect();
    let mut share = share(task, &parts);
    let fulfilled = parts.iter().all(|part| part.finding.ok);
    let mut reduced = Vec::new();
    let mut outcome = if fulfilled { Outcome::Done } else { Outcome::NotYet };
    if let Some(known) = recognised(&task.stuck, fulfilled, bench) {
        match known.cap {
            Some(cap) if share > cap * 100 => {
                share = cap * 100;
                reduced.push(known.say.clone());
            }
            _ => share = share.max(known.credit * 100),
        }
        outcome = Outcome::Stuck(known.say.clone());
    }
    if let Some(known) = task.lost.iter().find(|known| !fulfilled && known.when.look(bench).ok) {
        outcome = Outcome::Lost(known.say.clone());
    }
    // Words alone break nothing.
    if !task.parts.iter().all(|part| matches!(part.check, Check::Answer(_))) {
        for (name, cap) in broken {
            if cap * 100 < share {
                share = cap * 100;
                reduced.push((*name).clone());
            }
        }
    }
    let left = AFTER_HINTS[(hints as usize).min(AFTER_HINTS.len() - 1)];
    let earned = (task.points * share * left + 5_000) / 10_000;
    TaskResult {
        id: task.id.clone(),
        title: task.title.clone(),
        points: task.points,
        bonus: task.bonus,
        earned,
        outcome,
        parts,
        reduced,
        hints,
    }
}

/// What the parts earn, in hundredths of a percent, so that a third is not lost.
fn share(task: &Task, parts: &[PartResult]) -> u64 {
    if let Some(cost) = task.each_missing {
        let cost = (cost * 1_000_000.0 / task.points.max(1) as f64).round() as u64;
        let missing: u64 = parts.iter().map(|part| cost * (100 - part.percent.min(100)) / 100).sum();
        // What was only spared is nothing earned.
        let none = parts.iter().all(|part| part.percent == 0);
        return if none { 0 } else { 10_000_u64.saturating_sub((missing + 50) / 100) };
    }
    let weight: u64 = task.parts.iter().map(|part| part.weight).sum();
    let sum: u64 = task.parts.iter().zip(parts).map(|(part, result)| part.weight * result.percent).sum();
    (sum * 100 + weight / 2).checked_div(weight).unwrap_or_default()
}

/// The first misconception that is seen. Of a fulfilled task only those that limit its points
/// are looked for.
fn recognised<'a>(known: &'a [Misconception], fulfilled: bool, bench: &Bench<'_>) -> Option<&'a Misconception> {
    known.iter().filter(|known| !fulfilled || known.cap.is_some()).find(|known| known.when.look(bench).ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(further: &str) -> Task {
        let part = "(name: (en: \"\", de: \"\"), check: All([]))";
        let text = format!(
            "(id: \"1\", points: 6, {further} title: (en: \"\", de: \"\"), parts: [{part}, {part}, {part}, {part}])"
        );
        ron::from_str(&text).unwrap()
    }

    fn parts(percents: [u64; 4]) -> Vec<PartResult> {
        percents
            .map(|percent| PartResult { name: Text::default(), percent, finding: Finding::default(), attempt: None })
            .into()
    }

    #[test]
    fn parts_share_the_points_by_weight() {
        assert_eq!(share(&task(""), &parts([100, 100, 100, 0])), 7_500);
        assert_eq!(share(&task(""), &parts([50, 0, 0, 0])), 1_250);
    }

    #[test]
    fn parts_that_are_missing_cost_points_each_but_nothing_is_earned_by_doing_nothing() {
        let task = task("each_missing: Some(2),");
        for (percents, share_of) in [
            ([100, 100, 100, 100], 10_000),
            ([100, 100, 100, 0], 6_667),
            ([100, 100, 0, 0], 3_333),
            ([100, 0, 0, 0], 0),
            ([0, 0, 0, 0], 0),
        ] {
            assert_eq!(share(&task, &parts(percents)), share_of, "{percents:?}");
        }
    }
}
