//! A trace made ready for looking at any moment of it: beats, checkpoints, and what belongs together.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::barrier::Barriers;
use super::director::{Director, Screen};
use super::layout::Layout;
use super::standing::Standing;
use super::verdict::Verdict;
use crate::session::Session;
use crate::session::story::{Facts, connection};
use crate::sim::{HostId, Socket, Time};
use crate::trace::{DeliveryStatus, Event, EventId, Kind, Trace};
use crate::world::World;

/// Events between two checkpoints of what stands.
const CHECKPOINT_EVERY: u64 = 512;

/// Why a person may want to jump to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Landmark {
    /// A reply of 400 and more, a refused connection.
    Refusal,
    /// A report, or a delivery that failed for good.
    Bounce,
    /// Something with a decision behind it.
    Decision,
    /// A command that a person or the script gives.
    Command,
    /// A mail reached the next host, or its mailbox.
    Hop,
    /// The scenario tells something.
    Narration,
}

impl Landmark {
    /// What an event is; most are nothing.
    pub fn of(event: &Event) -> Option<Landmark> {
        match &event.kind {
            Kind::Narrate { .. } => Some(Landmark::Narration),
            Kind::SmtpReply { code, .. } if *code >= 400 => Some(Landmark::Refusal),
            Kind::TcpConnect { result, .. } if *result != crate::trace::ConnectResult::Open => Some(Landmark::Refusal),
            Kind::Bounce { .. } | Kind::DelayWarn { .. } => Some(Landmark::Bounce),
            Kind::Deliver { status: DeliveryStatus::Bounced | DeliveryStatus::Expired, .. } => Some(Landmark::Bounce),
            Kind::Deliver { .. } => Some(Landmark::Hop),
            Kind::ShellCommand { .. } if event.actor != crate::trace::Actor::Daemon => Some(Landmark::Command),
            Kind::RouteDecide { .. } | Kind::MxChoose { .. } | Kind::PolicyVerdict { .. } => Some(Landmark::Decision),
            _ => None,
        }
    }
}

/// A mail on one host.
pub type MailKey = (HostId, SmolStr);

/// The index over a session's trace.
#[derive(Clone, Debug)]
pub struct Index {
    /// Screen time.
    pub director: Director,
    /// Where hosts stand.
    pub layout: Layout,
    /// What events say about each other.
    pub facts: Facts,
    checkpoints: Vec<Standing>,
    newest: Standing,
    read: u64,
    landmarks: Vec<(EventId, Landmark)>,
    sessions: BTreeMap<Socket, Vec<EventId>>,
    mails: BTreeMap<MailKey, Vec<EventId>>,
    logs: BTreeMap<HostId, Vec<EventId>>,
    verdicts: BTreeMap<HostId, Vec<(EventId, Verdict)>>,
    /// Mails without a sender.
    reports: BTreeSet<MailKey>,
    pairs: BTreeMap<(HostId, HostId), Pair>,
    /// What is in the way of traffic.
    pub barriers: Barriers,
    set_up: u64,
}

/// Two hosts between which there is traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The first event of it.
    pub first: EventId,
    /// Whether there is more than questions about names.
    pub mail: bool,
}

impl Index {
    /// The index of a session.
    pub fn new(session: &Session) -> Index {
        let scenario = session.cast();
        let standing = Standing::new(scenario);
        let mut index = Index {
            director: Director::new(session.set_up_events(), scenario.start),
            layout: Layout::of(scenario),
            facts: Facts::default(),
            checkpoints: vec![standing.clone()],
            newest: standing,
            read: 0,
            landmarks: Vec::new(),
            sessions: BTreeMap::new(),
            mails: BTreeMap::new(),
            logs: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            reports: BTreeSet::new(),
            pairs: BTreeMap::new(),
            barriers: Barriers::new(scenario),
            set_up: session.set_up_events(),
        };
        index.read(session);
        index
    }

