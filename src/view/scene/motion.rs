//! What moves and what is said in a step.

use smol_str::SmolStr;

use super::picture::{Bubble, Letter, Mover, MoverKind, Scene, Speech};
use super::text::{first_line, short_record, without_parameters};
use super::{Painter, TRAIL};
use crate::mail::header::Fields;
use crate::session::story::connection;
use crate::sim::{HostId, Socket};
use crate::trace::{Agent, ConnectResult, DeliveryStatus, Event, EventId, Kind};
use crate::view::director::millis_of;
use crate::view::index::session_of;
use crate::view::standing::Standing;

/// Most records that an answer shows.
const MOST_RECORDS: usize = 4;

impl Painter<'_> {
    pub(super) fn bubbles(&self, standing: &Standing, scene: &mut Scene) {
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
            Kind::SmtpCmd { line, .. } => (None, without_parameters(line)),
            Kind::SmtpReply { code, text, .. } => (Some(*code), first_line(text, Some(*code)).to_owned()),
            Kind::PopCmd { line, reply, .. } | Kind::ImapCmd { line, reply, .. } => {
                (None, first_line(if answer { reply } else { line }, None).to_owned())
            }
            _ => return None,
        };
        Some(Speech { code, text, event: id, fresh })
    }

    /// What moves, or is said, in the present step.
    pub(super) fn present(&self, event: &Event, part: f32, scene: &mut Scene) {
        if let Some(host) = event.host.and_then(|host| scene.cards.get_mut(host.0 as usize)) {
            host.active |= millis_of(event, &self.index.facts).is_some();
        }
        if let Some(speech) = self.speech(event.id, matches!(event.kind, Kind::SmtpReply { .. }), Some(part)) {
            return self.say(event, speech, scene);
        }
        let Some((from, to)) = self.way(event) else { return };
        let Some((kind, label, detail)) = self.moves(event) else { return };
        let letter = matches!(kind, MoverKind::Letter).then(|| self.letter(event));
        let lane = scene.movers.iter().filter(|mover| (mover.from, mover.to) == (from, to)).count() as u32;
        scene.movers.push(Mover { kind, from, to, part, label, detail, letter, event: event.id, lane });
    }

    /// What an event is on the move, with its two lines.
    fn moves(&self, event: &Event) -> Option<(MoverKind, String, String)> {
        Some(match &event.kind {
            Kind::DnsQuery { qname, qtype, .. } => (MoverKind::Question, format!("{qtype} {qname}?"), String::new()),
            Kind::DnsAnswer { qname, qtype, rcode, records, .. } => {
                let data = |record: &SmolStr| short_record(record, qtype);
                let mut shown: Vec<String> = records.iter().take(MOST_RECORDS).map(data).collect();
                if records.len() > MOST_RECORDS {
                    shown.push(format!("… {}", records.len()));
                }
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
                // A server rarely asks for a certificate; the client's verdict is told.
                if verdict == "anonymous" {
                    return None;
                }
                (MoverKind::Tls(*verified), version.to_string(), verdict.to_string())
            }
            Kind::SmtpAuth { mechanism, user, ok, .. } => {
                (MoverKind::Auth(*ok), format!("AUTH {mechanism}"), user.to_string())
            }
            Kind::SmtpData { .. } if self.index.facts.is_message(event.id) => {
                (MoverKind::Letter, String::new(), String::new())
            }
            Kind::Deliver { status: DeliveryStatus::Sent, agent, target, .. } if is_deposit(*agent, target) => {
                (MoverKind::Deposit, target.to_string(), String::new())
            }
            _ => return None,
        })
    }

    /// Puts what is being said into its connection's bubble.
    fn say(&self, event: &Event, speech: Speech, scene: &mut Scene) {
        let Some(session) = session_of(event) else { return };
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
        self.index.ends(self.session.world(), session_of(event)?)
    }

    /// The two hosts that an event goes between.
    pub(super) fn way(&self, event: &Event) -> Option<(HostId, HostId)> {
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
            Kind::Deliver { status: DeliveryStatus::Sent, agent, target, .. } if is_deposit(*agent, target) => {
                event.host.map(|host| (host, host))
            }
            _ => self.ends(event),
        }
    }

    fn is_session(&self, sock: Socket) -> bool {
        let events = self.index.session_events(connection(sock));
        let trace = self.session.world().trace();
        events.iter().any(|id| matches!(trace.get(*id).map(|event| &event.kind), Some(Kind::SmtpSession { .. })))
    }

    /// The envelope that was named before a message, and the letter's header.
    fn letter(&self, event: &Event) -> Letter {
        let (sender, rcpts) = self.envelope(event);
        let mut letter = Letter { sender, rcpts, ..Letter::default() };
        let Kind::SmtpData { bytes, .. } = &event.kind else { return letter };
        for field in Fields::new(bytes) {
            let value = field.unfolded();
            match field.name.to_ascii_lowercase().as_slice() {
                b"from" => letter.from = value,
                b"to" => letter.to = value,
                b"subject" => letter.subject = value,
                b"received" => {
                    let by = value.split_whitespace().skip_while(|word| *word != "by").nth(1);
                    letter.hops.extend(by.map(str::to_owned));
                }
                _ => {}
            }
        }
        // Every host puts its line on top.
        letter.hops.reverse();
        letter
    }

    /// Sender and recipients that were named before a message.
    fn envelope(&self, event: &Event) -> (String, String) {
        let Some(session) = session_of(event) else { return Default::default() };
        let trace = self.session.world().trace();
        let events = self.index.session_events(session);
        let before = events.partition_point(|id| *id < event.id);
        let (mut sender, mut rcpts) = (String::new(), Vec::new());
        for event in events[..before].iter().filter_map(|id| trace.get(*id)) {
            let Kind::SmtpCmd { line, .. } = &event.kind else { continue };
            match line.get(..4).map(str::to_ascii_uppercase).as_deref() {
                Some("MAIL") => (sender, rcpts) = (path_of(line), Vec::new()),
                Some("RCPT") => rcpts.push(path_of(line)),
                _ => {}
            }
        }
        (sender, rcpts.join(" "))
    }
}

/// The path of a MAIL or RCPT line without its brackets.
pub(crate) fn path_of(line: &str) -> String {
    let path = line.split_once(':').map_or("", |(_, path)| path).trim_start();
    let path = path.split(' ').next().unwrap_or_default();
    path.strip_prefix('<').and_then(|path| path.strip_suffix('>')).unwrap_or(path).to_owned()
}

/// Whether a delivery puts mail into a mailbox or a file of its host.
fn is_deposit(agent: Agent, target: &str) -> bool {
    matches!(agent, Agent::Local | Agent::Virtual | Agent::Mailbox | Agent::File) && !target.is_empty()
}
