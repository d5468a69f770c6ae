//! What looks copied: for the teacher to look at, never a reason to take points.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::class::Class;
use super::submission::{Graded, Remark};
use crate::lab::Lab;
use crate::lab::written::Draw;
use crate::session::story::Lang;

/// Shorter values are typed by chance.
const MIN_WORD: usize = 5;
/// An answer that more classmates share belongs to nobody.
const MAX_OWNERS: usize = 2;
/// A line that more than this share of the class typed, in percent, says nothing.
const COMMON: usize = 20;
/// So many rare lines two must share at least.
const MIN_SHARED: usize = 5;
/// And so many percent of those of the one with fewer.
const MIN_PERCENT: usize = 80;
/// So many equal pauses in a row are the same recording.
const MIN_PAUSES: usize = 5;
/// More are not reported.
const MAX_REPORTED: usize = 200;

/// Something that looks copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// A value was typed that only a classmate's variant has.
    ForeignWord {
        /// Who typed it.
        by: String,
        /// Whose it is.
        owner: String,
        /// The value.
        word: String,
    },
    /// An answer was given that is right only in a classmate's world.
    ForeignAnswer {
        /// Who gave it.
        by: String,
        /// In whose world it is right.
        owner: String,
        /// The question.
        question: String,
        /// The answer.
        answer: String,
    },
    /// A classmate's recording was handed in.
    ForeignRecording {
        /// Who handed it in.
        by: String,
        /// Whose it is.
        owner: String,
    },
    /// Two did the same.
    SameWork {
        /// One of them.
        one: String,
        /// The other one.
        other: String,
        /// Lines that hardly anybody else typed, and both did.
        shared: usize,
        /// Of so many of the one who typed fewer.
        of: usize,
        /// Pauses between lines that are the same to the microsecond.
        pauses: usize,
    },
}

impl Suspicion {
    /// In words.
    pub fn tell(&self, lang: Lang) -> String {
        match (self, lang) {
            (Suspicion::ForeignWord { by, owner, word }, Lang::En) => {
                format!("{by} typed `{word}`, which is from the variant of {owner}")
            }
            (Suspicion::ForeignWord { by, owner, word }, Lang::De) => {
                format!("{by} hat `{word}` getippt; das ist aus der Fassung von {owner}")
            }
            (Suspicion::ForeignAnswer { by, owner, question, answer }, Lang::En) => {
                format!("{by} answered `{question}` with `{answer}`, which is right in the world of {owner} only")
            }
            (Suspicion::ForeignAnswer { by, owner, question, answer }, Lang::De) => {
                format!("{by} hat auf `{question}` mit `{answer}` geantwortet; das stimmt nur in der Welt von {owner}")
            }
            (Suspicion::ForeignRecording { by, owner }, Lang::En) => {
                format!("{by} handed in the recording of {owner}")
            }
            (Suspicion::ForeignRecording { by, owner }, Lang::De) => {
                format!("{by} hat die Aufzeichnung von {owner} abgegeben")
            }
            (Suspicion::SameWork { one, other, shared, of, pauses }, Lang::En) => format!(
                "{one} and {other} typed the same: {shared} of {of} lines that hardly anybody else typed, \
                 {pauses} pauses the same to the microsecond"
            ),
            (Suspicion::SameWork { one, other, shared, of, pauses }, Lang::De) => format!(
                "{one} und {other} haben dasselbe getippt: {shared} von {of} Zeilen, die sonst kaum jemand hat, \
                 {pauses} Pausen auf die Mikrosekunde gleich"
            ),
        }
    }

    /// As a value.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Suspicion::ForeignWord { by, owner, word } => {
                json!({ "kind": "foreign word", "by": by, "owner": owner, "word": word })
            }
            Suspicion::ForeignAnswer { by, owner, question, answer } => json!({
                "kind": "foreign answer", "by": by, "owner": owner, "question": question, "answer": answer,
            }),
            Suspicion::ForeignRecording { by, owner } => {
                json!({ "kind": "foreign recording", "by": by, "owner": owner })
            }
            Suspicion::SameWork { one, other, shared, of, pauses } => json!({
                "kind": "same work", "one": one, "other": other, "shared": shared, "of": of, "pauses": pauses,
            }),
        }
    }
}