    /// Reads what has happened since the last time. A session that went back needs a new index.
    pub fn read(&mut self, session: &Session) {
        let world = session.world();
        let trace = world.trace();
        if session.cast().hosts.len() != self.layout.places.len() {
            // Somebody joined, and the map makes room.
            self.layout = Layout::of(session.cast());
            self.newest.admit(session.cast());
        }
        self.facts.read(world);
        self.director.read(trace, &self.facts);
        while self.newest.upto + CHECKPOINT_EVERY <= trace.len() {
            self.newest.advance(world, EventId(self.newest.upto + CHECKPOINT_EVERY + 1));
            self.checkpoints.push(self.newest.clone());
        }
        for event in trace.since(self.read) {
            self.event(event);
            self.pair(world, event);
            self.barriers.event(session, event);
        }
        self.read = trace.len();
    }

    fn event(&mut self, event: &Event) {
        if event.id.0 > self.set_up
            && let Some(landmark) = Landmark::of(event)
        {
            self.landmarks.push((event.id, landmark));
        }
        if let (Some(host), Kind::QueueEnter { queue_id, sender, .. }) = (event.host, &event.kind)
            && sender.is_empty()
        {
            self.reports.insert((host, queue_id.clone()));
        }
        if let (Some(host), Some(verdict)) = (event.host, Verdict::of(event))
            && event.id.0 > self.set_up
        {
            let mail = queue_id_of(event).map(|id| (host, id.clone()));
            let about = mail.is_some_and(|mail| self.reports.contains(&mail));
            let verdict = if about { verdict.on_report() } else { verdict };
            self.verdicts.entry(host).or_default().push((event.id, verdict));
        }
        if let Some(session) = session_of(event) {
            self.sessions.entry(session).or_default().push(event.id);
        }
        if let (Some(host), Some(id)) = (event.host, queue_id_of(event)) {
            self.mails.entry((host, id.clone())).or_default().push(event.id);
        }
        if let (Some(host), Kind::LogLine { .. }) = (event.host, &event.kind) {
            self.logs.entry(host).or_default().push(event.id);
        }
    }

    /// Remembers between which hosts there is traffic.
    fn pair(&mut self, world: &World, event: &Event) {
        let (from, to, mail) = match &event.kind {
            Kind::DnsQuery { from, resolver, .. } => (*from, *resolver, false),
            Kind::TcpConnect { from, to, .. } => (from.ip(), to.ip(), true),
            Kind::SmtpSession { client, server, .. } => (client.ip(), server.ip(), true),
            _ => return,
        };
        let (Some(from), Some(to)) = (world.host_of(from), world.host_of(to)) else { return };
        if event.id.0 > self.set_up && from != to {
            let pair = self.pairs.entry((from.min(to), from.max(to))).or_insert(Pair { first: event.id, mail });
            pair.mail |= mail;
        }
    }

    /// The hosts between which there is traffic in this trace, the lower number first.
    pub fn pairs(&self) -> impl Iterator<Item = ((HostId, HostId), Pair)> {
        self.pairs.iter().map(|(ends, pair)| (*ends, *pair))
    }

    /// The last verdict of a host before an event.
    pub fn verdict_before(&self, host: HostId, end: EventId) -> Option<(EventId, Verdict)> {
        let verdicts = self.verdicts.get(&host)?;
        let before = verdicts.partition_point(|(id, _)| *id < end);
        before.checked_sub(1).map(|last| verdicts[last])
    }

    /// Client and server of a connection.
    pub fn ends(&self, world: &World, session: Socket) -> Option<(HostId, HostId)> {
        let events = self.session_events(session).iter();
        events.filter_map(|id| world.trace().get(*id)).find_map(|opening| {
            let (from, to) = match &opening.kind {
                Kind::SmtpSession { client, server, .. } => (client.ip(), server.ip()),
                Kind::TcpConnect { from, to, .. } => (from.ip(), to.ip()),
                _ => return None,
            };
            let host = |addr: std::net::IpAddr| if addr.is_loopback() { opening.host } else { world.host_of(addr) };
            Some((host(from)?, host(to)?))
        })
    }

    /// Number of events read.
    pub fn len(&self) -> u64 {
        self.read
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.read == 0
    }

