//! Virtual time becomes screen time: the events of a trace in steps that people can follow.
//!
//! A [`Beat`] is a stretch of consecutive events that are shown together. An event opens a new beat if
//! it is to be seen and if something in the present beat led to it, happens in the same place, or happened
//! noticeably earlier; so consequences follow their causes, and what is concurrent moves together.
//! Long idle times become beats of their own, which say how long they were.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::session::story::{Facts, connection};
use crate::sim::{Duration, HostId, Socket, Time};
use crate::trace::{Actor, ConnectResult, Event, EventId, Kind, Trace};

/// Idle time from which on it is folded.
const FOLDED: Duration = Duration::from_secs(3);
/// Screen time of a folded stretch, in milliseconds.
const FOLD_MILLIS: u32 = 1200;
/// What happens within this time may be shown together.
const TOGETHER: Duration = Duration::from_millis(50);
/// Most events that move at once in one beat.
const CROWD: usize = 600;

/// Screen time since the beginning, in milliseconds at speed 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Screen(pub u64);

/// What a beat shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BeatKind {
    /// Something happens.
    Step,
    /// Nothing happens for so long.
    Gap(Duration),
}

/// One step of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Beat {
    /// What it shows.
    pub kind: BeatKind,
    /// Its first event; for a gap the first event after it.
    pub first: EventId,
    /// The event after its last one; the same as `first` for a gap.
    pub end: EventId,
    /// When it begins on the screen.
    pub at: Screen,
    /// How long it takes, in milliseconds at speed 1.
    pub millis: u32,
    /// Virtual time at its beginning.
    pub time: Time,
}

impl Beat {
    /// When it ends on the screen.
    pub fn until(&self) -> Screen {
        Screen(self.at.0 + u64::from(self.millis))
    }
}

/// Screen time of an event in milliseconds, `None` if there is nothing to see of it.
pub fn millis_of(event: &Event, facts: &Facts) -> Option<u32> {
    // Words that are to be read take as long as reading them.
    let reading = |text: &str| (900 + 45 * text.chars().count() as u32).min(7000);
    let millis = match &event.kind {
        Kind::Narrate { en, de } => reading(if en.len() > de.len() { en } else { de }),
        Kind::DnsQuery { .. } | Kind::DnsAnswer { cached: false, .. } => 800,
        Kind::SmtpSession { .. } => 700,
        Kind::TcpConnect { result: ConnectResult::Open, .. } => 700,
        Kind::TcpConnect { .. } => 1400,
        Kind::SmtpCmd { .. } | Kind::PopCmd { .. } | Kind::ImapCmd { .. } => 900,
        Kind::SmtpReply { code, .. } => {
            if *code >= 400 {
                1600
            } else {
                800
            }
        }
        Kind::SmtpData { .. } => {
            if facts.is_message(event.id) {
                1600
            } else {
                return None;
            }
        }
        Kind::SmtpTls { verdict, .. } => {
            if verdict == "anonymous" {
                return None;
            } else {
                1300
            }
        }
        Kind::SmtpAuth { .. } => 1200,
        Kind::PolicyVerdict { action, .. } => {
            if action == "permit" {
                return None;
            } else {
                1600
            }
        }
        Kind::MuaCompose { .. } => 1800,
        Kind::MuaSend { ok, .. } => {
            if *ok {
                700
            } else {
                1600
            }
        }
        Kind::MuaFetch { .. } | Kind::MraPoll { .. } => 1100,
        Kind::QueueEnter { .. } => 900,
        Kind::QueueMove { queue, .. } => {
            if queue == "deferred" || queue == "hold" {
                1300
            } else {
                500
            }
        }
        Kind::RouteDecide { .. } => 1100,
        Kind::MxChoose { .. } => 1500,
        Kind::Rewrite { .. } => 1100,
        Kind::AliasExpand { .. } => 1200,
        Kind::Deliver { .. } => 1500,
        Kind::Bounce { .. } | Kind::DelayWarn { .. } => 1500,
        Kind::FilterVerdict { .. } | Kind::SpfEval { .. } | Kind::DnsblQuery { .. } | Kind::SieveAction { .. } => 1000,
        Kind::ShellCommand { .. } => {
            if event.actor == Actor::Daemon {
                return None;
            } else {
                1100
            }
        }
        Kind::ShellOutput { text } => {
            if text.trim().is_empty() {
                return None;
            } else {
                900
            }
        }
        Kind::ConfigLoad { .. } | Kind::MapBuild { .. } => 700,
        Kind::Fault { .. } => 1600,
        Kind::Expect { ok: false, .. } => 2500,
        Kind::FileWrite { by, .. } => {
            if by == "scenario" || by == "editor" {
                900
            } else {
                return None;
            }
        }
        Kind::DnsAnswer { cached: true, .. }
        | Kind::PolicyStep { .. }
        | Kind::QueueLeave { .. }
        | Kind::LogLine { .. }
        | Kind::ShellExit { .. }
        | Kind::Service { .. }
        // That all is as the author expected is no news.
        | Kind::Expect { ok: true, .. }
        | Kind::ClockJump { .. } => return None,
    };
    Some(millis)
}

