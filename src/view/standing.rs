//! What stands at a moment: the sum of all events up to it. Clones share what has not changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr as _};

use super::alias::AliasTree;
use crate::scenario::{Scenario, checked};
use crate::session::story::connection;
use crate::sim::{HostId, Socket, Time};
use crate::smtp::diagram::ServerState;
use crate::trace::{Agent, ConnectResult, DeliveryStatus, Event, EventId, Kind};
use crate::world::World;

/// A mail in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The queue: incoming, active, deferred, hold …
    pub queue: SmolStr,
    /// Envelope sender.
    pub sender: SmolStr,
    /// Envelope recipients.
    pub rcpts: Arc<[SmolStr]>,
    /// Since when it is there.
    pub since: Time,
    /// The event that put it there.
    pub event: EventId,
}

/// What became of one mail server in a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It has not been asked.
    Waiting,
    /// It is being asked.
    Trying,
    /// It could not be reached, or refused for now.
    Failed(ConnectResult),
}

/// One server of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Preference and name as chosen: `10 fks1.example.org`.
    pub text: SmolStr,
    /// What became of it.
    pub attempt: Attempt,
}

/// A choice between mail servers that a host is working through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxList {
    /// The event of the choice.
    pub event: EventId,
    /// For which mail.
    pub queue_id: SmolStr,
    /// The domain asked for.
    pub domain: SmolStr,
    /// The servers, best first.
    pub candidates: Vec<Candidate>,
}

/// A host.
#[derive(Clone, Debug, Default)]
pub struct HostStanding {
    /// Whether it is switched off.
    pub down: bool,
    /// Whether its Postfix was stopped.
    pub stopped: bool,
    /// Mails in its queues, by queue id.
    pub queued: BTreeMap<SmolStr, Queued>,
    /// Mails delivered here, by mailbox.
    pub mailboxes: BTreeMap<SmolStr, u64>,
    /// Its last log line.
    pub last_log: Option<EventId>,
    /// The servers it is trying.
    pub mx: Option<Arc<MxList>>,
    /// The aliases it is expanding.
    pub aliases: Option<Arc<AliasTree>>,
}

/// An open connection.
#[derive(Clone, Debug)]
pub struct SessionStanding {
    /// Who opened it.
    pub client: HostId,
    /// Who accepted it.
    pub server: HostId,
    /// The server's port.
    pub port: u16,
    /// The event that opened it.
    pub opened: EventId,
    /// The client's last line.
    pub line: Option<EventId>,
    /// The server's last reply.
    pub reply: Option<EventId>,
    /// Whether it is encrypted, and whether the client was content with the certificate.
    pub tls: Option<bool>,
    /// Who has logged in.
    pub user: Option<SmolStr>,
    /// Where the server is in its state diagram.
    pub state: ServerState,
    /// Whether it is over; it is forgotten with the next event of its host.
    pub closed: bool,
}

/// Everything that stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The last event that it holds.
    pub upto: u64,
    hosts: Vec<Arc<HostStanding>>,
    sessions: BTreeMap<Socket, Arc<SessionStanding>>,
    /// Faults of the network in force, by the event that began them.
    pub faults: Vec<EventId>,
}

impl Standing {
    /// Nothing has happened yet.
    pub fn new(scenario: &Scenario) -> Standing {
        let host = |host: &checked::Host| Arc::new(HostStanding { down: host.off, ..HostStanding::default() });
        Standing { hosts: scenario.hosts.iter().map(host).collect(), ..Standing::default() }
    }

    /// Makes room for hosts that joined.
    pub fn admit(&mut self, cast: &Scenario) {
        self.hosts.resize_with(self.hosts.len().max(cast.hosts.len()), Arc::default);
    }

    /// A host.
    pub fn host(&self, host: HostId) -> Option<&HostStanding> {
        self.hosts.get(host.0 as usize).map(|host| &**host)
    }

    /// The open connections in order.
    pub fn sessions(&self) -> impl Iterator<Item = (Socket, &SessionStanding)> {
        self.sessions.iter().map(|(socket, session)| (*socket, &**session))
    }

