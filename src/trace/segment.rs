//! Full segments of the trace, and the compact form that a summary keeps them in.
//!
//! A summary of a large world has millions of events, nearly all of them of the few kinds that
//! every message goes through. Those are kept as octets, a third of their size, until somebody
//! reads the segment.

use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;

use super::Level;
use super::event::{Actor, Agent, DeliveryStatus, Event, EventId, Kind, Via};
use crate::sim::{HostId, ProcId, Time};

/// A run of events that no more are added to.
#[derive(Debug)]
pub(super) struct Segment {
    packed: Packed,
    /// The events, once somebody has read them; from the beginning in a full trace.
    events: OnceLock<Vec<Event>>,
}

impl Segment {
    /// A segment of these events, whose numbers follow each other. The vector is left empty.
    pub fn seal(level: Level, events: &mut Vec<Event>) -> Segment {
        match level {
            Level::Full => Segment { packed: Packed::default(), events: OnceLock::from(std::mem::take(events)) },
            Level::Summary => {
                let packed = Packed::new(events);
                events.clear();
                Segment { packed, events: OnceLock::new() }
            }
        }
    }

    /// The events in order.
    pub fn events(&self) -> &[Event] {
        self.events.get_or_init(|| self.packed.unpack())
    }
}

/// Events as octets; those of rare kinds, and decisions, as they are.
#[derive(Debug, Default)]
struct Packed {
    first: u64,
    octets: Box<[u8]>,
    others: Vec<Event>,
}

/// Stands for an event among the others.
const OTHER: u8 = 0;
const QUEUE_ENTER: u8 = 1;
const QUEUE_MOVE: u8 = 2;
const QUEUE_LEAVE: u8 = 3;
const ROUTE_DECIDE: u8 = 4;
const MX_CHOOSE: u8 = 5;
const DELIVER: u8 = 6;

/// Texts that are written as one octet, in order of length.
const WORDS: [&str; 24] = [
    "",
    "hold",
    "none",
    "smtp",
    "lmtp",
    "local",
    "relay",
    "2.0.0",
    "4.4.1",
    "4.4.3",
    "5.1.1",
    "5.4.4",
    "active",
    "default",
    "removed",
    "virtual",
    "incoming",
    "deferred",
    "new mail",
    "queue run",
    "virtual_alias",
    "virtual_mailbox",
    "delivered to mailbox",
    "delivered to maildir",
];
const LONGEST: usize = WORDS[WORDS.len() - 1].len();
/// Where the words of each length begin; those of the next length end them.
const BY_LENGTH: [usize; LONGEST + 2] = {
    let mut begins = [0; LONGEST + 2];
    let mut word = 0;
    while word < WORDS.len() {
        assert!(word == 0 || WORDS[word - 1].len() <= WORDS[word].len());
        let mut longer = WORDS[word].len() + 1;
        while longer < begins.len() {
            begins[longer] += 1;
            longer += 1;
        }
        word += 1;
    }
    begins
};

/// The place of a text among the words.
fn place(text: &str) -> Option<usize> {
    let (from, to) = (*BY_LENGTH.get(text.len())?, *BY_LENGTH.get(text.len() + 1)?);
    (from..to).find(|place| WORDS[*place] == text)
}

const ACTORS: [Actor; 4] = [Actor::Scenario, Actor::Student, Actor::Grader, Actor::Daemon];
const VIAS: [Via; 4] = [Via::Smtpd, Via::Pickup, Via::Forward, Via::Bounce];
const AGENTS: [Agent; 10] = [
    Agent::Local,
    Agent::Virtual,
    Agent::Lmtp,
    Agent::Pipe,
    Agent::File,
    Agent::Command,
    Agent::Smtp,
    Agent::Error,
    Agent::Discard,
    Agent::Mailbox,
];
const STATUSES: [DeliveryStatus; 6] = [
    DeliveryStatus::Sent,
    DeliveryStatus::Deferred,
    DeliveryStatus::Bounced,
    DeliveryStatus::Expired,
    DeliveryStatus::Deliverable,
    DeliveryStatus::Undeliverable,
];

