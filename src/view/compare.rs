//! Two futures side by side: what happened in both, and what in one of them only.

use serde::Serialize;

use super::branches::parting;
use super::director::millis_of;
use super::index::Index;
use super::told::told;
use crate::host::tools::hunks;
use crate::session::Session;
use crate::session::story::{Narrator, Tone, Who};
use crate::session::words::Words;
use crate::sim::Time;
use crate::trace::{EventId, Kind};

/// Sentences of each future that are compared at most.
const MOST: usize = 1500;
/// Sentences before the parting that are shown for orientation.
const BEFORE: usize = 3;

/// Something that happened in one future.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Happened {
    /// The event.
    pub event: EventId,
    /// When.
    pub time: Time,
    /// Where, or between whom.
    pub who: String,
    /// What, in words.
    pub text: String,
    /// What it means for the mail.
    #[serde(skip)]
    pub tone: Tone,
}

/// A line of the comparison; at least one side has something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// In the future that is shown.
    pub here: Option<Happened>,
    /// In the other one.
    pub there: Option<Happened>,
    /// Whether both say the same.
    pub same: bool,
}

/// How a future stands at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Mails in mailboxes.
    pub delivered: u64,
    /// Mails in queues.
    pub waiting: u64,
    /// Reports about mail that could not be delivered.
    pub bounced: u64,
    /// Replies of 500 and more.
    pub refused: u64,
}

/// Two futures compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What happened, from shortly before the parting on.
    pub rows: Vec<Row>,
    /// The row of the first difference.
    pub first: Option<usize>,
    /// How the future that is shown ends, and the other one.
    pub outcomes: [Outcome; 2],
    /// Whether there is more than is shown.
    pub cut: bool,
}

/// Compares two futures of one beginning.
pub fn compare(here: (&Session, &Index), there: (&Session, &Index), words: &Words) -> Comparison {
    let outcomes = [outcome(here), outcome(there)];
    let Some(parting) = parting(here.0, there.0) else {
        return Comparison { rows: Vec::new(), first: None, outcomes, cut: false };
    };
    let from = parting.here.or(parting.there).unwrap_or(EventId(1));
    let (one, cut_one) = sentences(here, words, from);
    let (other, cut_other) = sentences(there, words, from);
    let mut rows = Vec::new();
    let same = |here: &Happened, there: &Happened| here.who == there.who && here.text == there.text;
    let both = |rows: &mut Vec<Row>, ones: &[Happened], others: &[Happened]| {
        let pairs = ones.iter().zip(others);
        rows.extend(pairs.map(|(one, other)| Row { here: Some(one.clone()), there: Some(other.clone()), same: true }));
    };
    let (mut at_one, mut at_other) = (0, 0);
    for hunk in hunks(&one, &other, same) {
        both(&mut rows, &one[at_one..hunk.a.0], &other[at_other..hunk.b.0]);
        let (mine, theirs) = (&one[hunk.a.0..hunk.a.1], &other[hunk.b.0..hunk.b.1]);
        for line in 0..mine.len().max(theirs.len()) {
            rows.push(Row { here: mine.get(line).cloned(), there: theirs.get(line).cloned(), same: false });
        }
        (at_one, at_other) = (hunk.a.1, hunk.b.1);
    }
    both(&mut rows, &one[at_one..], &other[at_other..]);
    let first = rows.iter().position(|row| !row.same);
    Comparison { rows, first, outcomes, cut: cut_one || cut_other }
}

/// What is told of a future from shortly before an event on; and whether there is more.
fn sentences((session, index): (&Session, &Index), words: &Words, from: EventId) -> (Vec<Happened>, bool) {
    let trace = session.world().trace();
    let narrator = Narrator::new(session, words, &index.facts);
    let seen = |event: &&crate::trace::Event| {
        millis_of(event, &index.facts).is_some_and(|millis| millis > 0)
            && !matches!(event.kind, Kind::LogLine { .. } | Kind::Narrate { .. })
    };
    let tell = |event: &crate::trace::Event| {
        let sentence = told(&narrator, words, event)?;
        let who = match sentence.who {
            Who::World => String::new(),
            Who::Host(host) => host,
            Who::Says { from, to } | Who::Answers { from, to } => format!("{from} → {to}"),
        };
        let text = super::caption::cut(&sentence.text.replace('\n', " "), 300);
        Some(Happened { event: event.id, time: event.time, who, text, tone: sentence.tone })
    };
    let earlier = (index.set_up() + 1..from.0).rev().filter_map(|id| trace.get(EventId(id)));
    let mut told: Vec<Happened> = earlier.filter(seen).filter_map(&tell).take(BEFORE).collect();
    told.reverse();
    let mut later = trace.since(from.0.saturating_sub(1)).filter(seen).filter_map(&tell);
    told.extend(later.by_ref().take(MOST));
    (told, later.next().is_some())
}

fn outcome((session, index): (&Session, &Index)) -> Outcome {
    let world = session.world();
    let standing = index.standing(session, EventId(world.trace().len() + 1));
    let mut outcome = Outcome::default();
    for host in world.hosts().filter_map(|host| standing.host(host.id)) {
        outcome.delivered += host.mailboxes.values().sum::<u64>();
        outcome.waiting += host.queued.len() as u64;
    }
    for event in world.trace().since(index.set_up()) {
        match &event.kind {
            Kind::Bounce { .. } => outcome.bounced += 1,
            Kind::SmtpReply { code, .. } if *code >= 500 => outcome.refused += 1,
            _ => {}
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::{Scenario, Sources};
    use crate::session::Input;
    use crate::session::words::Lang;

    #[test]
    fn the_first_difference_is_marked_and_what_is_common_stands_side_by_side() {
        let text = "(title: (en: \"a\", de: \"b\"), summary: (en: \"\", de: \"\"), \
                    hosts: [(name: \"ws1\", addresses: [\"192.0.2.1\"]), (name: \"ws2\", addresses: [\"192.0.2.2\"])])";
        let sources = Sources { name: "x".into(), file: "x.ron".into(), text: text.into(), ..Sources::default() };
        let mut here = Session::new(Arc::new(Scenario::load(&sources).unwrap()), None, None).unwrap();
        let power = |host: &str, up: bool| Input::Power { host: host.into(), up };
        here.apply(power("ws1", false)).unwrap();
        let mut there = here.clone();
        here.apply(power("ws2", false)).unwrap();
        here.apply(power("ws1", true)).unwrap();
        there.apply(power("ws1", true)).unwrap();
        let words = Words::new(Lang::En);
        let (one, other) = (Index::new(&here), Index::new(&there));
        let compared = compare((&here, &one), (&there, &other), &words);
        let first = compared.first.unwrap();
        assert!(first > 0, "what came before is shown: {compared:#?}");
        assert!(compared.rows[..first].iter().all(|row| row.same));
        let row = &compared.rows[first];
        assert!(row.here.as_ref().is_some_and(|here| here.text.contains("off")), "{row:?}");
        assert!(compared.rows[first..].iter().any(|row| row.same), "both switch ws1 on: {compared:#?}");
    }
}
