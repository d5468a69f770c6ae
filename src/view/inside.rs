//! Inside a host: Postfix's programs and queues as stations, and the mail that moves between them.
//!
//! The stations and their order are those of Postfix's own overview (OVERVIEW in its documentation).

use serde::Serialize;
use smol_str::SmolStr;

use super::director::millis_of;
use super::geometry::Point;
use super::index::{Index, session_of};
use super::scene::Scene;
use crate::session::Session;
use crate::sim::HostId;
use crate::trace::{Agent, Event, EventId, Kind, Via};

/// A program or a queue of Postfix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "named as Postfix names them")]
pub enum Station {
    Smtpd,
    Maildrop,
    Pickup,
    Cleanup,
    TrivialRewrite,
    Incoming,
    Active,
    Qmgr,
    Deferred,
    Hold,
    Bounce,
    Smtp,
    Local,
    Virtual,
    Lmtp,
    Pipe,
    Error,
}

impl Station {
    /// All of them.
    pub const ALL: [Station; 17] = [
        Station::Smtpd,
        Station::Maildrop,
        Station::Pickup,
        Station::Cleanup,
        Station::TrivialRewrite,
        Station::Incoming,
        Station::Active,
        Station::Qmgr,
        Station::Deferred,
        Station::Hold,
        Station::Bounce,
        Station::Smtp,
        Station::Local,
        Station::Virtual,
        Station::Lmtp,
        Station::Pipe,
        Station::Error,
    ];

    /// The ways that mail takes.
    pub const WAYS: [(Station, Station); 17] = [
        (Station::Smtpd, Station::Cleanup),
        (Station::Maildrop, Station::Pickup),
        (Station::Pickup, Station::Cleanup),
        (Station::Cleanup, Station::TrivialRewrite),
        (Station::Cleanup, Station::Incoming),
        (Station::Incoming, Station::Active),
        (Station::Active, Station::Qmgr),
        (Station::Active, Station::Deferred),
        (Station::Qmgr, Station::TrivialRewrite),
        (Station::Cleanup, Station::Hold),
        (Station::Bounce, Station::Cleanup),
        (Station::Qmgr, Station::Smtp),
        (Station::Qmgr, Station::Local),
        (Station::Qmgr, Station::Virtual),
        (Station::Qmgr, Station::Lmtp),
        (Station::Qmgr, Station::Pipe),
        (Station::Qmgr, Station::Error),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Station::Smtpd => "smtpd",
            Station::Maildrop => "maildrop",
            Station::Pickup => "pickup",
            Station::Cleanup => "cleanup",
            Station::TrivialRewrite => "trivial-rewrite",
            Station::Incoming => "incoming",
            Station::Active => "active",
            Station::Qmgr => "qmgr",
            Station::Deferred => "deferred",
            Station::Hold => "hold",
            Station::Bounce => "bounce",
            Station::Smtp => "smtp",
            Station::Local => "local",
            Station::Virtual => "virtual",
            Station::Lmtp => "lmtp",
            Station::Pipe => "pipe",
            Station::Error => "error",
        }
    }

    /// Whether it is a queue, not a program.
    pub fn is_queue(self) -> bool {
        use Station::{Active, Deferred, Hold, Incoming, Maildrop};
        matches!(self, Maildrop | Incoming | Active | Deferred | Hold)
    }

    /// Its place, as parts of the width and height.
    pub fn place(self) -> Point {
        let (x, y) = match self {
            Station::Smtpd => (0.08, 0.22),
            Station::Maildrop => (0.08, 0.55),
            Station::Pickup => (0.08, 0.80),
            Station::Cleanup => (0.25, 0.38),
            Station::TrivialRewrite => (0.42, 0.13),
            Station::Incoming => (0.42, 0.38),
            Station::Active => (0.58, 0.38),
            Station::Qmgr => (0.74, 0.38),
            Station::Deferred => (0.58, 0.66),
            Station::Hold => (0.42, 0.66),
            Station::Bounce => (0.25, 0.88),
            Station::Smtp => (0.92, 0.09),
            Station::Local => (0.92, 0.26),
            Station::Virtual => (0.92, 0.43),
            Station::Lmtp => (0.92, 0.60),
            Station::Pipe => (0.92, 0.77),
            Station::Error => (0.92, 0.93),
        };
        Point::new(x, y)
    }

    fn of_agent(agent: Agent) -> Station {
        match agent {
            Agent::Local | Agent::File | Agent::Command | Agent::Mailbox => Station::Local,
            Agent::Virtual => Station::Virtual,
            Agent::Lmtp => Station::Lmtp,
            Agent::Pipe => Station::Pipe,
            Agent::Smtp => Station::Smtp,
            Agent::Error | Agent::Discard => Station::Error,
        }
    }

    fn of_queue(queue: &str) -> Option<Station> {
        Station::ALL.into_iter().find(|station| station.is_queue() && station.name() == queue)
    }
}