impl Packed {
    fn new(events: &[Event]) -> Packed {
        let mut out = Writer { octets: Vec::with_capacity(events.len() * 80) };
        let mut others = Vec::new();
        let mut time = 0;
        for event in events {
            if event.why.is_some() || event.cause.is_some_and(|cause| cause >= event.id) || !out.kind(&event.kind) {
                out.octets.push(OTHER);
                others.push(event.clone());
                continue;
            }
            out.member(&ACTORS, event.actor);
            out.number(event.time.micros().wrapping_sub(time));
            out.number(event.host.map_or(0, |host| u64::from(host.0) + 1));
            out.number(event.proc.map_or(0, |proc| u64::from(proc.0) + 1));
            out.number(event.cause.map_or(0, |cause| event.id.0 - cause.0));
            time = event.time.micros();
        }
        Packed { first: events.first().map_or(0, |event| event.id.0), octets: out.octets.into(), others }
    }

    fn unpack(&self) -> Vec<Event> {
        let mut input = Reader(&self.octets);
        let mut others = self.others.iter();
        let mut events = Vec::new();
        let mut time = 0;
        while let Some(tag) = input.octet() {
            let id = EventId(self.first + events.len() as u64);
            let event = match tag {
                OTHER => others.next().cloned(),
                tag => input.event(tag, id, time),
            };
            // What was packed can be unpacked.
            let Some(event) = event else { break };
            if tag != OTHER {
                time = event.time.micros();
            }
            events.push(event);
        }
        events
    }
}

struct Writer {
    octets: Vec<u8>,
}

