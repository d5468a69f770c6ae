//! What hosts think, beside their cards: the servers they choose from, the aliases they expand, the addresses
//! they rewrite and route, and what outsiders tried them with.

use std::ops::Range;

use serde::Serialize;

use super::alias::Leaf;
use super::choice::{Attempt, MxList};
use super::probes::Probe;
use super::scene::path_of;
use super::standing::{HostStanding, Standing};
use crate::session::Session;
use crate::session::words::Words;
use crate::sim::HostId;
use crate::trace::{ConnectResult, EventId, Kind, Trace};

/// How a line of a note is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nothing special.
    Plain,
    /// What is being tried.
    Lit,
    /// What was chosen, or is as it should be.
    Good,
    /// What is not as it should be.
    Bad,
    /// What failed, or is replaced by the next line.
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

impl Line {
    fn new(text: impl Into<String>, remark: impl Into<String>, mark: Mark) -> Line {
        Line { depth: 0, text: text.into(), remark: remark.into(), mark, leaf: None }
    }
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
    /// Whether it is about something that is over.
    pub over: bool,
}

/// Most lines of a note; the last one says how many there are more.
const MOST_LINES: usize = 9;
/// Probes that are shown one by one; of earlier ones only the number.
const MOST_PROBES: usize = 6;

/// The notes of all hosts; what was rewritten or routed in the given events is shown too.
pub fn notes(session: &Session, standing: &Standing, words: &Words, recent: Range<EventId>) -> Vec<Note> {
    let trace = session.world().trace();
    let mut notes = Vec::new();
    for host in (0..session.world().host_count()).map(HostId) {
        let Some(standing) = standing.host(host) else { continue };
        notes.extend(servers(host, standing, words));
        notes.extend(aliases(host, standing, words));
        notes.extend(probes(host, standing, trace, words));
    }
    notes.extend(edits(trace, recent, words));
    for note in &mut notes {
        let more = note.lines.len().saturating_sub(MOST_LINES);
        if more > 0 {
            note.lines.truncate(MOST_LINES - 1);
            note.lines.push(Line::new(format!("… {}", more + 1), "", Mark::Plain));
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
            Attempt::Won => (Mark::Good, words.word("note-won")),
            Attempt::Passed => (Mark::Struck, words.word("stamp-later")),
            Attempt::Refused => (Mark::Struck, words.word("stamp-refused")),
            Attempt::Unreached => (Mark::Struck, words.word("note-unreached")),
            Attempt::Failed(ConnectResult::Refused) => (Mark::Struck, words.word("connect-refused")),
            Attempt::Failed(ConnectResult::Timeout) => (Mark::Struck, words.word("connect-timeout")),
            Attempt::Failed(_) => (Mark::Struck, words.word("connect-unreachable")),
        };
        Line::new(list.label(candidate), remark, mark)
    });
    let mut lines: Vec<Line> = lines.collect();
    if lines.is_empty() {
        lines.push(Line::new("", words.word("note-nobody"), Mark::Bad));
    }
    let id = if list.is_looked_up() { "note-servers" } else { "note-hop" };
    let title = words.say(id, &[("domain", (&list.domain).into())]);
    Some(Note { host, title, lines, event: list.event, over: list.over })
}

fn aliases(host: HostId, standing: &HostStanding, words: &Words) -> Option<Note> {
    let tree = standing.aliases.as_deref()?;
    let lines = tree.rows().into_iter().map(|row| {
        let (mark, remark) = match (row.looped, row.merged) {
            (true, _) => (Mark::Looped, words.word("alias-loop")),
            (_, true) => (Mark::Merged, words.word("alias-merged")),
            _ => (Mark::Plain, row.source.to_string()),
        };
        Line { depth: row.depth, leaf: Some(row.leaf), ..Line::new(row.text.as_str(), remark, mark) }
    });
    let over = standing.is_settled();
    Some(Note { host, title: words.word("note-aliases"), lines: lines.collect(), event: tree.event?, over })
}

/// The battery of probes that a server was tried with.
fn probes(host: HostId, standing: &HostStanding, trace: &Trace, words: &Words) -> Option<Note> {
    let probes = Some(&standing.probes).filter(|probes| probes.is_battery())?.all();
    let relayed = probes.iter().filter(|probe| probe.relays).count() as u64;
    let title = words.say("note-probes", &[("count", (probes.len() as u64).into()), ("relayed", relayed.into())]);
    let path = |id: EventId| match trace.get(id).map(|event| &event.kind) {
        Some(Kind::SmtpCmd { line, .. }) => path_of(line),
        _ => String::new(),
    };
    let shown = probes.len().saturating_sub(MOST_PROBES);
    let line = |(number, probe): (usize, &Probe)| {
        let (mark, word) = match (probe.relays, probe.code) {
            (true, _) => (Mark::Bad, "probe-relayed"),
            (_, 400..) => (Mark::Good, "probe-refused"),
            _ => (Mark::Plain, "probe-taken"),
        };
        // What is new against the probe before says what it tries.
        let before = number.checked_sub(1).map(|number| path(probes[number].mail));
        let sender = path(probe.mail);
        let text = match before {
            Some(before) if before == sender => format!("RCPT TO:<{}>", path(probe.rcpt)),
            _ => format!("MAIL FROM:<{sender}>"),
        };
        Line::new(text, format!("{} {}", probe.code, words.word(word)), mark)
    };
    let lines = probes.iter().enumerate().skip(shown).map(line).collect();
    Some(Note { host, title, lines, event: probes.first()?.reply, over: false })
}

/// Addresses that were rewritten or routed, the old one struck out.
fn edits(trace: &Trace, recent: Range<EventId>, words: &Words) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for event in (recent.start.0..recent.end.0).filter_map(|id| trace.get(EventId(id))) {
        let Some(host) = event.host else { continue };
        let (title, lines) = match &event.kind {
            Kind::Rewrite { kind, field, from, to } => {
                let title = words.say("note-rewrite", &[("what", kind.into())]);
                (title, [Line::new(from.as_str(), field.as_str(), Mark::Struck), Line::new(to.as_str(), "", Mark::Lit)])
            }
            Kind::RouteDecide { rcpt, class, transport, nexthop } => {
                let class = words.say("note-class", &[("class", class.into())]);
                let route = Line::new(format!("{transport}:{nexthop}"), class, Mark::Lit);
                (words.word("note-route"), [Line::new(rcpt.as_str(), "", Mark::Plain), route])
            }
            _ => continue,
        };
        match notes.iter_mut().find(|note| note.host == host && note.title == title) {
            Some(note) => note.lines.extend(lines),
            None => notes.push(Note { host, title, lines: lines.into(), event: event.id, over: false }),
        }
    }
    notes
}
