//! The picture at a moment of the screen: what stands, what moves, and what is said.

use serde::Serialize;
use smol_str::SmolStr;

use super::alias;
use super::director::{Beat, BeatKind, Screen};
use super::index::Index;
use super::notes::{Note, notes};
use super::standing::{SessionStanding, Standing};
use super::timing::stretch;
use super::told::told;
use crate::scenario::Scenario;
use crate::scenario::written::{Preset, Service};
use crate::session::Session;
use crate::session::story::{Narrator, Tone, connection};
use crate::session::words::Words;
use crate::sim::{HostId, Socket, Time};
use crate::trace::{ConnectResult, DeliveryStatus, Event, EventId, Kind};

/// The part of a step after which it has had its effect.
const EFFECT: f32 = 0.72;
/// Steps that what has happened stays visible for.
const TRAIL: usize = 2;

/// A host's card.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Card {
    /// Whether the host is switched off.
    pub down: bool,
    /// Mails in its queues.
    pub queued: u64,
    /// Mails that wait for another attempt.
    pub deferred: u64,
    /// When the first of them is tried again, if the trace knows it.
    pub next_attempt: Option<Time>,
    /// Mails delivered into mailboxes here.
    pub delivered: u64,
    /// Its services, and whether they run.
    pub services: Vec<(&'static str, bool)>,
    /// Its last log line, without date and host.
    pub log: SmolStr,
    /// Whether it takes part in the present step.
    pub active: bool,
}

/// A line between two hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Who opened it.
    pub from: HostId,
    /// Who accepted it.
    pub to: HostId,
    /// Whether a connection is open; else it is a fading trail.
    pub open: bool,
    /// Whether it is encrypted, and the certificate was good.
    pub tls: Option<bool>,
    /// From 1, right now, to 0, long ago.
    pub warmth: f32,
}

/// What moves between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoverKind {
    /// A question to a name server.
    Question,
    /// Its answer.
    Answer,
    /// A connection that opens.
    Connect,
    /// A connection that does not open.
    ConnectFailed(ConnectResult),
    /// A TLS handshake, and whether the certificate was good.
    Tls(bool),
    /// A message in its envelope.
    Letter,
}

/// Something on its way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mover {
    /// What it is.
    pub kind: MoverKind,
    /// Where it comes from.
    pub from: HostId,
    /// Where it goes.
    pub to: HostId,
    /// How far it is, from 0 to 1.
    pub part: f32,
    /// What stands on it.
    pub label: String,
    /// A second line: records, envelope.
    pub detail: String,
    /// The event.
    pub event: EventId,
    /// Its place among those that move between the same hosts at the same time.
    pub lane: u32,
}

/// One side's words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speech {
    /// The reply code; `None` for a client's line.
    pub code: Option<u16>,
    /// The words.
    pub text: String,
    /// The event.
    pub event: EventId,
    /// How far it is on its way, if it is being said now.
    pub fresh: Option<f32>,
}

/// What is said on a connection: the last line of each side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bubble {
    /// The connection.
    pub session: Socket,
    /// Who asks.
    pub client: HostId,
    /// Who answers.
    pub server: HostId,
    /// The client's last line.
    pub line: Option<Speech>,
    /// The server's last reply.
    pub reply: Option<Speech>,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Taken over.
    Accepted,
    /// Not now.
    Later,
    /// No.
    Refused,
    /// Cannot be delivered at all.
    Bounced,
    /// In its mailbox.
    Delivered,
    /// Passed on to the next host.
    HandedOver,
    /// No mail for others from you.
    RelayRefused,
    /// Mail for others from anybody.
    OpenRelay,
    /// What the scenario promised.
    Expected,
    /// Not what the scenario promised.
    Unexpected,
}

impl Verdict {
    /// The name of its word in the language files.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Accepted => "stamp-accepted",
            Verdict::Later => "stamp-later",
            Verdict::Refused => "stamp-refused",
            Verdict::Bounced => "stamp-bounced",
            Verdict::Delivered => "stamp-delivered",
            Verdict::HandedOver => "stamp-handed-over",
            Verdict::RelayRefused => "stamp-relay-refused",
            Verdict::OpenRelay => "stamp-open-relay",
            Verdict::Expected => "stamp-expected",
            Verdict::Unexpected => "stamp-unexpected",
        }
    }

    /// What it means for the mail.
    pub fn tone(self) -> Tone {
        match self {
            Verdict::Accepted | Verdict::Delivered | Verdict::HandedOver | Verdict::Expected => Tone::Good,
            Verdict::RelayRefused => Tone::Good,
            Verdict::Later => Tone::Waiting,
            Verdict::Refused | Verdict::Bounced | Verdict::OpenRelay | Verdict::Unexpected => Tone::Bad,
        }
    }
}

