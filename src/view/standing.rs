//! What stands at a moment: the sum of all events up to it. Clones share what has not changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr as _};

use super::alias::AliasTree;
use super::choice::MxList;
use super::layout::Role;
use super::probes::{Probe, Probes};
use super::state::verb_of;
use crate::scenario::{Scenario, checked};
use crate::session::story::connection;
use crate::sim::{HostId, Socket, Time};
use crate::smtp::diagram::ServerState;
use crate::trace::{Agent, ConnectResult, DeliveryStatus, Event, EventId, Kind, Via};
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
    /// Whether the aliases are those of mail that was dealt with.
    settled: bool,
    /// What outsiders tried it with.
    pub probes: Arc<Probes>,
    /// The last verdict of its restrictions.
    policy: Option<EventId>,
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
    /// The line that named the sender.
    pub mail: Option<EventId>,
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
    /// Which hosts are outsiders.
    outsiders: Arc<[bool]>,
}

impl Standing {
    /// Nothing has happened yet.
    pub fn new(scenario: &Scenario) -> Standing {
        let host = |host: &checked::Host| Arc::new(HostStanding { down: host.off, ..HostStanding::default() });
        let outsiders = (0..scenario.hosts.len()).map(|host| Role::of(scenario, host) == Role::Outsider);
        Standing {
            hosts: scenario.hosts.iter().map(host).collect(),
            outsiders: outsiders.collect(),
            ..Standing::default()
        }
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
                mail: None,
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
            Kind::SmtpCmd { session, line } => {
                if let Some(session) = self.session_mut(*session) {
                    session.line = Some(event.id);
                    if verb_of(line) == "MAIL" {
                        session.mail = Some(event.id);
                    }
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
                self.probe(world, event, *session, verb, *code);
                if let Some(session) = self.session_mut(*session) {
                    session.reply = Some(event.id);
                    session.state = super::state::after_reply(session.state, verb, *code);
                    session.closed |= matches!(code, 221 | 421);
                }
            }
            Kind::PolicyVerdict { .. } => {
                if let Some(host) = self.host_mut(event) {
                    host.policy = Some(event.id);
                }
            }
            Kind::ConfigLoad { .. } => {
                if let Some(host) = self.host_mut(event) {
                    host.probes = Arc::default();
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

    /// What an outsider learns from a reply: a recipient that is asked for is a probe unless its message follows.
    fn probe(&mut self, world: &World, event: &Event, session: Socket, verb: &str, code: u16) {
        let Some(open) = self.session(session) else { return };
        if !self.outsiders.get(open.client.0 as usize).copied().unwrap_or(false) {
            return;
        }
        let (Some(line), Some(mail), server) = (open.line, open.mail, open.server) else { return };
        let Some(host) = self.hosts.get_mut(server.0 as usize) else { return };
        match verb_of(verb).as_str() {
            "RCPT" => {
                let verdict = host.policy.and_then(|id| world.trace().get(id)).filter(|verdict| verdict.id > line);
                let trusted = verdict.is_some_and(|verdict| match &verdict.kind {
                    Kind::PolicyVerdict { restriction, action, .. } => action == "permit" && !restriction.is_empty(),
                    _ => false,
                });
                let probe = Probe { mail, rcpt: line, reply: event.id, code, relays: code < 300 && trusted };
                Arc::make_mut(&mut Arc::make_mut(host).probes).add(probe);
            }
            "DATA" if code < 400 => Arc::make_mut(&mut Arc::make_mut(host).probes).sent(),
            "MAIL" | "RSET" | "QUIT" => Arc::make_mut(&mut Arc::make_mut(host).probes).given_up(),
            _ => {}
        }
    }

    /// What happens to mail on its host.
    fn mail(&mut self, event: &Event) {
        let Some(host) = self.host_mut(event) else { return };
        match &event.kind {
            Kind::QueueEnter { queue_id, queue, sender, rcpts, via } => {
                host.forget(*via);
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
                    host.settle(queue_id);
                }
            }
            Kind::QueueLeave { queue_id, .. } => {
                host.queued.remove(queue_id);
                host.settle(queue_id);
            }
            Kind::MxChoose { queue_id, nexthop, candidates } => {
                host.mx = Some(Arc::new(MxList::new(event.id, queue_id, nexthop, candidates)));
            }
            Kind::AliasExpand { name, source, results } => {
                if std::mem::take(&mut host.settled) {
                    host.aliases = None;
                }
                let tree = host.aliases.get_or_insert_default();
                Arc::make_mut(tree).add(event.id, name, source, results);
            }
            Kind::Deliver { queue_id, status: DeliveryStatus::Bounced | DeliveryStatus::Expired, .. } => {
                if let Some(list) = host.mx.as_mut().filter(|list| list.queue_id == *queue_id) {
                    Arc::make_mut(list).refused();
                }
            }
            Kind::Deliver { queue_id, status: DeliveryStatus::Sent, agent, target, .. } => {
                if let Some(list) = host.mx.as_mut().filter(|list| list.queue_id == *queue_id) {
                    Arc::make_mut(list).won(target);
                }
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
        if let Some(list) = self.host_mut(event).and_then(|host| host.mx.as_mut()) {
            Arc::make_mut(list).tried(name, addr, result);
        }
    }

    /// Hosts are switched on and off; other faults are those of the network.
    fn fault(&mut self, event: &Event, what: &str) {
        let Some(id) = event.host else { return };
        if let Some(host) = self.hosts.get_mut(id.0 as usize) {
            Arc::make_mut(host).down = what == "switched off";
        }
        self.sessions.retain(|_, session| session.client != id && session.server != id);
    }
}

impl HostStanding {
    /// Whether the aliases are those of mail that was dealt with.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// A mail is no longer worked on; what was shown for it stays until the next one comes.
    fn settle(&mut self, queue_id: &str) {
        if let Some(list) = self.mx.as_mut().filter(|list| list.queue_id == queue_id) {
            Arc::make_mut(list).end();
        }
        self.settled = !self.queued.values().any(|mail| mail.queue == "active");
    }

    /// A new mail comes; what was shown for earlier ones goes. Forwarded mail is the same one still.
    fn forget(&mut self, via: Via) {
        if via == Via::Forward {
            return;
        }
        if self.mx.as_ref().is_some_and(|list| list.over) {
            self.mx = None;
        }
        if self.settled {
            self.aliases = None;
        }
    }
}
