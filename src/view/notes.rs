//! What hosts think, beside their cards: the servers they choose from, the aliases they expand.

use serde::Serialize;

use super::alias::Leaf;
use super::standing::{Attempt, HostStanding, MxList, Standing};
use crate::session::Session;
use crate::session::words::Words;
use crate::sim::HostId;
use crate::trace::{ConnectResult, EventId};

/// How a line of a note is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nothing special.
    Plain,
    /// What is being tried.
    Lit,
    /// What failed.
    Struck,
    /// What stood there before.
    Merged,
    /// What leads back to itself.
    Looped,
}

/// A line of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How deep it stands.
    pub depth: u32,
    /// What it says.
    pub text: String,
    /// A remark in the learner's language.
    pub remark: String,
    /// How it is drawn.
    pub mark: Mark,
    /// What it stands for, in an alias tree.
    pub leaf: Option<Leaf>,
}

/// A note beside a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Whose.
    pub host: HostId,
    /// Its heading.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The event that began it.
    pub event: EventId,
}

/// Most lines of a note; the last one says how many there are more.
const MOST_LINES: usize = 9;

/// The notes of all hosts.
pub fn notes(session: &Session, standing: &Standing, words: &Words) -> Vec<Note> {
    let hosts = (0..session.world().host_count()).map(HostId);
    let of = |host: HostId| {
        let standing = standing.host(host)?;
        let both = [servers(host, standing, words), aliases(host, standing, words)];
        Some(both.into_iter().flatten())
    };
    let mut notes: Vec<Note> = hosts.filter_map(of).flatten().collect();
    for note in &mut notes {
        let more = note.lines.len().saturating_sub(MOST_LINES);
        if more > 0 {
            note.lines.truncate(MOST_LINES - 1);
            let text = format!("… {}", more + 1);
            note.lines.push(Line { depth: 0, text, remark: String::new(), mark: Mark::Plain, leaf: None });
        }
    }
    notes
}

fn servers(host: HostId, standing: &HostStanding, words: &Words) -> Option<Note> {
    let list: &MxList = standing.mx.as_deref()?;
    let lines = list.candidates.iter().map(|candidate| {
        let (mark, remark) = match candidate.attempt {
            Attempt::Waiting => (Mark::Plain, String::new()),
            Attempt::Trying => (Mark::Lit, String::new()),
            Attempt::Failed(ConnectResult::Refused) => (Mark::Struck, words.word("connect-refused")),
            Attempt::Failed(ConnectResult::Timeout) => (Mark::Struck, words.word("connect-timeout")),
            Attempt::Failed(_) => (Mark::Struck, words.word("connect-unreachable")),
        };
        Line { depth: 0, text: candidate.text.to_string(), remark, mark, leaf: None }
    });
    let title = words.say("note-servers", &[("domain", (&list.domain).into())]);
    Some(Note { host, title, lines: lines.collect(), event: list.event })
}

fn aliases(host: HostId, standing: &HostStanding, words: &Words) -> Option<Note> {
    let tree = standing.aliases.as_deref()?;
    let lines = tree.rows().into_iter().map(|row| {
        let (mark, remark) = match (row.looped, row.merged) {
            (true, _) => (Mark::Looped, words.word("alias-loop")),
            (_, true) => (Mark::Merged, words.word("alias-merged")),
            _ => (Mark::Plain, row.source.to_string()),
        };
        Line { depth: row.depth, text: row.text.to_string(), remark, mark, leaf: Some(row.leaf) }
    });
    Some(Note { host, title: words.word("note-aliases"), lines: lines.collect(), event: tree.event? })
}