/// A verdict on a host's card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stamp {
    /// The host.
    pub host: HostId,
    /// The verdict.
    pub verdict: Verdict,
    /// The event.
    pub event: EventId,
    /// From 0, just now, to 1, about to vanish.
    pub age: f32,
}

/// The one line that says what happens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Caption {
    /// The words.
    pub text: String,
    /// What it means for the mail.
    #[serde(skip)]
    pub tone: Tone,
    /// The event.
    pub event: EventId,
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scene {
    /// The moment of the screen.
    pub at: Screen,
    /// The virtual time.
    pub time: Time,
    /// The present beat, by number.
    pub beat: Option<u64>,
    /// How far it is, from 0 to 1.
    pub part: f32,
    /// The event that the step is about, or the next one.
    pub event: Option<EventId>,
    /// The hosts, by number.
    pub cards: Vec<Card>,
    /// Lines between hosts.
    pub links: Vec<Link>,
    /// What is on its way.
    pub movers: Vec<Mover>,
    /// What is said.
    pub bubbles: Vec<Bubble>,
    /// What hosts think: choices, aliases, rewriting.
    pub notes: Vec<Note>,
    /// Verdicts.
    pub stamps: Vec<Stamp>,
    /// What the scenario tells here.
    pub narration: Option<String>,
    /// What happens, in words.
    pub caption: Option<Caption>,
    /// The length of the idle time that is being folded, in words.
    pub gap: Option<String>,
}

/// The picture of a session at a moment of the screen.
pub fn scene(session: &Session, index: &Index, words: &Words, at: Screen) -> Scene {
    Painter { session, index, words }.paint(at)
}

struct Painter<'a> {
    session: &'a Session,
    index: &'a Index,
    words: &'a Words,
}

