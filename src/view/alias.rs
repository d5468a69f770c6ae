//! Alias expansion as a tree: names fan out, what was there before merges, and loops close.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use smol_str::SmolStr;

use crate::trace::EventId;

/// Most rows that a tree is shown with.
const MAX_ROWS: usize = 64;

/// What a name of an alias stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaf {
    /// A user or another alias of this host.
    Name,
    /// An address elsewhere.
    Address,
    /// A file that mail is appended to.
    File,
    /// A command that mail is given to.
    Command,
    /// A file with further names.
    Include,
}

impl Leaf {
    /// What a result is, from how it is written (aliases(5)).
    pub fn of(result: &str) -> Leaf {
        match result.trim_start_matches('"') {
            text if text.starts_with('|') => Leaf::Command,
            text if text.starts_with('/') => Leaf::File,
            text if text.starts_with(":include:") => Leaf::Include,
            text if text.contains('@') => Leaf::Address,
            _ => Leaf::Name,
        }
    }
}

/// A row of the drawn tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// How deep it stands.
    pub depth: u32,
    /// The name or target.
    pub text: SmolStr,
    /// What it is.
    pub leaf: Leaf,
    /// Where its expansion is written: `/etc/aliases:3`.
    pub source: SmolStr,
    /// Whether it stood in the tree before: it gets one copy only.
    pub merged: bool,
    /// Whether it is its own ancestor.
    pub looped: bool,
}

/// The expansions that a host has made for the mails it is working on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasTree {
    /// The first expansion.
    pub event: Option<EventId>,
    /// Names in order of their expansion.
    order: Vec<SmolStr>,
    expansions: BTreeMap<SmolStr, (SmolStr, Arc<[SmolStr]>)>,
}

impl AliasTree {
    /// Adds an expansion.
    pub fn add(&mut self, event: EventId, name: &SmolStr, source: &SmolStr, results: &[SmolStr]) {
        self.event.get_or_insert(event);
        match self.expansions.get_mut(name) {
            // An included file tells its names under the name that includes it.
            Some((_, known)) => {
                let mut all = known.to_vec();
                all.extend(results.iter().filter(|result| !known.contains(result)).cloned());
                *known = all.into();
            }
            None => {
                self.order.push(name.clone());
                self.expansions.insert(name.clone(), (source.clone(), results.into()));
            }
        }
    }

    /// The tree's rows from top to bottom.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut seen = BTreeSet::new();
        for root in &self.order {
            if !seen.contains(root) {
                self.row(root, &mut Vec::new(), &mut seen, &mut rows);
            }
        }
        rows
    }

    fn row(&self, name: &SmolStr, above: &mut Vec<SmolStr>, seen: &mut BTreeSet<SmolStr>, rows: &mut Vec<Row>) {
        if rows.len() >= MAX_ROWS {
            return;
        }
        let looped = above.contains(name);
        let merged = !seen.insert(name.clone()) && !looped;
        let expansion = self.expansions.get(name);
        rows.push(Row {
            depth: above.len() as u32,
            text: name.clone(),
            leaf: Leaf::of(name),
            source: expansion.map(|(source, _)| source.clone()).unwrap_or_default(),
            merged,
            looped,
        });
        if looped || merged {
            return;
        }
        if let Some((_, results)) = expansion {
            above.push(name.clone());
            for result in results.iter() {
                self.row(result, above, seen, rows);
            }
            above.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(expansions: &[(&str, &[&str])]) -> Vec<(u32, String, bool, bool)> {
        let mut tree = AliasTree::default();
        for (name, results) in expansions {
            let results: Vec<SmolStr> = results.iter().map(|result| (*result).into()).collect();
            tree.add(EventId(1), &(*name).into(), &"/etc/aliases:1".into(), &results);
        }
        tree.rows().into_iter().map(|row| (row.depth, row.text.to_string(), row.merged, row.looped)).collect()
    }

    #[test]
    fn names_fan_out_and_duplicates_merge() {
        let rows = tree(&[("sales", &["team", "alice"]), ("team", &["alice", "bob"])]);
        let row = |depth, text: &str, merged| (depth, text.to_owned(), merged, false);
        assert_eq!(
            rows,
            [
                row(0, "sales", false),
                row(1, "team", false),
                row(2, "alice", false),
                row(2, "bob", false),
                row(1, "alice", true)
            ]
        );
    }

    #[test]
    fn loops_end_where_they_close() {
        let rows = tree(&[("a", &["b"]), ("b", &["a"])]);
        assert_eq!(rows.last().map(|row| (row.0, row.3)), Some((2, true)));
    }

    #[test]
    fn leaves_are_known_by_how_they_are_written() {
        let cases = [("|cmd", Leaf::Command), ("\"|cmd x\"", Leaf::Command), ("/var/x", Leaf::File)];
        let more = [(":include:/etc/team", Leaf::Include), ("a@b.example", Leaf::Address), ("alice", Leaf::Name)];
        for (text, leaf) in cases.into_iter().chain(more) {
            assert_eq!(Leaf::of(text), leaf, "{text}");
        }
    }
}
