//! What does not fit together in a lab: where it stands, and what would be right.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Check;
use super::load::Wrong;
use super::script::{self, Step};
use super::written;
use crate::scenario::problem::nearest;
use crate::scenario::{Problem, Scenario};

/// Objectives of the exam that a lab may serve.
const OBJECTIVES: [&str; 6] = ["108.3", "211.1", "211.2", "211.3", "DNSx", "SEC"];

/// A lab as far as it was read.
pub(super) struct Draft<'a> {
    /// The name of its folder.
    pub(super) name: &'a str,
    /// The text of `lab.ron`.
    pub(super) text: &'a str,
    pub(super) lab: &'a written::Lab,
    pub(super) scenario: &'a Scenario,
    /// Sections of the instructions by task, English and German.
    pub(super) en: &'a BTreeMap<String, String>,
    pub(super) de: &'a BTreeMap<String, String>,
    pub(super) solution: &'a [Step],
    pub(super) wrong: &'a BTreeMap<String, Wrong>,
}

impl Draft<'_> {
    /// Everything that does not fit.
    pub(super) fn gaps(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.tasks(&mut problems);
        self.scripts(&mut problems);
        self.hosts(&mut problems);
        self.words(&mut problems);
        problems
    }

    /// A problem with the place in `lab.ron` where the first of these texts stands.
    fn at(&self, needles: &[String], message: String) -> Problem {
        let found = needles.iter().find_map(|needle| self.text.find(needle).map(|at| at..at + needle.len()));
        Problem::new(&format!("{}/lab.ron", self.name), self.text, found.unwrap_or(0..0), message)
    }

    fn at_id(&self, id: &str, message: String) -> Problem {
        self.at(&[format!("id: \"{id}\"")], message)
    }

    fn in_file(&self, path: &str, message: String) -> Problem {
        Problem::new(&format!("{}/{path}", self.name), "", 0..0, message)
    }

    fn tasks(&self, problems: &mut Vec<Problem>) {
        let ids: BTreeSet<&str> = self.lab.tasks.iter().map(|task| task.id.as_str()).collect();
        if self.lab.tasks.is_empty() {
            problems.push(self.at(&["tasks".into()], "there is no task".into()).help("a lab needs one at least"));
        }
        let mut seen = BTreeSet::new();
        for task in &self.lab.tasks {
            let id = &task.id;
            if !seen.insert(id) {
                problems.push(self.at_id(id, format!("two tasks have the id `{id}`")).help("give each its own"));
            }
            for (path, sections) in [("text.en.md", self.en), ("text.de.md", self.de)] {
                if !sections.contains_key(id) {
                    let problem = self.in_file(path, format!("task {id} has no section"));
                    problems.push(problem.help(format!("add a heading `## {id} …` with what is to be done")));
                }
            }
            if task.parts.is_empty() || task.parts.iter().all(|part| part.weight == 0) {
                let problem = self.at_id(id, format!("task {id} has no part that counts"));
                problems.push(problem.help("add one to `parts`, with a `check`"));
            }
            if task.points == 0 {
                problems.push(self.at_id(id, format!("task {id} has no points")).help("write `points: 4`"));
            }
            for other in task.after.iter().filter(|other| !ids.contains(other.as_str())) {
                let problem = self.at_id(id, format!("task {id} comes after the unknown task {other}"));
                problems.push(near(problem, other, ids.iter().copied()));
            }
            if let Some(other) = task.after.iter().find(|other| !seen.contains(other) && ids.contains(other.as_str())) {
                let problem = self.at_id(id, format!("task {id} comes after task {other}, which stands below it"));
                problems.push(problem.help("put it below that one"));
            }
        }
        for objective in self.lab.objectives.iter().filter(|known| !OBJECTIVES.contains(&known.as_str())) {
            let problem = self.at(&[format!("\"{objective}\"")], format!("there is no objective `{objective}`"));
            problems.push(problem.help(format!("known are {}", OBJECTIVES.join(", "))));
        }
        if self.lab.pass > 100 {
            problems.push(self.at(&["pass:".into()], "`pass` is a percentage".into()).help("write `pass: 60`"));
        }
    }

    fn scripts(&self, problems: &mut Vec<Problem>) {
        let ids: BTreeSet<&str> = self.lab.tasks.iter().map(|task| task.id.as_str()).collect();
        for (name, way) in self.wrong {
            if !ids.contains(way.task.as_str()) {
                let path = format!("wrong/{name}.sh");
                let problem = self.in_file(&path, format!("`# task: {}` names an unknown task", way.task));
                problems.push(near(problem, &way.task, ids.iter().copied()));
            }
        }
        for stage in script::stages(self.solution).filter(|stage| !ids.contains(stage.task.as_str())) {
            let problem = self.in_file("solution.sh", format!("`#@ task {}` names an unknown task", stage.task));
            problems.push(near(problem, stage.task, ids.iter().copied()));
        }
        let asked: BTreeSet<&str> = self
            .checks()
            .flat_map(Check::answers)
            .map(|answer| answer.id.as_str())
            .chain(self.lab.predict.iter().map(|question| question.id.as_str()))
            .collect();
        let scripts = std::iter::once(("solution.sh".to_owned(), self.solution));
        let wrong = self.wrong.iter().map(|(name, way)| (format!("wrong/{name}.sh"), way.steps.as_slice()));
        for (path, steps) in scripts.chain(wrong) {
            for step in steps {
                let (Step::Answer { id, .. } | Step::AnswerFrom { id, .. }) = step else { continue };
                if !asked.contains(id.as_str()) {
                    let problem = self.in_file(&path, format!("`#@ answer {id}`: nothing asks that"));
                    problems.push(near(problem, id, asked.iter().copied()));
                }
            }
        }
    }

    /// All checks of the lab, without those within others.
    fn checks(&self) -> impl Iterator<Item = &Check> {
        let lab = self.lab;
        let tasks = lab.tasks.iter().flat_map(|task| {
            let parts = task.parts.iter().map(|part| &part.check);
            parts.chain(task.stuck.iter().chain(&task.lost).map(|known| &known.when))
        });
        lab.keep.iter().map(|guard| &guard.check).chain(tasks)
    }

    fn hosts(&self, problems: &mut Vec<Problem>) {
        let known: BTreeSet<&str> = self.scenario.hosts.iter().map(|host| host.name.as_str()).collect();
        let permits = &self.lab.permits;
        let permitted = permits.hosts.keys().chain(&permits.power).chain(&permits.at).map(String::as_str);
        let mut named: Vec<(&str, &str)> = permitted.map(|host| ("`permits`", host)).collect();
        let mut checked = Vec::new();
        self.checks().for_each(|check| hosts(check, &mut checked));
        named.extend(checked.into_iter().map(|host| ("a check", host)));
        let mut told = BTreeSet::new();
        for (who, host) in named {
            if !known.contains(host) && told.insert(host) {
                let needle = [format!("\"{host}\""), host.to_owned()];
                let problem = self.at(&needle, format!("{who} names the unknown host `{host}`"));
                problems.push(near(problem, host, known.iter().copied()));
            }
        }
    }

    /// Both languages say everything, and questions have their right answer.
    fn words(&self, problems: &mut Vec<Problem>) {
        for text in texts(self.lab) {
            let (en, de) = (text.en.trim(), text.de.trim());
            if en.is_empty() != de.is_empty() {
                let (said, missing) = if en.is_empty() { (de, "en") } else { (en, "de") };
                let needle = [format!("{said:?}"), said.to_owned()];
                let problem = self.at(&needle, format!("{said:?} is said in one language only"));
                problems.push(problem.help(format!("fill in `{missing}`")));
            }
        }
        for question in &self.lab.predict {
            let choices = question.choices.len() as u64;
            if question.right == 0 || question.right > choices {
                let message = format!("question {}: no choice has the number {}", question.id, question.right);
                let problem = self.at_id(&question.id, message);
                problems.push(problem.help(format!("choices are counted from 1 to {choices}")));
            }
        }
    }
}

