//! Whether two normalised results agree, and where they do not.
//!
//! Queue ids are renamed by what happens to them, then sections are compared as the recordings
//! ask for: logs, mailboxes and sink sessions as multisets, the rest exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

static TOKEN: LazyLock<Regex> = LazyLock::new(|| constant(r"\bQ[0-9]+\b"));
static LISTING: LazyLock<Regex> = LazyLock::new(|| constant(r"(?m)^(Q[0-9]+)([*!#]?)( +)([0-9])"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the expressions are constant and tested")
}

/// Rounds of colour refinement, as many as the recordings were compared with.
const ROUNDS: usize = 4;

/// Lines with queue ids, each with the place where it stands.
fn lines_with_ids(place: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => {
            let found = text.split('\n').filter(|line| TOKEN.is_match(line));
            lines.extend(found.map(|line| (place.to_owned(), line.to_owned())));
        }
        Value::Array(items) => items.iter().for_each(|item| lines_with_ids(place, item, lines)),
        Value::Object(entries) if entries.contains_key("queue_id") => {
            lines.push((place.to_owned(), sorted_json(value)))
        }
        Value::Object(entries) => {
            for (name, value) in entries {
                lines_with_ids(&format!("{place}/{}", TOKEN.replace_all(name, "Q")), value, lines);
            }
        }
        _ => {}
    }
}

/// JSON with the keys of all objects in order.
fn sorted_json(value: &Value) -> String {
    sort_keys(value).to_string()
}

fn sort_keys(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sort_keys).collect(),
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
            Value::Object(sorted.into_iter().map(|(name, value)| (name.clone(), sort_keys(value))).collect())
        }
        other => other.clone(),
    }
}

/// Names queue ids by what happens to them instead of by order of appearance, so that another
/// interleaving of the same events gives the same text (colour refinement over all lines).
fn recolour(result: &Value) -> Value {
    let mut lines = Vec::new();
    lines_with_ids("", result, &mut lines);
    let ids: BTreeSet<&str> =
        lines.iter().flat_map(|(_, line)| TOKEN.find_iter(line)).map(|found| found.as_str()).collect();
    let mut colours: BTreeMap<&str, String> = ids.iter().map(|id| (*id, String::new())).collect();
    for _ in 0..ROUNDS {
        let mut seen: BTreeMap<&str, Vec<String>> = ids.iter().map(|id| (*id, Vec::new())).collect();
        for (place, line) in &lines {
            let here: BTreeSet<&str> = TOKEN.find_iter(line).map(|found| found.as_str()).collect();
            for id in here {
                let marked = TOKEN.replace_all(line, |found: &regex::Captures<'_>| {
                    if &found[0] == id { "@".to_owned() } else { format!("#{}", colours[&found[0]]) }
                });
                if let Some(views) = seen.get_mut(id) {
                    views.push(format!("{place}|{marked}").replace(' ', ""));
                }
            }
        }
        colours = seen
            .into_iter()
            .map(|(id, mut views)| {
                views.sort();
                let hash = Sha256::digest(views.join("\n"));
                (id, hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect())
            })
            .collect();
    }
    rename(result, &colours)
}

fn rename(value: &Value, colours: &BTreeMap<&str, String>) -> Value {
    let text = |text: &str| {
        let listed = LISTING.replace_all(text, |found: &regex::Captures<'_>| {
            let blanks = (found[1].len() + found[3].len()).saturating_sub(9).max(1);
            let colour = colours.get(&found[1]).map_or("", String::as_str);
            format!("Q{colour}{}{}{}", &found[2], " ".repeat(blanks), &found[4])
        });
        TOKEN
            .replace_all(&listed, |found: &regex::Captures<'_>| match colours.get(&found[0]) {
                Some(colour) => format!("Q{colour}"),
                None => found[0].to_owned(),
            })
            .into_owned()
    };
    match value {
        Value::String(value) => Value::String(text(value)),
        Value::Array(items) => items.iter().map(|item| rename(item, colours)).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(name, value)| (text(name), rename(value, colours))).collect())
        }
        other => other.clone(),
    }
}