    /// An open connection, by either end.
    pub fn session(&self, session: Socket) -> Option<&SessionStanding> {
        self.sessions.get(&connection(session)).map(|session| &**session)
    }

    /// Applies all events up to, not including, one.
    pub fn advance(&mut self, world: &World, end: EventId) {
        for event in world.trace().since(self.upto).take_while(|event| event.id < end) {
            self.event(world, event);
        }
        self.upto = self.upto.max(end.0.saturating_sub(1));
    }

    fn host_mut(&mut self, event: &Event) -> Option<&mut HostStanding> {
        self.hosts.get_mut(event.host?.0 as usize).map(Arc::make_mut)
    }

    fn session_mut(&mut self, session: Socket) -> Option<&mut SessionStanding> {
        self.sessions.get_mut(&connection(session)).map(Arc::make_mut)
    }

    fn open(&mut self, session: Socket, ends: (Option<HostId>, Option<HostId>), port: u16, event: EventId) {
        let (Some(client), Some(server)) = ends else { return };
        // The same connection is noticed at both ends.
        self.sessions.entry(connection(session)).or_insert_with(|| {
            Arc::new(SessionStanding {
                client,
                server,
                port,
                opened: event,
                line: None,
                reply: None,
                tls: None,
                user: None,
                state: ServerState::Connected,
                closed: false,
            })
        });
    }

    fn event(&mut self, world: &World, event: &Event) {
        let end = |addr: std::net::IpAddr| if addr.is_loopback() { event.host } else { world.host_of(addr) };
        match &event.kind {
            Kind::SmtpSession { session, client, server, port } => {
                self.sessions.retain(|_, session| !session.closed);
                self.open(*session, (end(client.ip()), end(server.ip())), *port, event.id);
            }
            Kind::TcpConnect { from, to, port, result, sock } => {
                if *result == ConnectResult::Open {
                    self.open(*sock, (end(from.ip()), end(to.ip())), *port, event.id);
                }
                let name = end(to.ip()).map(|host| world.host(host).fqdn.clone());
                self.tried(event, name.as_deref().unwrap_or_default(), &to.ip().to_smolstr(), *result);
            }
            Kind::TcpClose { sock, .. } => {
                self.sessions.remove(&connection(*sock));
            }
            Kind::SmtpCmd { session, line } => {
                if let Some(session) = self.session_mut(*session) {
                    session.line = Some(event.id);
                    session.state = super::state::after_command(session.state, line);
                }
            }
            Kind::SmtpReply { session, code, .. } => {
                let line = self.session(*session).and_then(|session| session.line);
                let line = line.and_then(|line| world.trace().get(line)).map(|event| &event.kind);
                let verb = match line {
                    Some(Kind::SmtpCmd { line, .. }) => line.as_str(),
                    _ => "",
                };
                if let Some(session) = self.session_mut(*session) {
                    session.reply = Some(event.id);
                    session.state = super::state::after_reply(session.state, verb, *code);
                    session.closed |= matches!(code, 221 | 421);
                }
            }
            Kind::PopCmd { session, line, reply, .. } | Kind::ImapCmd { session, line, reply, .. } => {
                if let Some(session) = self.session_mut(*session) {
                    (session.line, session.reply) = (Some(event.id), Some(event.id));
                    let verb = line.split_whitespace().next_back().unwrap_or_default().to_ascii_uppercase();
                    session.closed |= verb == "QUIT" || verb == "LOGOUT" || reply.starts_with("* BYE");
                }
            }
            Kind::SmtpTls { session, verified, verdict, .. } => {
                if let Some(session) = self.session_mut(*session) {
                    // The client's verdict counts; a server rarely asks for a certificate.
                    let verdict = (verdict != "anonymous").then_some(*verified);
                    session.tls = Some(verdict.or(session.tls).unwrap_or(false));
                    session.state = ServerState::Greeted;
                }
            }
            Kind::SmtpAuth { session, user, ok: true, .. } => {
                if let Some(session) = self.session_mut(*session) {
                    session.user = Some(user.clone());
                }
            }
            Kind::LogLine { text, .. } => {
                if let Some(host) = self.host_mut(event) {
                    host.last_log = Some(event.id);
                    // master(8) says when it begins and when it ends; nothing else does.
                    if text.contains(" postfix/master[") {
                        host.stopped = text.contains(": terminating on signal");
                    }
                }
            }
            Kind::Fault { what } => self.fault(event, what),
            _ => self.mail(event),
        }
    }

