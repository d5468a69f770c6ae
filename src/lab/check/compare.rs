//! How answers of several things are compared: sets, sequences, mappings, numbers.

use std::collections::BTreeMap;

use super::matches_text;
use crate::trace::{ConnectResult, Kind};
use crate::world::World;

/// Letters that a quotation must have at least, so that not any word is one.
const SHORTEST_QUOTATION: usize = 8;

/// An answer without what does not matter: case, final dots, brackets and blanks.
pub(super) fn normal(word: &str) -> String {
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

fn is(found: &str, right: &str) -> bool {
    matches_text(found, &normal(right))
}

/// Mistakes in an answer that must name all of these in any order: what is missing, or what is
/// too much; one put for another is one.
pub(super) fn set(answer: &str, right: &[String]) -> u64 {
    let mut found = parts(answer);
    found.sort();
    found.dedup();
    let missing = right.iter().filter(|right| !found.iter().any(|found| is(found, right))).count();
    let extra = found.iter().filter(|found| !right.iter().any(|right| is(found, right))).count();
    missing.max(extra) as u64
}

/// Mistakes in an answer that must name all of these in order: how often something must be put
/// in, taken away, replaced, or swapped with its neighbour.
pub(super) fn sequence(answer: &str, right: &[String]) -> u64 {
    let found = parts(&answer.replace("->", ",").replace('\u{2192}', ","));
    let mut rows = vec![(0..=right.len() as u64).collect::<Vec<u64>>()];
    for (i, word) in found.iter().enumerate() {
        let mut row = vec![i as u64 + 1];
        for (j, wanted) in right.iter().enumerate() {
            let replaced = rows[i][j] + u64::from(!is(word, wanted));
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && is(word, &right[j - 1]) && is(&found[i - 1], wanted) {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or_default()
}

/// Mistakes in an answer that must say for each name what belongs to it: names without the right
/// value.
pub(super) fn mapping(answer: &str, right: &[String]) -> u64 {
    let pairs = |text: &str| -> Vec<(String, String)> {
        let items = text.split([',', ';', '\n']).filter_map(|item| item.split_once(['=', ':']));
        items.map(|(name, value)| (normal(name), normal(value))).collect()
    };
    let mut given: BTreeMap<String, String> = pairs(answer).into_iter().collect();
    if given.len() < 2 && right.len() > 1 {
        // Blanks may part the pairs, too.
        given = answer.split_whitespace().flat_map(pairs).collect();
    }
    let has = |name: &str, value: &str| given.get(name).is_some_and(|found| matches_text(found, value));
    right.iter().flat_map(|right| pairs(right)).filter(|(name, value)| !has(name, value)).count() as u64
}

/// Whether an answer is a number or a time of day at most so far from the right one; minutes for
/// times.
pub(super) fn is_near(answer: &str, right: &str, most: u64) -> bool {
    let value = |text: &str| -> Option<i64> {
        let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let mut numbers =
            word.split(':').map(|number| number.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<i64>());
        let first = numbers.next()?.ok()?;
        Some(match numbers.next() {
            Some(minutes) => first * 60 + minutes.ok()?,
            None => first,
        })
    };
    match (value(answer), value(right)) {
        (Some(answer), Some(right)) => answer.abs_diff(right) <= most,
        _ => false,
    }
}

/// Whether a quotation was really to be read in this world.
pub(super) fn was_seen(answer: &str, world: &World) -> bool {
    let answer = plain(answer);
    let is_quoted = |line: &str| {
        let line = plain(line);
        line.contains(&answer) || (line.len() >= SHORTEST_QUOTATION && answer.contains(&line))
    };
    answer.len() >= SHORTEST_QUOTATION
        && world.trace().iter().any(|event| match &event.kind {
            Kind::LogLine { text, .. } => is_quoted(text),
            Kind::SmtpReply { code, enhanced, text, .. } => {
                is_quoted(&format!("{code} {} {text}", enhanced.as_deref().unwrap_or_default()))
            }
            Kind::DnsAnswer { records, .. } => records.iter().any(|record| is_quoted(record)),
            Kind::TcpConnect { result, .. } => match result {
                ConnectResult::Open => false,
                ConnectResult::Refused => is_quoted("Connection refused"),
                ConnectResult::Timeout => is_quoted("Connection timed out"),
                ConnectResult::Unreachable => is_quoted("No route to host"),
            },
            _ => false,
        })
}

/// A line without case, superfluous blanks and final dots of names.
fn plain(line: &str) -> String {
    let words = line.split_whitespace().map(|word| word.trim_end_matches('.').to_lowercase());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(of: &[&str]) -> Vec<String> {
        of.iter().map(|word| (*word).to_owned()).collect()
    }

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

    #[test]
    fn mistakes_in_sets_are_what_is_missing_or_too_much() {
        let right = words(&["alice", "bob@example.org|bob", "/var/mail/x"]);
        for (answer, mistakes) in [
            ("bob, ALICE, /var/spool/mail/x", 0),
            ("alice, bob@example.org", 1),
            ("alice, carol, /var/mail/x", 1),
            ("alice, bob, /var/mail/x, dave, eve", 2),
            ("", 3),
        ] {
            assert_eq!(set(answer, &right), mistakes, "{answer:?}");
        }
    }

    #[test]
    fn mistakes_in_sequences_are_swaps_and_changes() {
        let right = words(&["mua", "msa", "mta", "mta", "mda"]);
        for (answer, mistakes) in [
            ("MUA MSA MTA MTA MDA", 0),
            ("MUA -> MSA -> MTA -> MTA -> MDA", 0),
            ("MUA, MSA, MTA, MDA, MTA", 1),
            ("MUA, MSA, MTA, MDA", 1),
            ("MSA, MUA, MTA, MDA, MTA", 2),
            ("", 5),
        ] {
            assert_eq!(sequence(answer, &right), mistakes, "{answer:?}");
        }
    }

    #[test]
    fn mistakes_in_mappings_are_names_without_their_value() {
        let right = words(&["25=mta|server", "587=msa", "[2001:db8::1]=a"]);
        let right = &right[..2];
        for (answer, mistakes) in
            [("587=MSA, 25=server", 0), ("25=MTA 587=MSA", 0), ("25: mta; 587: mta", 1), ("25=mta", 1), ("x", 2)]
        {
            assert_eq!(mapping(answer, right), mistakes, "{answer:?}");
        }
    }

    #[test]
    fn numbers_and_times_may_be_a_little_off() {
        assert!(is_near("09:16", "09:17", 1));
        assert!(!is_near("09:15", "09:17", 1));
        assert!(is_near("10", "9", 1));
        assert!(is_near("after 5m", "5", 0));
        assert!(!is_near("soon", "5", 100));
    }
}