/// What two runs of the same case must agree on: lines of different processes may interleave
/// differently, deliveries to one mailbox may swap.
fn canonical(mut result: Value) -> Value {
    for section in ["mail_log", "mailboxes"] {
        for_each_entry(&mut result, section, sort_by_json);
    }
    for_each_entry(&mut result, "exec", |exec| {
        if let Some(Value::String(stdout)) = exec.get_mut("stdout") {
            *stdout = sort_listing(stdout);
        }
        for stream in ["stdout", "stderr"] {
            if let Some(Value::String(text)) = exec.get_mut(stream) {
                *text = sort_unused_parameters(text);
            }
        }
    });
    for_each_entry(&mut result, "queue", |queue| {
        sort_by_json(queue);
        for entry in queue.as_array_mut().into_iter().flatten() {
            if let Some(recipients) = entry.get_mut("recipients") {
                sort_by_json(recipients);
            }
        }
    });
    for_each_entry(&mut result, "received", |sessions| {
        for session in sessions.as_array_mut().into_iter().flatten() {
            if let Some(Value::Array(lines)) = session.get_mut("transcript") {
                // A cached connection may still be open at the end.
                let at = lines.len().saturating_sub(2);
                if lines.len() >= 2 && lines[at] == "C: QUIT" {
                    lines.truncate(at);
                }
            }
        }
        sort_by_json(sessions);
    });
    result
}

fn for_each_entry(result: &mut Value, section: &str, mut change: impl FnMut(&mut Value)) {
    if let Some(Value::Object(entries)) = result.get_mut(section) {
        entries.values_mut().for_each(&mut change);
    }
}

fn sort_by_json(items: &mut Value) {
    if let Value::Array(items) = items {
        items.sort_by_cached_key(Value::to_string);
    }
}

/// Entries of a queue listing in any order, since Postfix lists by hashed directory.
fn sort_listing(stdout: &str) -> String {
    let sorted = |mut parts: Vec<&str>, glue: &str| {
        parts.sort_unstable();
        parts.join(glue)
    };
    if stdout.contains("-Queue ID-") {
        let parts = stdout.split("\n\n").flat_map(|part| match part.split_once("-------\n") {
            Some((heading, first)) => vec![&part[..heading.len() + 7], first],
            None => vec![part],
        });
        sorted(parts.collect(), "\n\n")
    } else if stdout.starts_with("{\"queue_name\"") {
        sorted(stdout.split('\n').collect(), "\n")
    } else {
        stdout.to_owned()
    }
}

/// postconf(1) lists unused parameters in hash order.
fn sort_unused_parameters(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let places: Vec<usize> = (0..lines.len()).filter(|place| lines[*place].contains("unused parameter: ")).collect();
    let mut sorted: Vec<&str> = places.iter().map(|place| lines[*place]).collect();
    sorted.sort_unstable();
    for (place, line) in places.into_iter().zip(sorted) {
        lines[place] = line;
    }
    lines.join("\n")
}

/// The sections of a result that count, in the form that is compared.
fn comparable(result: &Value, volatile: &[String]) -> Value {
    let counts = |name: &str| name != "notes" && !volatile.iter().any(|section| section == name);
    let sections: Map<String, Value> = result
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| counts(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    sort_keys(&canonical(recolour(&Value::Object(sections))))
}

/// One place where two results differ: the lines of each side that the other has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Section and name: `mail_log/mx1`.
    pub place: String,
    /// Lines only in the recording.
    pub recorded: Vec<String>,
    /// Lines only in this run.
    pub now: Vec<String>,
}

/// The differences between a recording and another normalised result; empty where they agree.
pub fn differences(recorded: &Value, now: &Value, volatile: &[String]) -> Vec<Difference> {
    let (recorded, now) = (comparable(recorded, volatile), comparable(now, volatile));
    let mut found = Vec::new();
    if recorded != now {
        walk("", Some(&recorded), Some(&now), 2, &mut found);
    }
    found
}