impl Painter<'_> {
    fn paint(&self, at: Screen) -> Scene {
        let director = &self.index.director;
        let mut scene = Scene { at, time: director.time_at(at), ..Scene::default() };
        let Some(number) = director.beat_at(at) else {
            let first = EventId(self.index.set_up() + 1);
            self.cards(&self.index.standing(self.session, first), first, &mut scene);
            return scene;
        };
        let beat = director.beats()[number];
        let elapsed = (at.0 - beat.at.0) as f32;
        scene.part = if beat.millis == 0 { 1.0 } else { (elapsed / beat.millis as f32).clamp(0.0, 1.0) };
        scene.beat = Some(number as u64);
        let before = if scene.part < EFFECT { beat.first } else { beat.end };
        let standing = self.index.standing(self.session, before);
        self.cards(&standing, before, &mut scene);
        self.links(&standing, &mut scene);
        self.bubbles(&standing, &mut scene);
        scene.notes = notes(self.session, &standing, self.words);
        self.narration(number, &mut scene);
        if let BeatKind::Gap(length) = beat.kind {
            let length = stretch(length);
            scene.gap = Some(self.words.say("scene-gap", &[("length", (&length).into())]));
        }
        for (age, number) in (number.saturating_sub(TRAIL)..=number).rev().enumerate() {
            let past = director.beats()[number];
            self.beat(&past, age, &mut scene);
        }
        self.caption(&beat, &mut scene);
        scene
    }

    fn events(&self, beat: &Beat) -> impl DoubleEndedIterator<Item = &Event> {
        let trace = self.session.world().trace();
        (beat.first.0..beat.end.0).filter_map(|id| trace.get(EventId(id)))
    }

    fn cards(&self, standing: &Standing, before: EventId, scene: &mut Scene) {
        let trace = self.session.world().trace();
        for place in &self.index.layout.places {
            let Some(host) = standing.host(place.host) else { continue };
            let waiting = host.queued.iter().filter(|(_, mail)| mail.queue == "deferred");
            let next = waiting
                .clone()
                .filter_map(|(id, _)| self.index.next_attempt(trace, &(place.host, id.clone()), EventId(before.0 - 1)));
            let log = host.last_log.and_then(|id| trace.get(id)).map(|event| &event.kind);
            scene.cards.push(Card {
                down: host.down,
                queued: host.queued.values().filter(|mail| mail.queue != "deferred").count() as u64,
                deferred: waiting.clone().count() as u64,
                next_attempt: next.min(),
                delivered: host.mailboxes.values().sum(),
                services: services(self.session.cast(), place.host)
                    .map(|name| (name, !(host.down || host.stopped && name == "postfix")))
                    .collect(),
                log: match log {
                    Some(Kind::LogLine { text, .. }) => short_log(text).into(),
                    _ => SmolStr::default(),
                },
                active: false,
            });
        }
    }

    fn links(&self, standing: &Standing, scene: &mut Scene) {
        for (_, session) in standing.sessions().filter(|(_, session)| !session.closed) {
            let SessionStanding { client: from, server: to, tls, .. } = *session;
            if from != to {
                scene.links.push(Link { from, to, open: true, tls, warmth: 0.4 });
            }
        }
    }

    fn warm(scene: &mut Scene, from: HostId, to: HostId, warmth: f32) {
        if from == to {
            return;
        }
        let same = |link: &&mut Link| (link.from, link.to) == (from, to) || (link.to, link.from) == (from, to);
        match scene.links.iter_mut().find(same) {
            Some(link) => link.warmth = link.warmth.max(warmth),
            None => scene.links.push(Link { from, to, open: false, tls: None, warmth }),
        }
    }

    fn bubbles(&self, standing: &Standing, scene: &mut Scene) {
        // What was said last before a connection closed fades with its trail.
        let trail = scene.beat.map_or(0, |beat| beat.saturating_sub(TRAIL as u64));
        let recent = self.index.director.beats().get(trail as usize).map_or(EventId(0), |beat| beat.first);
        let shown = standing.sessions().filter(|(_, open)| !open.closed || open.reply.is_some_and(|id| id >= recent));
        for (session, open) in shown {
            let line = open.line.and_then(|id| self.speech(id, false, None));
            let reply = open.reply.filter(|id| open.line.is_none_or(|line| line <= *id));
            let reply = reply.and_then(|id| self.speech(id, true, None));
            if line.is_some() || reply.is_some() {
                scene.bubbles.push(Bubble { session, client: open.client, server: open.server, line, reply });
            }
        }
    }

    /// The words of an event of a dialogue; POP3 and IMAP have command and reply in one.
    fn speech(&self, id: EventId, answer: bool, fresh: Option<f32>) -> Option<Speech> {
        let event = self.session.world().trace().get(id)?;
        let (code, text) = match &event.kind {
            Kind::SmtpCmd { line, .. } => (None, line.to_string()),
            Kind::SmtpReply { code, text, .. } => (Some(*code), first_line(text, Some(*code)).to_owned()),
            Kind::PopCmd { line, reply, .. } | Kind::ImapCmd { line, reply, .. } => {
                (None, first_line(if answer { reply } else { line }, None).to_owned())
            }
            _ => return None,
        };
        Some(Speech { code, text, event: id, fresh })
    }

    /// The last narration up to a beat.
    fn narration(&self, number: usize, scene: &mut Scene) {
        let beats = self.index.director.beats();
        let end = beats.get(number).map_or(EventId(0), |beat| beat.end);
        let told = self.index.landmark(end, super::index::Landmark::Narration, false);
        let Some(Kind::Narrate { en, de }) = told.and_then(|id| self.session.world().trace().get(id)).map(|e| &e.kind)
        else {
            return;
        };
        scene.narration = Some(self.words.lang().pick(en, de).to_owned());
    }

    /// What a beat shows; earlier ones leave trails.
    fn beat(&self, beat: &Beat, age: usize, scene: &mut Scene) {
        let part = if age == 0 { scene.part } else { 1.0 };
        let steps = TRAIL as f32 + 1.0;
        let faded = ((age as f32 + part) / steps).min(1.0);
        for event in self.events(beat) {
            if let Some((from, to)) = self.way(event) {
                Self::warm(scene, from, to, 1.0 - faded);
                for host in [from, to].into_iter().filter(|_| age == 0) {
                    if let Some(card) = scene.cards.get_mut(host.0 as usize) {
                        card.active = true;
                    }
                }
            }
            if age == 0 {
                self.present(event, part, scene);
            }
            // A verdict falls when its step has had its effect, and stays for the next ones.
            if let Some((host, verdict)) = self.verdict(event).filter(|_| age > 0 || part >= 0.45) {
                scene.stamps.retain(|stamp| stamp.host != host || stamp.event > event.id);
                if !scene.stamps.iter().any(|stamp| stamp.host == host) {
                    scene.stamps.push(Stamp { host, verdict, event: event.id, age: faded });
                }
            }
        }
    }

    /// What moves, or is said, in the present step.
    fn present(&self, event: &Event, part: f32, scene: &mut Scene) {
        if let Some(host) = event.host.and_then(|host| scene.cards.get_mut(host.0 as usize)) {
            host.active |= super::director::millis_of(event, &self.index.facts).is_some();
        }
        if let Some(speech) = self.speech(event.id, matches!(event.kind, Kind::SmtpReply { .. }), Some(part)) {
            return self.say(event, speech, scene);
        }
        let Some((from, to)) = self.way(event) else { return };
        let (kind, label, detail) = match &event.kind {
            Kind::DnsQuery { qname, qtype, .. } => (MoverKind::Question, format!("{qtype} {qname}?"), String::new()),
            Kind::DnsAnswer { qname, qtype, rcode, records, .. } => {
                let data = |record: &SmolStr| short_record(record, qtype);
                let shown: Vec<String> = records.iter().take(3).map(data).collect();
                let answer = if shown.is_empty() || rcode != "NOERROR" { rcode.to_string() } else { shown.join("\n") };
                (MoverKind::Answer, format!("{qtype} {qname}"), answer)
            }
            Kind::SmtpSession { port, .. } => (MoverKind::Connect, format!("TCP {port}"), String::new()),
            Kind::TcpConnect { port, result, .. } if *result == ConnectResult::Open => {
                (MoverKind::Connect, format!("TCP {port}"), String::new())
            }
            Kind::TcpConnect { port, result, .. } => {
                let name = match result {
                    ConnectResult::Refused => "connect-refused",
                    ConnectResult::Timeout => "connect-timeout",
                    _ => "connect-unreachable",
                };
                (MoverKind::ConnectFailed(*result), format!("TCP {port}"), self.words.word(name))
            }
            Kind::SmtpTls { version, verified, verdict, .. } => {
                (MoverKind::Tls(*verified), version.to_string(), verdict.to_string())
            }
            Kind::SmtpData { .. } if self.index.facts.is_message(event.id) => {
                let (sender, rcpts) = self.envelope(event);
                (MoverKind::Letter, sender, rcpts)
            }
            _ => return,
        };
        let lane = scene.movers.iter().filter(|mover| (mover.from, mover.to) == (from, to)).count() as u32;
        scene.movers.push(Mover { kind, from, to, part, label, detail, event: event.id, lane });
    }

    /// Puts what is being said into its connection's bubble.
    fn say(&self, event: &Event, speech: Speech, scene: &mut Scene) {
        let Some(session) = super::index::session_of(event) else { return };
        let bubble = match scene.bubbles.iter_mut().position(|bubble| bubble.session == session) {
            Some(at) => &mut scene.bubbles[at],
            None => {
                let Some((client, server)) = self.ends(event) else { return };
                scene.bubbles.push(Bubble { session, client, server, line: None, reply: None });
                let last = scene.bubbles.len() - 1;
                &mut scene.bubbles[last]
            }
        };
        if matches!(event.kind, Kind::SmtpReply { .. }) {
            bubble.reply = Some(speech);
        } else if matches!(event.kind, Kind::SmtpCmd { .. }) {
            // The reply before belongs to the line before.
            (bubble.line, bubble.reply) = (Some(speech), None);
        } else {
            let answered = speech.fresh.filter(|part| *part >= 0.5).map(|part| (part - 0.5) * 2.0);
            bubble.reply = answered.and_then(|part| self.speech(event.id, true, Some(part)));
            bubble.line = Some(speech);
        }
    }

    /// Client and server of an event's connection.
    fn ends(&self, event: &Event) -> Option<(HostId, HostId)> {
        let session = super::index::session_of(event)?;
        let opened = self.index.session_events(session);
        let world = self.session.world();
        opened.iter().filter_map(|id| world.trace().get(*id)).find_map(|opening| {
            let (from, to) = match &opening.kind {
                Kind::SmtpSession { client, server, .. } => (client.ip(), server.ip()),
                Kind::TcpConnect { from, to, .. } => (from.ip(), to.ip()),
                _ => return None,
            };
            let host = |addr: std::net::IpAddr| if addr.is_loopback() { opening.host } else { world.host_of(addr) };
            Some((host(from)?, host(to)?))
        })
    }

    /// The two hosts that an event goes between.
    fn way(&self, event: &Event) -> Option<(HostId, HostId)> {
        let world = self.session.world();
        let host = |addr: std::net::IpAddr| if addr.is_loopback() { event.host } else { world.host_of(addr) };
        match &event.kind {
            Kind::DnsQuery { from, resolver, .. } => Some((host(*from)?, host(*resolver)?)),
            Kind::DnsAnswer { from, to, cached: false, .. } => Some((host(*from)?, host(*to)?)),
            Kind::DnsAnswer { .. } => None,
            Kind::TcpConnect { from, to, sock, result, .. } => {
                // The server has noticed it before.
                let noticed = *result == ConnectResult::Open && self.is_session(*sock);
                let ends = (host(from.ip())?, host(to.ip())?);
                (!noticed).then_some(ends)
            }
            Kind::SmtpReply { .. } => self.ends(event).map(|(client, server)| (server, client)),
            _ => self.ends(event),
        }
    }

    fn is_session(&self, sock: Socket) -> bool {
        let events = self.index.session_events(connection(sock));
        let trace = self.session.world().trace();
        events.iter().any(|id| matches!(trace.get(*id).map(|event| &event.kind), Some(Kind::SmtpSession { .. })))
    }

    /// Sender and recipients that were named before a message.
    fn envelope(&self, event: &Event) -> (String, String) {
        let Some(session) = super::index::session_of(event) else { return Default::default() };
        let trace = self.session.world().trace();
        let events = self.index.session_events(session);
        let before = events.partition_point(|id| *id < event.id);
        let (mut sender, mut rcpts) = (String::new(), Vec::new());
        for event in events[..before].iter().filter_map(|id| trace.get(*id)) {
            let Kind::SmtpCmd { line, .. } = &event.kind else { continue };
            let path = |line: &str| {
                let path = line.split_once(':').map_or("", |(_, path)| path).trim_start();
                path.split(' ').next().unwrap_or_default().to_owned()
            };
            match line.get(..4).map(str::to_ascii_uppercase).as_deref() {
                Some("MAIL") => (sender, rcpts) = (path(line), Vec::new()),
                Some("RCPT") => rcpts.push(path(line)),
                _ => {}
            }
        }
        (sender, rcpts.join(" "))
    }

    fn verdict(&self, event: &Event) -> Option<(HostId, Verdict)> {
        let host = event.host?;
        let verdict = match &event.kind {
            Kind::SmtpReply { code, text, .. } => match code {
                500.. if text.contains("Relay access denied") => Verdict::RelayRefused,
                500.. => Verdict::Refused,
                400.. => Verdict::Later,
                250 if text.contains("queued as") => Verdict::Accepted,
                _ => return None,
            },
            Kind::RouteDecide { class, .. } if class == "default" && self.is_for_strangers(event) => Verdict::OpenRelay,
            Kind::Deliver { status, agent, target, .. } => match status {
                DeliveryStatus::Sent if *agent == crate::trace::Agent::Smtp => Verdict::HandedOver,
                DeliveryStatus::Sent if target.is_empty() => return None,
                DeliveryStatus::Sent => Verdict::Delivered,
                DeliveryStatus::Deferred => Verdict::Later,
                DeliveryStatus::Bounced | DeliveryStatus::Expired => Verdict::Bounced,
                DeliveryStatus::Deliverable | DeliveryStatus::Undeliverable => return None,
            },
            _ => return None,
        };
        Some((host, verdict))
    }

    /// Whether a mail that goes elsewhere came from an outsider.
    fn is_for_strangers(&self, event: &Event) -> bool {
        let trace = self.session.world().trace();
        let mut cause = event.cause;
        while let Some(earlier) = cause.and_then(|id| trace.get(id)) {
            if let Some((client, _)) = self.ends(earlier) {
                let role = self.index.layout.place(client).map(|place| place.role);
                return role == Some(super::layout::Role::Outsider);
            }
            cause = earlier.cause.filter(|id| *id < earlier.id);
        }
        false
    }

    /// The sentence of the step's most telling event.
    fn caption(&self, beat: &Beat, scene: &mut Scene) {
        let millis = |event: &&Event| super::director::millis_of(event, &self.index.facts);
        let shown = self.events(beat).filter(|event| millis(event).is_some());
        // The longest to look at; of those the first.
        let main = shown.rev().max_by_key(|event| millis(event));
        scene.event = main.map(|event| event.id).or(Some(beat.first));
        let Some(event) = main else { return };
        if matches!(event.kind, Kind::Narrate { .. }) {
            return;
        }
        let narrator = Narrator::new(self.session, self.words, &self.index.facts);
        let Some(sentence) = told(&narrator, self.words, event) else { return };
        let text = super::caption::caption(&sentence, event, self.words);
        scene.caption = Some(Caption { text, tone: sentence.tone, event: event.id });
    }
}

