//! What happened to a mail: its stations on all hosts, from the one that wrote it to every mailbox.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use smol_str::SmolStr;

use super::index::{Index, MailKey};
use super::told::told;
use crate::session::Session;
use crate::session::story::{Narrator, Tone};
use crate::session::words::Words;
use crate::sim::{HostId, Time};
use crate::trace::{Event, EventId, Kind};

/// A mail, which has a queue id of its own on every host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mail {
    /// Its first station.
    pub host: HostId,
    /// Its queue id there.
    pub queue_id: SmolStr,
    /// Envelope sender.
    pub sender: SmolStr,
    /// Envelope recipients.
    pub rcpts: Vec<SmolStr>,
    /// When it began.
    pub time: Time,
    /// What happened to it.
    pub stations: Vec<Station>,
}

/// Something that happened to a mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Station {
    /// The event.
    pub event: EventId,
    /// When.
    pub time: Time,
    /// Where.
    pub host: HostId,
    /// What, in words.
    pub text: String,
    /// What it means for the mail.
    #[serde(skip)]
    pub tone: Tone,
}

/// All mails up to an event, in order of their beginnings. Mails that grew out of others (forwarded, relayed,
/// reports) belong to them.
pub fn mails(session: &Session, index: &Index, words: &Words, upto: EventId) -> Vec<Mail> {
    let trace = session.world().trace();
    let narrator = Narrator::new(session, words, &index.facts);
    let mut firsts: BTreeMap<EventId, (&MailKey, &[EventId])> = BTreeMap::new();
    for (key, events) in index.mails() {
        let entered = events.iter().filter_map(|id| trace.get(*id)).find(|event| is_entry(event));
        if let Some(event) = entered.filter(|event| event.id <= upto) {
            firsts.insert(event.id, (key, events));
        }
    }
    let mut roots: BTreeMap<EventId, EventId> = BTreeMap::new();
    let mut found: BTreeMap<EventId, (Mail, BTreeSet<EventId>)> = BTreeMap::new();
    for (first, (key, events)) in &firsts {
        let Some(event) = trace.get(*first) else { continue };
        let root = ancestor(event, session, &firsts).and_then(|id| roots.get(&id).copied()).unwrap_or(*first);
        roots.insert(*first, root);
        let Kind::QueueEnter { sender, rcpts, .. } = &event.kind else { continue };
        let (_, all) = found.entry(root).or_insert_with(|| {
            let mail = Mail {
                host: key.0,
                queue_id: key.1.clone(),
                sender: sender.clone(),
                rcpts: rcpts.to_vec(),
                time: event.time,
                stations: Vec::new(),
            };
            (mail, BTreeSet::new())
        });
        all.extend(events.iter().filter(|id| **id <= upto));
    }
    let finish = |(mut mail, events): (Mail, BTreeSet<EventId>)| {
        let told = events.into_iter().filter_map(|id| trace.get(id)).filter_map(|event| {
            let sentence = told(&narrator, words, event)?;
            let (text, tone) = (sentence.text, sentence.tone);
            Some(Station { event: event.id, time: event.time, host: event.host?, text, tone })
        });
        mail.stations = told.collect();
        mail
    };
    found.into_values().map(finish).collect()
}

fn is_entry(event: &Event) -> bool {
    matches!(event.kind, Kind::QueueEnter { .. })
}

/// The entry of the mail that this one grew out of: the nearest cause that belongs to one.
fn ancestor(event: &Event, session: &Session, firsts: &BTreeMap<EventId, (&MailKey, &[EventId])>) -> Option<EventId> {
    let trace = session.world().trace();
    let mut cause = event.cause;
    while let Some(earlier) = cause.and_then(|id| trace.get(id)) {
        if firsts.contains_key(&earlier.id) {
            return Some(earlier.id);
        }
        cause = earlier.cause.filter(|id| *id < earlier.id);
    }
    None
}