/// Everything that looks copied in a class.
pub fn suspicions(lab: &Lab, results: &[Graded], class: Option<&Class>) -> Vec<Suspicion> {
    let mut found: Vec<Suspicion> = Vec::new();
    for graded in results {
        found.extend(graded.remarks.iter().filter_map(|remark| match remark {
            Remark::Foreign { owner } => Some(Suspicion::ForeignRecording { by: graded.who(), owner: owner.clone() }),
            _ => None,
        }));
    }
    found.extend(foreign_words(lab, results, class));
    found.extend(foreign_answers(results));
    found.extend(same_work(results));
    found.truncate(MAX_REPORTED);
    found
}

/// Words that only one variant of the class has, typed by somebody else.
fn foreign_words(lab: &Lab, results: &[Graded], class: Option<&Class>) -> Vec<Suspicion> {
    // Whoever is on the list may be copied from, even without a submission.
    let mut people: BTreeMap<_, String> = BTreeMap::new();
    for member in class.iter().flat_map(|class| &class.members) {
        people.insert((member.id.clone(), member.class.clone()), member.to_string());
    }
    for graded in results.iter().filter(|graded| !graded.student.id.is_empty()) {
        people.entry((graded.student.id.clone(), graded.student.class.clone())).or_insert_with(|| graded.who());
    }
    // Values drawn from a few belong to many.
    let is_own = |name: &str| match lab.written().variation.get(name) {
        Some(Draw::Word(letters)) => *letters as usize >= MIN_WORD,
        _ => false,
    };
    let mut owners: BTreeMap<String, Vec<&(String, String)>> = BTreeMap::new();
    for key in people.keys() {
        let student = crate::lab::Student { id: key.0.clone(), class: key.1.clone() };
        for (name, value) in lab.values(&student) {
            if is_own(&name) && value.len() >= MIN_WORD {
                owners.entry(value).or_default().push(key);
            }
        }
    }
    let mut found = Vec::new();
    for graded in results {
        let own = (graded.student.id.clone(), graded.student.class.clone());
        for word in &graded.work.words {
            if let Some([owner]) = owners.get(word).map(Vec::as_slice)
                && **owner != own
            {
                let owner = people.get(*owner).cloned().unwrap_or_default();
                found.push(Suspicion::ForeignWord { by: graded.who(), owner, word: word.clone() });
            }
        }
    }
    found
}

/// Wrong answers that are right in a classmate's world.
fn foreign_answers(results: &[Graded]) -> Vec<Suspicion> {
    let mut owners: BTreeMap<(&str, &str), BTreeSet<usize>> = BTreeMap::new();
    for (index, graded) in results.iter().enumerate() {
        for (question, answer) in graded.work.right.iter().filter(|(_, answer)| answer.len() >= MIN_WORD) {
            owners.entry((question, answer)).or_default().insert(index);
        }
    }
    let mut found = Vec::new();
    for graded in results {
        for (question, answers) in &graded.work.wrong {
            for answer in answers {
                let Some(known) = owners.get(&(question.as_str(), answer.as_str())) else { continue };
                let others: Vec<&Graded> =
                    known.iter().map(|at| &results[*at]).filter(|other| other.student != graded.student).collect();
                if !others.is_empty() && others.len() <= MAX_OWNERS {
                    let owner = others.iter().map(|other| other.who()).collect::<Vec<_>>().join(", ");
                    let (question, answer) = (question.clone(), answer.clone());
                    found.push(Suspicion::ForeignAnswer { by: graded.who(), owner, question, answer });
                }
            }
        }
    }
    found
}