    /// What happens to mail on its host.
    fn mail(&mut self, event: &Event) {
        let Some(host) = self.host_mut(event) else { return };
        match &event.kind {
            Kind::QueueEnter { queue_id, queue, sender, rcpts, .. } => {
                let mail = Queued {
                    queue: queue.clone(),
                    sender: sender.clone(),
                    rcpts: rcpts.clone(),
                    since: event.time,
                    event: event.id,
                };
                host.queued.insert(queue_id.clone(), mail);
            }
            Kind::QueueMove { queue_id, queue, .. } => {
                if let Some(mail) = host.queued.get_mut(queue_id) {
                    mail.queue = queue.clone();
                    mail.since = event.time;
                    mail.event = event.id;
                }
                if queue == "deferred" {
                    host.forget(queue_id);
                }
            }
            Kind::QueueLeave { queue_id, .. } => {
                host.queued.remove(queue_id);
                host.forget(queue_id);
            }
            Kind::MxChoose { queue_id, nexthop, candidates } => {
                let waiting = |text: &SmolStr| Candidate { text: text.clone(), attempt: Attempt::Waiting };
                host.mx = Some(Arc::new(MxList {
                    event: event.id,
                    queue_id: queue_id.clone(),
                    domain: nexthop.clone(),
                    candidates: candidates.iter().map(waiting).collect(),
                }));
            }
            Kind::AliasExpand { name, source, results } => {
                let tree = host.aliases.get_or_insert_default();
                Arc::make_mut(tree).add(event.id, name, source, results);
            }
            Kind::Deliver { status: DeliveryStatus::Sent, agent, target, .. } => {
                let kept = matches!(agent, Agent::Local | Agent::Virtual | Agent::Mailbox | Agent::File);
                if kept && !target.is_empty() {
                    *host.mailboxes.entry(target.clone()).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    /// A host has tried to reach another one.
    fn tried(&mut self, event: &Event, name: &str, addr: &str, result: ConnectResult) {
        let Some(list) = self.host_mut(event).and_then(|host| host.mx.as_mut()) else { return };
        let names = |candidate: &Candidate| {
            let server = candidate.text.rsplit(' ').next().unwrap_or_default();
            server == name || server.contains(addr)
        };
        let Some(at) = list.candidates.iter().position(names) else { return };
        if let Some(candidate) = Arc::make_mut(list).candidates.get_mut(at) {
            candidate.attempt = match result {
                ConnectResult::Open => Attempt::Trying,
                failed => Attempt::Failed(failed),
            };
        }
    }

    /// Hosts are switched on and off; everything else is a fault of the network, or its end.
    fn fault(&mut self, event: &Event, what: &str) {
        if let Some(id) = event.host {
            if let Some(host) = self.hosts.get_mut(id.0 as usize) {
                Arc::make_mut(host).down = what == "switched off";
            }
            self.sessions.retain(|_, session| session.client != id && session.server != id);
        } else if what.ends_with(" is repaired") {
            self.faults.pop();
        } else {
            self.faults.push(event.id);
        }
    }
}

impl HostStanding {
    /// Forgets what was shown for a mail that is no longer worked on.
    fn forget(&mut self, queue_id: &str) {
        if self.mx.as_ref().is_some_and(|list| list.queue_id == queue_id) {
            self.mx = None;
        }
        if !self.queued.values().any(|mail| mail.queue == "active") {
            self.aliases = None;
        }
    }
}
