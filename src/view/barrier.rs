//! What stands in the way of traffic at a moment: firewalls, cut cables, slow lines.

use serde::Serialize;

use crate::scenario::{Scenario, checked};
use crate::session::recording::Entry;
use crate::session::{FaultEffect, Input, Session};
use crate::sim::HostId;
use crate::sim::faults::{Block, Effect};
use crate::trace::{Actor, Event, EventId, Kind};

/// How traffic is hindered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hindrance {
    /// A firewall lets packets vanish.
    Wall,
    /// A firewall refuses.
    Refusal,
    /// The cable is cut.
    Cut,
    /// Everything takes longer, or is lost at times.
    Slow,
}

/// Something in the way of traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    name: String,
    from: Option<HostId>,
    to: Option<HostId>,
    /// Only traffic to this port.
    pub port: Option<u16>,
    /// How it hinders.
    pub how: Hindrance,
    /// How much: `200 ms`, `10 %`; empty for walls.
    pub amount: String,
}

impl Barrier {
    /// Whether it is in the way between two hosts, in either direction.
    pub fn is_between(&self, one: HostId, other: HostId) -> bool {
        let ends = |from: HostId, to: HostId| {
            self.from.is_none_or(|host| host == from) && self.to.is_none_or(|host| host == to)
        };
        ends(one, other) || ends(other, one)
    }

    /// Both its ends, if it names two.
    pub fn ends(&self) -> Option<(HostId, HostId)> {
        Some((self.from?, self.to?))
    }

    /// What stands on it: the port, and how much.
    pub fn label(&self) -> String {
        let port = self.port.map(|port| format!("TCP {port}"));
        port.into_iter().chain((!self.amount.is_empty()).then(|| self.amount.clone())).collect::<Vec<_>>().join(" ")
    }

    fn new(name: &str, ends: (Option<HostId>, Option<HostId>), port: Option<u16>, effect: &Effect) -> Barrier {
        let (how, amount) = match effect {
            Effect::Block(Block::Drop) => (Hindrance::Wall, String::new()),
            Effect::Block(Block::Reject) => (Hindrance::Refusal, String::new()),
            Effect::Block(Block::Unreachable) => (Hindrance::Cut, String::new()),
            Effect::Latency(time) => (Hindrance::Slow, format!("{} ms", time.as_millis())),
            Effect::LossPpm(ppm) => (Hindrance::Slow, format!("{} %", f64::from(*ppm) / 10_000.0)),
            Effect::Bandwidth(octets) => (Hindrance::Slow, format!("{octets} B/s")),
        };
        Barrier { name: name.to_owned(), from: ends.0, to: ends.1, port, how, amount }
    }

    fn of_link(link: &checked::Link) -> impl Iterator<Item = Barrier> {
        let ends = (link.from.map(|host| HostId(host.0)), link.to.map(|host| HostId(host.0)));
        link.effects.iter().map(move |effect| Barrier::new(&link.name, ends, link.port, effect))
    }
}

/// A change of what is in the way.
#[derive(Clone, Debug)]
enum Change {
    Adds(Vec<Barrier>),
    Removes(String),
}

/// What is in the way in the course of a trace.
#[derive(Clone, Debug, Default)]
pub struct Barriers {
    first: Vec<Barrier>,
    changes: Vec<(EventId, Change)>,
    /// Faults of the script that were read.
    scripted: usize,
}

impl Barriers {
    /// What is in the way from the beginning.
    pub fn new(scenario: &Scenario) -> Barriers {
        Barriers { first: scenario.links.iter().flat_map(Barrier::of_link).collect(), ..Barriers::default() }
    }

    /// Reads an event.
    pub fn event(&mut self, session: &Session, event: &Event) {
        let Kind::Fault { what } = &event.kind else { return };
        let change = if event.actor == Actor::Scenario { self.scripted(session) } else { entered(session, what) };
        self.changes.extend(change.map(|change| (event.id, change)));
    }

    /// The script's next fault; hosts that are switched off or on are no barriers.
    fn scripted(&mut self, session: &Session) -> Option<Change> {
        use checked::Step;
        let is_fault = |step: &&Step| matches!(step, Step::Down(_) | Step::Up(_) | Step::Fault(_) | Step::Repair(_));
        let step = session.scenario().script.iter().filter(is_fault).nth(self.scripted);
        self.scripted += 1;
        match step? {
            Step::Fault(link) => Some(Change::Adds(Barrier::of_link(link).collect())),
            Step::Repair(name) => Some(Change::Removes(name.clone())),
            _ => None,
        }
    }

    /// What is in the way before an event.
    pub fn before(&self, end: EventId) -> Vec<Barrier> {
        let mut barriers = self.first.clone();
        for (_, change) in self.changes.iter().take_while(|(id, _)| *id < end) {
            match change {
                Change::Adds(more) => barriers.extend(more.iter().cloned()),
                Change::Removes(name) => barriers.retain(|barrier| barrier.name != *name),
            }
        }
        barriers
    }
}

/// A fault that a person entered, or took away.
fn entered(session: &Session, what: &str) -> Option<Change> {
    if let Some(name) = what.strip_suffix(" is repaired") {
        return Some(Change::Removes(name.to_owned()));
    }
    let inputs = session.recording().entries.iter().rev().filter_map(|entry| match entry {
        Entry::Input { input, .. } => Some(input),
        _ => None,
    });
    let host = |name: &Option<String>| name.as_deref().and_then(|name| session.world().find(name));
    inputs.into_iter().find_map(|input| match input {
        Input::Fault { name, from, to, port, effect } if name == what => {
            let effect = match *effect {
                FaultEffect::Latency(millis) => Effect::Latency(crate::sim::Duration::from_millis(millis)),
                FaultEffect::LossPpm(ppm) => Effect::LossPpm(ppm),
                FaultEffect::Bandwidth(octets) => Effect::Bandwidth(octets),
                FaultEffect::Block(block) => Effect::Block(block),
            };
            Some(Change::Adds(vec![Barrier::new(name, (host(from), host(to)), *port, &effect)]))
        }
        _ => None,
    })
}