fn walk(place: &str, recorded: Option<&Value>, now: Option<&Value>, depth: u32, found: &mut Vec<Difference>) {
    if recorded == now {
        return;
    }
    let empty = Map::new();
    let entries = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    let both_objects = [recorded, now].iter().flatten().all(|value| value.is_object());
    if depth > 0 && both_objects {
        let (left, right) = (entries(recorded), entries(now));
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        for name in names {
            let place = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
            walk(&place, left.get(name), right.get(name), depth - 1, found);
        }
        return;
    }
    let (left, right) = (lines_of(recorded), lines_of(now));
    let (recorded, now) = only_in_one(&left, &right);
    found.push(Difference { place: place.to_owned(), recorded, now });
}

/// A value as lines for people.
fn lines_of(value: Option<&Value>) -> Vec<String> {
    match value {
        None => vec!["(missing)".to_owned()],
        Some(Value::String(text)) => text.split('\n').map(str::to_owned).collect(),
        Some(Value::Array(items)) => items.iter().flat_map(|item| lines_of(Some(item))).collect(),
        Some(Value::Object(entries)) => entries
            .iter()
            .flat_map(|(name, value)| lines_of(Some(value)).into_iter().map(move |line| format!("{name}: {line}")))
            .collect(),
        Some(other) => vec![other.to_string()],
    }
}

/// The lines that are not part of a longest common subsequence; long texts as multisets.
fn only_in_one(left: &[String], right: &[String]) -> (Vec<String>, Vec<String>) {
    const LIMIT: usize = 2000;
    if left.len() > LIMIT || right.len() > LIMIT {
        let minus = |from: &[String], take: &[String]| {
            let take: BTreeSet<&String> = take.iter().collect();
            from.iter().filter(|line| !take.contains(line)).cloned().collect()
        };
        return (minus(left, right), minus(right, left));
    }
    let width = right.len() + 1;
    let mut common = vec![0u32; (left.len() + 1) * width];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i * width + j] = if left[i] == right[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            only_left.push(left[i].clone());
            i += 1;
        } else {
            only_right.push(right[j].clone());
            j += 1;
        }
    }
    (only_left, only_right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn another_numbering_of_queue_ids_agrees() {
        let recorded = json!({"mail_log": {"mx1": ["Q1: from=<a>", "Q2: from=<b>", "Q1: removed"]}});
        let now = json!({"mail_log": {"mx1": ["Q1: from=<b>", "Q2: from=<a>", "Q2: removed"]}});
        assert_eq!(differences(&recorded, &now, &[]), []);
        let wrong = json!({"mail_log": {"mx1": ["Q1: from=<b>", "Q2: from=<a>", "Q1: removed"]}});
        assert!(!differences(&recorded, &wrong, &[]).is_empty());
    }

    #[test]
    fn volatile_sections_and_notes_do_not_count() {
        let recorded = json!({"mail_log": {"mx1": ["a"]}, "notes": ["x"]});
        let now = json!({"mail_log": {"mx1": ["b"]}});
        assert_eq!(differences(&recorded, &now, &["mail_log".to_owned()]), []);
        let found = differences(&recorded, &now, &[]);
        assert_eq!(
            found,
            [Difference { place: "mail_log/mx1".into(), recorded: vec!["a".into()], now: vec!["b".into()] }]
        );
    }

    #[test]
    fn a_closing_quit_of_a_sink_session_counts_for_nothing() {
        let session = |lines: Value| json!({"received": {"mail": [{"peer": "192.0.2.1", "transcript": lines}]}});
        let with = session(json!(["C: DATA", "S: 354", "C: QUIT", "S: 221 2.0.0 Bye"]));
        let without = session(json!(["C: DATA", "S: 354"]));
        assert_eq!(differences(&with, &without, &[]), []);
    }
}