/// Where an event takes place: two in the same place cannot be seen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    World,
    Host(HostId),
    Session(Socket),
    /// Datagrams have no common place.
    Air(EventId),
}

fn stage(event: &Event) -> Stage {
    match &event.kind {
        Kind::DnsQuery { .. } | Kind::DnsAnswer { .. } => Stage::Air(event.id),
        Kind::SmtpSession { session, .. }
        | Kind::SmtpCmd { session, .. }
        | Kind::SmtpReply { session, .. }
        | Kind::SmtpData { session, .. }
        | Kind::SmtpTls { session, .. }
        | Kind::SmtpAuth { session, .. }
        | Kind::PopCmd { session, .. }
        | Kind::ImapCmd { session, .. } => Stage::Session(connection(*session)),
        Kind::TcpConnect { sock, .. } => Stage::Session(connection(*sock)),
        _ => event.host.map_or(Stage::World, Stage::Host),
    }
}

/// The beats of a trace so far. It grows with the trace.
#[derive(Clone, Debug, Default)]
pub struct Director {
    beats: Vec<Beat>,
    read: u64,
    /// Events that belong to setting up the hosts: they are over when the picture begins.
    skipped: u64,
    /// The present beat's places and events that are seen.
    stages: BTreeSet<Stage>,
    seen: BTreeSet<EventId>,
    last: Time,
}

impl Director {
    /// A director who begins after so many events.
    pub fn new(skipped: u64, start: Time) -> Director {
        Director { skipped, last: start, ..Director::default() }
    }

    /// The beats in order. Every event after the skipped ones is in exactly one.
    pub fn beats(&self) -> &[Beat] {
        &self.beats
    }

    /// How long everything takes on the screen.
    pub fn length(&self) -> Screen {
        self.beats.last().map_or(Screen(0), Beat::until)
    }

    /// The beat at a moment of the screen, by number; the last one after the end.
    pub fn beat_at(&self, at: Screen) -> Option<usize> {
        let after = self.beats.partition_point(|beat| beat.at <= at);
        after.checked_sub(1)
    }

    /// The beat that an event belongs to, by number; the first one for what was before.
    pub fn beat_of(&self, event: EventId) -> Option<usize> {
        let after = self.beats.partition_point(|beat| beat.first <= event);
        let number = after.saturating_sub(1);
        (number < self.beats.len()).then_some(number)
    }

    /// The moment of the screen at which an event has happened.
    pub fn moment_of(&self, event: EventId) -> Screen {
        self.beat_of(event)
            .and_then(|number| self.beats.get(number))
            .map_or(Screen(0), |beat| Screen(beat.until().0.saturating_sub(1)))
    }

    /// The moment of the screen that shows a virtual time.
    pub fn moment_at(&self, time: Time) -> Screen {
        let after = self.beats.partition_point(|beat| beat.time <= time);
        let number = after.saturating_sub(1);
        self.beats.get(number).map_or(Screen(0), |beat| Screen(beat.until().0.saturating_sub(1)))
    }

    /// The virtual time at a moment of the screen: within a gap it runs evenly.
    pub fn time_at(&self, at: Screen) -> Time {
        let Some(beat) = self.beat_at(at).and_then(|number| self.beats.get(number)) else { return self.last };
        match beat.kind {
            BeatKind::Step => beat.time,
            BeatKind::Gap(length) => {
                let part = (at.0 - beat.at.0).min(u64::from(beat.millis));
                beat.time + length * u32::try_from(part).unwrap_or(0) / beat.millis.max(1)
            }
        }
    }

    /// Reads what has happened since the last time.
    pub fn read(&mut self, trace: &Trace, facts: &Facts) {
        self.read = self.read.max(self.skipped);
        let from = self.read;
        for event in trace.since(from) {
            self.event(trace, facts, event);
        }
        self.read = trace.len().max(from);
    }