/// Pairs that share what hardly anybody else has.
fn same_work(results: &[Graded]) -> Vec<Suspicion> {
    // In a handful of people everything is rare.
    let common = (results.len() * COMMON / 100).max(1);
    let mut typed_by: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (index, graded) in results.iter().enumerate() {
        for line in &graded.work.lines {
            typed_by.entry(line).or_default().insert(index);
        }
    }
    let mut rare = vec![0_usize; results.len()];
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for who in typed_by.values().filter(|who| who.len() <= common) {
        let who: Vec<usize> = who.iter().copied().collect();
        for (at, one) in who.iter().enumerate() {
            rare[*one] += 1;
            for other in &who[at + 1..] {
                *shared.entry((*one, *other)).or_default() += 1;
            }
        }
    }
    // The same pauses are the same recording, whatever was typed.
    let mut by_pauses: BTreeMap<&[u64], Vec<usize>> = BTreeMap::new();
    for (index, graded) in results.iter().enumerate() {
        for window in graded.work.pauses.windows(MIN_PAUSES).filter(|window| window.iter().any(|pause| *pause != 0)) {
            let known = by_pauses.entry(window).or_default();
            if known.last() != Some(&index) {
                known.push(index);
            }
        }
    }
    for who in by_pauses.values().filter(|who| who.len() > 1) {
        for pair in who.windows(2) {
            shared.entry((pair[0], pair[1])).or_default();
        }
    }
    let mut found: Vec<(usize, Suspicion)> = Vec::new();
    for ((one, other), shared) in shared {
        let (first, second) = (&results[one], &results[other]);
        if first.student == second.student {
            continue;
        }
        let of = rare[one].min(rare[other]);
        let pauses = equal_pauses(&first.work.pauses, &second.work.pauses);
        let many = shared >= MIN_SHARED && shared * 100 >= of * MIN_PERCENT;
        if many || pauses >= MIN_PAUSES {
            let (one, other) = (first.who(), second.who());
            found.push((shared + pauses, Suspicion::SameWork { one, other, shared, of, pauses }));
        }
    }
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    found.into_iter().map(|(_, suspicion)| suspicion).collect()
}

/// Pauses that both have.
fn equal_pauses(one: &[u64], other: &[u64]) -> usize {
    let other: BTreeSet<u64> = other.iter().copied().filter(|pause| *pause != 0).collect();
    one.iter().filter(|pause| other.contains(pause)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::submission::Ungraded;
    use crate::lab::Student;

    fn graded(id: &str, lines: &[&str], pauses: &[u64]) -> Graded {
        let mut graded = Graded::ungraded(id, Ungraded::Crashed);
        graded.student = Student { id: id.into(), class: String::new() };
        graded.work.lines = lines.iter().map(|line| (*line).to_owned()).collect();
        graded.work.pauses = pauses.to_vec();
        graded
    }

    #[test]
    fn lines_of_everybody_are_no_sign_and_rare_ones_are() {
        let rare = ["a1", "a2", "a3", "a4", "a5", "ls"];
        let mut class: Vec<Graded> = (0..20).map(|n| graded(&n.to_string(), &["ls", "newaliases"], &[])).collect();
        class.push(graded("ann", &rare, &[]));
        class.push(graded("ben", &rare, &[]));
        let found = same_work(&class);
        assert_eq!(
            found,
            [Suspicion::SameWork { one: "ann".into(), other: "ben".into(), shared: 5, of: 5, pauses: 0 }]
        );
    }

    #[test]
    fn the_same_pauses_show_a_recording_with_another_name() {
        let pauses = [1_204_311, 803_512, 2_411_020, 99_313, 5_123_456];
        let class = [graded("ann", &["ls"], &pauses), graded("ben", &["ls"], &pauses)];
        assert_eq!(same_work(&class).len(), 1);
        let class = [graded("ann", &["ls"], &pauses), graded("ben", &["ls"], &[1, 2, 3, 4, 5])];
        assert_eq!(same_work(&class), []);
    }

    #[test]
    fn a_wrong_answer_that_is_right_for_a_classmate_names_whose_it_is() {
        let (mut ann, mut ben) = (graded("ann", &[], &[]), graded("ben", &[], &[]));
        ann.work.right.insert("queue-id".into(), "4f2a8b11c9".into());
        ben.work.wrong.insert("queue-id".into(), vec!["4f2a8b11c9".into(), "1234567890".into()]);
        let found = foreign_answers(&[ann, ben]);
        assert!(matches!(found.as_slice(), [Suspicion::ForeignAnswer { owner, .. }] if owner == "ann"), "{found:?}");
    }
}