    /// Number of events before the picture begins.
    pub fn set_up(&self) -> u64 {
        self.set_up
    }

    /// What stands before an event happens.
    pub fn standing(&self, session: &Session, before: EventId) -> Standing {
        let upto = before.0.saturating_sub(1);
        let after = self.checkpoints.partition_point(|standing| standing.upto <= upto);
        let mut standing = after.checked_sub(1).and_then(|at| self.checkpoints.get(at)).cloned().unwrap_or_default();
        standing.advance(session.world(), before);
        standing
    }

    /// The first landmark after an event, or the last one before it.
    pub fn landmark(&self, from: EventId, wanted: Landmark, forward: bool) -> Option<EventId> {
        let at = self.landmarks.partition_point(|(id, _)| *id <= from);
        let is = |(_, landmark): &&(EventId, Landmark)| *landmark == wanted;
        let found = if forward {
            self.landmarks[at..].iter().find(is)
        } else {
            let before = self.landmarks.partition_point(|(id, _)| *id < from);
            self.landmarks[..before].iter().rev().find(is)
        };
        found.map(|(id, _)| *id)
    }

    /// All landmarks in order.
    pub fn landmarks(&self) -> &[(EventId, Landmark)] {
        &self.landmarks
    }

    /// The connections that something was said on, in order.
    pub fn sessions(&self) -> impl Iterator<Item = Socket> {
        self.sessions.keys().copied()
    }

    /// The events of a connection.
    pub fn session_events(&self, session: Socket) -> &[EventId] {
        self.sessions.get(&connection(session)).map_or(&[], |events| events)
    }

    /// The mails that were in a queue, by host and queue id.
    pub fn mails(&self) -> impl Iterator<Item = (&MailKey, &[EventId])> {
        self.mails.iter().map(|(key, events)| (key, events.as_slice()))
    }

    /// The events of a mail on one host.
    pub fn mail_events(&self, key: &MailKey) -> &[EventId] {
        self.mails.get(key).map_or(&[], |events| events)
    }

    /// The log lines of a host.
    pub fn logs(&self, host: HostId) -> &[EventId] {
        self.logs.get(&host).map_or(&[], |events| events)
    }

    /// When a waiting mail is tried again, as far as the trace knows.
    pub fn next_attempt(&self, trace: &Trace, key: &MailKey, after: EventId) -> Option<Time> {
        let events = self.mail_events(key);
        let at = events.partition_point(|id| *id <= after);
        events[at..].iter().filter_map(|id| trace.get(*id)).find_map(|event| match &event.kind {
            Kind::QueueMove { queue, .. } if queue == "active" => Some(event.time),
            _ => None,
        })
    }

    /// The moment of the screen at which the picture begins: with its first beat.
    pub fn beginning(&self) -> Screen {
        Screen(0)
    }
}

/// The connection that an event belongs to, if any.
pub fn session_of(event: &Event) -> Option<Socket> {
    match &event.kind {
        Kind::SmtpSession { session, .. }
        | Kind::SmtpCmd { session, .. }
        | Kind::SmtpReply { session, .. }
        | Kind::SmtpData { session, .. }
        | Kind::SmtpTls { session, .. }
        | Kind::SmtpAuth { session, .. }
        | Kind::PopCmd { session, .. }
        | Kind::ImapCmd { session, .. }
        | Kind::TcpConnect { sock: session, .. } => Some(connection(*session)),
        _ => None,
    }
}

/// The queue id that an event names, if any.
pub fn queue_id_of(event: &Event) -> Option<&SmolStr> {
    match &event.kind {
        Kind::QueueEnter { queue_id, .. }
        | Kind::QueueMove { queue_id, .. }
        | Kind::QueueLeave { queue_id, .. }
        | Kind::MxChoose { queue_id, .. }
        | Kind::Deliver { queue_id, .. }
        | Kind::Bounce { queue_id, .. }
        | Kind::DelayWarn { queue_id, .. }
        | Kind::FilterVerdict { queue_id, .. }
        | Kind::SpfEval { queue_id, .. } => Some(queue_id),
        _ => None,
    }
}