    fn event(&mut self, trace: &Trace, facts: &Facts, event: &Event) {
        let idle = event.time.since(self.last);
        let millis = millis_of(event, facts);
        if millis.is_some() && idle > FOLDED {
            let beat = Beat {
                kind: BeatKind::Gap(idle),
                first: event.id,
                end: event.id,
                at: self.length(),
                millis: FOLD_MILLIS,
                time: self.last,
            };
            self.beats.push(beat);
        }
        if millis.is_some() || self.beats.is_empty() {
            self.last = self.last.max(event.time);
        }
        let place = stage(event);
        let joins = match (self.beats.last(), millis) {
            (Some(beat), Some(_)) => {
                beat.kind == BeatKind::Step
                    && event.time.since(beat.time) <= TOGETHER
                    && self.seen.len() < CROWD
                    && !self.stages.contains(&place)
                    && !self.stages.contains(&Stage::World)
                    && (place != Stage::World || self.stages.is_empty())
                    && !self.follows(trace, event, beat.first)
            }
            // What is not seen belongs to what was seen last.
            (Some(beat), None) => beat.kind == BeatKind::Step,
            (None, _) => false,
        };
        if !joins {
            let beat = Beat {
                kind: BeatKind::Step,
                first: event.id,
                end: event.id,
                at: self.length(),
                millis: 0,
                time: event.time,
            };
            self.beats.push(beat);
            self.stages.clear();
            self.seen.clear();
        }
        if let Some(beat) = self.beats.last_mut() {
            beat.end = EventId(event.id.0 + 1);
            if let Some(millis) = millis {
                beat.millis = beat.millis.max(millis);
                self.stages.insert(place);
                self.seen.insert(event.id);
            }
        }
    }

    /// Whether something that is seen in the present beat led to an event.
    fn follows(&self, trace: &Trace, event: &Event, first: EventId) -> bool {
        let mut cause = event.cause;
        while let Some(id) = cause.filter(|id| *id >= first) {
            if self.seen.contains(&id) {
                return true;
            }
            cause = trace.get(id).and_then(|event| event.cause).filter(|earlier| *earlier < id);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Level, Origin};

    fn push(trace: &mut Trace, millis: u64, host: u32, cause: Option<EventId>, kind: Kind) -> EventId {
        let origin = Origin { host: Some(HostId(host)), proc: None, actor: Actor::Daemon, cause };
        trace.push(Time::from_micros(1_000_000 + millis * 1000), origin, kind, None)
    }

    fn question(name: &str) -> Kind {
        let addr = "192.0.2.1".parse().unwrap();
        Kind::DnsQuery { from: addr, resolver: addr, qname: name.into(), qtype: "A".into() }
    }

    fn direct(trace: &Trace) -> Director {
        let mut director = Director::new(0, Time::from_secs(1));
        director.read(trace, &Facts::default());
        director
    }

    #[test]
    fn concurrent_questions_move_together_and_answers_follow() {
        let mut trace = Trace::new(Level::Full);
        let one = push(&mut trace, 0, 0, None, question("a"));
        push(&mut trace, 0, 0, None, question("b"));
        push(&mut trace, 1, 1, Some(one), question("c"));
        let director = direct(&trace);
        let ranges: Vec<(u64, u64)> = director.beats().iter().map(|beat| (beat.first.0, beat.end.0)).collect();
        assert_eq!(ranges, [(1, 3), (3, 4)]);
    }

    #[test]
    fn one_dialogue_is_one_line_after_the_other() {
        let mut trace = Trace::new(Level::Full);
        for code in [250, 251] {
            let kind = Kind::SmtpReply { session: Socket(3), code, enhanced: None, text: "".into() };
            push(&mut trace, 0, 0, None, kind);
        }
        assert_eq!(direct(&trace).beats().len(), 2);
    }

    #[test]
    fn idle_hours_fold_into_a_moment_with_their_length() {
        let mut trace = Trace::new(Level::Full);
        push(&mut trace, 0, 0, None, question("a"));
        push(&mut trace, 3_600_000, 0, None, question("b"));
        let director = direct(&trace);
        let gap = director.beats()[1];
        assert_eq!(gap.kind, BeatKind::Gap(Duration::from_secs(3600)));
        assert_eq!(director.time_at(Screen(gap.at.0 + u64::from(gap.millis) / 2)), Time::from_secs(1801));
        assert!(director.length().0 < 5000);
    }

    #[test]
    fn reading_in_pieces_gives_the_same_beats() {
        let mut trace = Trace::new(Level::Full);
        let mut pieces = Director::new(0, Time::from_secs(1));
        for number in 0..20 {
            push(&mut trace, number * 700, (number % 3) as u32, None, question("x"));
            pieces.read(&trace, &Facts::default());
        }
        assert_eq!(pieces.beats(), direct(&trace).beats());
    }

    #[test]
    fn every_event_has_its_beat() {
        let mut trace = Trace::new(Level::Full);
        for number in 0..50 {
            push(&mut trace, number * number * 9, 0, None, question("x"));
        }
        let director = direct(&trace);
        for event in trace.iter() {
            let beat = director.beats()[director.beat_of(event.id).unwrap()];
            assert!(beat.first <= event.id && event.id < beat.end, "{event:?}");
        }
    }
}