/// The services that a host was set up with.
fn services(scenario: &Scenario, host: HostId) -> impl Iterator<Item = &'static str> {
    let host = scenario.hosts.get(host.0 as usize);
    let preset = host.and_then(|host| match host.preset {
        Preset::Workstation | Preset::NoConfiguration => None,
        Preset::DnsServer => Some("named"),
        _ => Some("postfix"),
    });
    let further = host.into_iter().flat_map(|host| &host.services).map(|service| match service {
        Service::Postfix => "postfix",
        Service::Named => "named",
        Service::Dovecot => "dovecot",
        Service::Lmtp => "lmtp",
        Service::Resolver => "unbound",
    });
    let further: Vec<&'static str> = further.filter(|name| Some(*name) != preset).collect();
    preset.into_iter().chain(further)
}

/// The first line of a reply, without a code that is shown apart.
fn first_line(text: &str, code: Option<u16>) -> &str {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let Some(code) = code else { return line };
    line.strip_prefix(&code.to_string()).map_or(line, |rest| rest.trim_start_matches(['-', ' ']))
}

/// A log line without date and host name.
fn short_log(text: &str) -> &str {
    // `Mar  2 08:00:00 mx1 postfix/smtpd[726]: …`
    let mut rest = text;
    for _ in 0..4 {
        rest = rest.trim_start();
        rest = rest.find(' ').map_or("", |at| &rest[at + 1..]);
    }
    if rest.is_empty() { text } else { rest }
}

