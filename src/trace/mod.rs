//! What happened, as typed events with causes; one of the two read-only views of a world.
//!
//! A [`Trace`] is an append-only list in segments that clones share. At [`Level::Summary`]
//! decision steps, octets of dialogues and log text are not recorded: [`Trace::is_full`] tells
//! before anything is built for it.

pub mod decision;
pub mod event;
mod segment;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::sim::{HostId, ProcId, Time};
pub use decision::{Decision, Source, Step};
pub use event::{
    Actor, Agent, CertificateFacts, ConnectResult, DeliveryStatus, Event, EventId, FORMAT_VERSION, Kind, Via,
};
use segment::Segment;

/// How much is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything, with decision steps, dialogues and log text.
    #[default]
    Full,
    /// What became of each message, without the how.
    Summary,
}

/// Where and why an event happens; given along with its kind.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The host.
    pub host: Option<HostId>,
    /// The process.
    pub proc: Option<ProcId>,
    /// On whose behalf.
    pub actor: Actor,
    /// The event that led to it.
    pub cause: Option<EventId>,
}

/// Events per shared segment: what a clone of the trace has to copy at most.
const SEGMENT: usize = 1024;

/// The events so far. Clones share all full segments.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    level: Level,
    sealed: Vec<Arc<Segment>>,
    tail: Vec<Event>,
    host_names: Vec<smol_str::SmolStr>,
}

impl Trace {
    /// An empty trace of this level.
    pub fn new(level: Level) -> Trace {
        Trace { level, ..Trace::default() }
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether decision steps, dialogues and log text are recorded.
    pub fn is_full(&self) -> bool {
        self.level == Level::Full
    }

    /// Gives the next host its name, for output.
    pub fn name_host(&mut self, name: &str) {
        self.host_names.push(name.into());
    }

    /// The name of a host.
    pub fn host_name(&self, host: HostId) -> &str {
        self.host_names.get(host.0 as usize).map_or("?", |name| name)
    }

    /// Appends an event and returns its number.
    pub fn push(&mut self, time: Time, origin: Origin, kind: Kind, why: Option<Arc<Decision>>) -> EventId {
        let id = EventId(self.len() + 1);
        let Origin { host, proc, actor, cause } = origin;
        if self.tail.capacity() == 0 {
            self.tail.reserve_exact(SEGMENT);
        }
        self.tail.push(Event { id, time, host, proc, actor, cause, kind, why });
        if self.tail.len() == SEGMENT {
            self.sealed.push(Arc::new(Segment::seal(self.level, &mut self.tail)));
        }
        id
    }

    /// Number of events.
    pub fn len(&self) -> u64 {
        (self.sealed.len() * SEGMENT + self.tail.len()) as u64
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An event by its number.
    pub fn get(&self, id: EventId) -> Option<&Event> {
        let index = usize::try_from(id.0.checked_sub(1)?).ok()?;
        match self.sealed.get(index / SEGMENT) {
            Some(segment) => segment.events().get(index % SEGMENT),
            None => self.tail.get(index.checked_sub(self.sealed.len() * SEGMENT)?),
        }
    }

    /// All events in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.sealed.iter().flat_map(|segment| segment.events()).chain(&self.tail)
    }

    /// The events after the first `count`, in order.
    pub fn since(&self, count: u64) -> impl Iterator<Item = &Event> {
        (count + 1..=self.len()).filter_map(|id| self.get(EventId(id)))
    }

    /// One event as a line of JSON, without line end; `host` is the host's name.
    pub fn json(&self, event: &Event) -> String {
        let mut value = serde_json::to_value(event).unwrap_or_default();
        if let (Some(host), Some(object)) = (event.host, value.as_object_mut()) {
            object.insert("host".into(), self.host_name(host).into());
        }
        value.to_string()
    }

    /// A digest of all events of this level: the same on every machine.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for event in self.iter() {
            hash.update(self.json(event));
            hash.update(b"\n");
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