impl Writer {
    /// Writes a number, seven bits to an octet, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.octets.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.octets.push(number as u8);
    }

    fn member<T: PartialEq>(&mut self, all: &[T], member: T) {
        let place = all.iter().position(|other| *other == member).unwrap_or(all.len());
        self.octets.push(place as u8);
    }

    fn text(&mut self, text: &str) {
        match place(text) {
            Some(place) => self.octets.push(place as u8),
            None => {
                self.number((text.len() + WORDS.len()) as u64);
                self.octets.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn texts<const N: usize>(&mut self, tag: u8, texts: [&SmolStr; N]) {
        self.octets.push(tag);
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn list(&mut self, texts: &[SmolStr]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    /// Writes what happened; false if it is of a rare kind.
    fn kind(&mut self, kind: &Kind) -> bool {
        match kind {
            Kind::QueueEnter { queue_id, queue, sender, rcpts, via } => {
                self.texts(QUEUE_ENTER, [queue_id, queue, sender]);
                self.list(rcpts);
                self.member(&VIAS, *via);
            }
            Kind::QueueMove { queue_id, from, queue, reason } => {
                self.texts(QUEUE_MOVE, [queue_id, from, queue, reason]);
            }
            Kind::QueueLeave { queue_id, queue, reason } => self.texts(QUEUE_LEAVE, [queue_id, queue, reason]),
            Kind::RouteDecide { rcpt, class, transport, nexthop } => {
                self.texts(ROUTE_DECIDE, [rcpt, class, transport, nexthop]);
            }
            Kind::MxChoose { queue_id, nexthop, candidates } => {
                self.texts(MX_CHOOSE, [queue_id, nexthop]);
                self.list(candidates);
            }
            Kind::Deliver { queue_id, rcpt, orig_to, agent, target, uid, dsn, status, text } => {
                self.texts(DELIVER, [queue_id, rcpt, orig_to, target, dsn, text]);
                self.member(&AGENTS, *agent);
                self.member(&STATUSES, *status);
                self.number(u64::from(*uid));
            }
            _ => return false,
        }
        true
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7F) << shift;
            if octet < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn member<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::from(self.octet()?)).copied()
    }

    fn text(&mut self) -> Option<SmolStr> {
        let number = usize::try_from(self.number()?).ok()?;
        if let Some(word) = WORDS.get(number) {
            return Some(SmolStr::new_static(word));
        }
        let (text, rest) = self.0.split_at_checked(number - WORDS.len())?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(SmolStr::from)
    }

    fn list<T: FromIterator<SmolStr>>(&mut self) -> Option<T> {
        let count = self.number()?;
        (0..count).map(|_| self.text()).collect()
    }

    fn event(&mut self, tag: u8, id: EventId, before: u64) -> Option<Event> {
        let kind = self.kind(tag)?;
        let actor = self.member(&ACTORS)?;
        let time = Time::from_micros(before.wrapping_add(self.number()?));
        let index = |number: u64| number.checked_sub(1).and_then(|index| u32::try_from(index).ok());
        let (host, proc) = (index(self.number()?).map(HostId), index(self.number()?).map(ProcId));
        let back = self.number()?;
        let cause = (back > 0).then(|| EventId(id.0.wrapping_sub(back)));
        Some(Event { id, time, host, proc, actor, cause, kind, why: None })
    }

    fn kind(&mut self, tag: u8) -> Option<Kind> {
        Some(match tag {
            QUEUE_ENTER => Kind::QueueEnter {
                queue_id: self.text()?,
                queue: self.text()?,
                sender: self.text()?,
                rcpts: self.list::<Arc<[SmolStr]>>()?,
                via: self.member(&VIAS)?,
            },
            QUEUE_MOVE => Kind::QueueMove {
                queue_id: self.text()?,
                from: self.text()?,
                queue: self.text()?,
                reason: self.text()?,
            },
            QUEUE_LEAVE => Kind::QueueLeave { queue_id: self.text()?, queue: self.text()?, reason: self.text()? },
            ROUTE_DECIDE => Kind::RouteDecide {
                rcpt: self.text()?,
                class: self.text()?,
                transport: self.text()?,
                nexthop: self.text()?,
            },
            MX_CHOOSE => Kind::MxChoose { queue_id: self.text()?, nexthop: self.text()?, candidates: self.list()? },
            DELIVER => {
                let (queue_id, rcpt, orig_to) = (self.text()?, self.text()?, self.text()?);
                let (target, dsn, text) = (self.text()?, self.text()?, self.text()?);
                let (agent, status) = (self.member(&AGENTS)?, self.member(&STATUSES)?);
                let uid = u32::try_from(self.number()?).ok()?;
                Kind::Deliver { queue_id, rcpt, orig_to, agent, target, uid, dsn, status, text }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::Decision;

    fn text() -> impl Strategy<Value = SmolStr> {
        prop_oneof![
            (0..WORDS.len()).prop_map(|place| SmolStr::new_static(WORDS[place])),
            ".{0,60}".prop_map(SmolStr::from),
        ]
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let member = any::<prop::sample::Index>;
        let texts = || prop::collection::vec(text(), 6);
        let list = || prop::collection::vec(text(), 0..4);
        prop_oneof![
            (texts(), list(), member()).prop_map(|(texts, rcpts, via)| Kind::QueueEnter {
                queue_id: texts[0].clone(),
                queue: texts[1].clone(),
                sender: texts[2].clone(),
                rcpts: rcpts.into(),
                via: *via.get(&VIAS),
            }),
            texts().prop_map(|texts| Kind::QueueMove {
                queue_id: texts[0].clone(),
                from: texts[1].clone(),
                queue: texts[2].clone(),
                reason: texts[3].clone(),
            }),
            texts().prop_map(|texts| Kind::QueueLeave {
                queue_id: texts[0].clone(),
                queue: texts[1].clone(),
                reason: texts[2].clone(),
            }),
            texts().prop_map(|texts| Kind::RouteDecide {
                rcpt: texts[0].clone(),
                class: texts[1].clone(),
                transport: texts[2].clone(),
                nexthop: texts[3].clone(),
            }),
            (texts(), list()).prop_map(|(texts, candidates)| Kind::MxChoose {
                queue_id: texts[0].clone(),
                nexthop: texts[1].clone(),
                candidates,
            }),
            (texts(), member(), member(), any::<u32>()).prop_map(|(texts, agent, status, uid)| Kind::Deliver {
                queue_id: texts[0].clone(),
                rcpt: texts[1].clone(),
                orig_to: texts[2].clone(),
                agent: *agent.get(&AGENTS),
                target: texts[3].clone(),
                uid,
                dsn: texts[4].clone(),
                status: *status.get(&STATUSES),
                text: texts[5].clone(),
            }),
            text().prop_map(|what| Kind::Fault { what }),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        let place = || prop::option::of(any::<u32>());
        let cause = prop::option::of(any::<u64>());
        (kind(), any::<u64>(), place(), place(), any::<prop::sample::Index>(), cause, any::<bool>()).prop_map(
            |(kind, time, host, proc, actor, cause, decided)| Event {
                id: EventId(0),
                time: Time::from_micros(time),
                host: host.map(HostId),
                proc: proc.map(ProcId),
                actor: *actor.get(&ACTORS),
                cause: cause.map(EventId),
                kind,
                why: decided.then(|| Arc::new(Decision::about("why?"))),
            },
        )
    }

    proptest! {
        #[test]
        fn events_come_back_as_they_were(
            mut events in prop::collection::vec(event(), 0..20),
            first in 1u64..1_000_000,
        ) {
            for (id, event) in (first..).zip(&mut events) {
                event.id = EventId(id);
            }
            for level in [Level::Full, Level::Summary] {
                let segment = Segment::seal(level, &mut events.clone());
                prop_assert_eq!(segment.events(), &events[..]);
            }
        }
    }
}