fn near<'a>(problem: Problem, found: &str, known: impl Iterator<Item = &'a str> + Clone) -> Problem {
    let all = known.clone().collect::<Vec<_>>().join(", ");
    match nearest(found, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("there are: {all}")),
    }
}

/// Names of hosts that a check looks at. Addresses, ports and the word `mx` that stand in place of one are
/// left out.
fn hosts<'a>(check: &'a Check, found: &mut Vec<&'a str>) {
    let server = |name: &'a str| {
        let is_name = name != "mx"
            && name.parse::<std::net::SocketAddr>().is_err()
            && name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err();
        is_name.then(|| name.rsplit_once(':').map_or(name, |(host, _)| host))
    };
    match check {
        Check::All(checks) | Check::Any(checks) => checks.iter().for_each(|check| hosts(check, found)),
        Check::Not(check) => hosts(check, found),
        Check::Mailbox(check) => found.push(&check.host),
        Check::Queue(check) => found.push(&check.host),
        Check::Parameter(check) => found.push(&check.host),
        Check::Lookup(check) => found.push(&check.host),
        Check::File(check) => found.push(&check.host),
        Check::Command(check) => found.push(&check.host),
        Check::Dns(check) => found.push(&check.host),
        Check::Unchanged(check) => found.push(&check.host),
        Check::Serial(check) => found.push(&check.host),
        Check::Trial(check) => hosts(&check.then, found),
        Check::LocalMail(check) => found.push(&check.host),
        Check::Listens(check) => found.extend([Some(check.from.as_str()), server(&check.to)].into_iter().flatten()),
        Check::Mail(check) => found.extend([Some(check.from.as_str()), server(&check.to)].into_iter().flatten()),
        Check::OpenRelay(check) => found.extend([Some(check.from.as_str()), server(&check.to)].into_iter().flatten()),
        // Patterns, which may name several.
        _ => {}
    }
}

/// All texts of a lab file.
fn texts(lab: &written::Lab) -> Vec<&written::Text> {
    let mut texts = vec![&lab.title, &lab.summary];
    texts.extend(lab.keep.iter().map(|guard| &guard.name));
    for task in &lab.tasks {
        texts.push(&task.title);
        texts.extend(&task.hints);
        texts.extend(task.parts.iter().map(|part| &part.name));
        texts.extend(task.parts.iter().flat_map(|part| part.check.answers()).map(|answer| &answer.ask));
        texts.extend(task.stuck.iter().chain(&task.lost).map(|known| &known.say));
    }
    for question in &lab.predict {
        texts.extend([&question.ask, &question.why]);
        texts.extend(&question.choices);
    }
    texts
}