/// The data of a record: `10 mx1.example.org`.
fn short_record(record: &str, qtype: &str) -> String {
    let fields: Vec<&str> = record.split_whitespace().collect();
    match fields.as_slice() {
        [_, _, kind, data @ ..] if *kind == qtype => data.join(" "),
        [name, _, kind, data @ ..] => format!("{name} {kind} {}", data.join(" ")),
        _ => record.to_owned(),
    }
}

/// What an alias stands for, for those who draw it.
pub use alias::Leaf;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_lose_their_date_and_host() {
        let line = "Mar  2 08:00:00 mx1 postfix/smtpd[726]: connect from a[192.0.2.1]";
        assert_eq!(short_log(line), "postfix/smtpd[726]: connect from a[192.0.2.1]");
        assert_eq!(short_log("odd"), "odd");
    }

    #[test]
    fn records_are_shown_by_their_data() {
        assert_eq!(short_record("example.org 3600 MX 10 fks1.example.org", "MX"), "10 fks1.example.org");
        assert_eq!(short_record("w.example.org 3600 CNAME example.org", "A"), "w.example.org CNAME example.org");
    }

    #[test]
    fn replies_are_shown_by_their_first_line() {
        assert_eq!(first_line("250-mx1\n250 SIZE", Some(250)), "mx1");
        assert_eq!(first_line("2.1.0 Ok", Some(250)), "2.1.0 Ok");
    }
}