/// A station at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stop {
    /// Which.
    pub station: Station,
    /// Whether it works right now.
    pub lit: bool,
    /// Queue ids of the mails that lie in it.
    pub mails: Vec<SmolStr>,
}

/// A mail on its way between stations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The stations, in order.
    pub way: Vec<Station>,
    /// How far it is, from 0 to 1.
    pub part: f32,
    /// Its queue id, or the recipient.
    pub label: SmolStr,
    /// The event.
    pub event: EventId,
}

/// The inside of a host at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inside {
    /// Its name.
    pub name: SmolStr,
    /// Whether there is a mail system in it.
    pub has_postfix: bool,
    /// The stations.
    pub stops: Vec<Stop>,
    /// What moves.
    pub shifts: Vec<Shift>,
    /// Its last log lines, the newest last.
    pub log: Vec<String>,
}

impl Inside {
    /// The inside of a host in a picture.
    pub fn new(session: &Session, index: &Index, scene: &Scene, host: HostId) -> Inside {
        let trace = session.world().trace();
        let beat = scene.beat.and_then(|number| index.director.beats().get(number as usize));
        let upto =
            beat.map_or(EventId(index.set_up() + 1), |beat| if scene.part < 0.6 { beat.first } else { beat.end });
        let standing = index.standing(session, upto);
        let mut inside = Inside { name: session.world().name(host), ..Inside::default() };
        let spec = session.cast().hosts.get(host.0 as usize);
        inside.has_postfix = spec.is_some_and(|host| host.files.contains_key("/etc/postfix/main.cf"))
            || session.world().host(host).vfs.read_text("/etc/postfix/main.cf", &crate::host::vfs::Cred::ROOT).is_ok();
        let mut lit = Vec::new();
        let events = beat.into_iter().flat_map(|beat| beat.first.0..beat.end.0).filter_map(|id| trace.get(EventId(id)));
        for event in events {
            inside.event(session, index, event, host, scene.part, &mut lit);
        }
        for station in Station::ALL {
            let mails = standing.host(host).map(|host| &host.queued);
            let here = mails.into_iter().flatten().filter(|(_, mail)| Station::of_queue(&mail.queue) == Some(station));
            let mails = here.map(|(id, _)| id.clone()).collect();
            inside.stops.push(Stop { station, lit: lit.contains(&station), mails });
        }
        let lines = index.logs(host);
        let end = lines.partition_point(|id| *id < upto);
        for id in &lines[end.saturating_sub(5)..end] {
            if let Some(Kind::LogLine { text, .. }) = trace.get(*id).map(|event| &event.kind) {
                inside.log.push(text.to_string());
            }
        }
        inside
    }

    fn event(
        &mut self,
        session: &Session,
        index: &Index,
        event: &Event,
        host: HostId,
        part: f32,
        lit: &mut Vec<Station>,
    ) {
        if let Some(socket) = session_of(event).filter(|_| millis_of(event, &index.facts).is_some()) {
            let name = session.world().trace().host_name(host);
            match index.facts.ends(socket) {
                Some((client, server)) if server == name && client != name => lit.push(Station::Smtpd),
                Some((client, _)) if client == name => lit.push(Station::Smtp),
                _ => {}
            }
        }
        if event.host != Some(host) {
            return;
        }
        let mut shift = |way: &[Station], label: &SmolStr| {
            lit.extend(way.iter().copied());
            self.shifts.push(Shift { way: way.to_vec(), part, label: label.clone(), event: event.id });
        };
        match &event.kind {
            Kind::QueueEnter { queue_id, queue, via, .. } => {
                let from: &[Station] = match via {
                    Via::Smtpd => &[Station::Smtpd],
                    Via::Pickup => &[Station::Maildrop, Station::Pickup],
                    Via::Forward => &[Station::Local],
                    Via::Bounce => &[Station::Bounce],
                };
                let goal = Station::of_queue(queue).unwrap_or(Station::Incoming);
                shift(&[from, &[Station::Cleanup, goal]].concat(), queue_id);
            }
            Kind::QueueMove { queue_id, from, queue, .. } => {
                if let (Some(from), Some(to)) = (Station::of_queue(from), Station::of_queue(queue)) {
                    shift(&[from, to], queue_id);
                }
            }
            Kind::Deliver { agent, rcpt, .. } => {
                shift(&[Station::Active, Station::Qmgr, Station::of_agent(*agent)], rcpt)
            }
            Kind::Bounce { report_id, .. } | Kind::DelayWarn { report_id, .. } => {
                shift(&[Station::Bounce, Station::Cleanup, Station::Incoming], report_id);
            }
            Kind::RouteDecide { .. } => lit.extend([Station::Qmgr, Station::TrivialRewrite]),
            Kind::Rewrite { .. } => lit.extend([Station::Cleanup, Station::TrivialRewrite]),
            Kind::MxChoose { .. } => lit.push(Station::Smtp),
            Kind::AliasExpand { .. } => lit.push(Station::Local),
            Kind::PolicyVerdict { .. } => lit.push(Station::Smtpd),
            _ => {}
        }
    }
}
