//! A copy of the world in which something is tried, and what became of mail in it.

use std::net::{IpAddr, SocketAddr};

use smol_str::SmolStr;

use super::Bench;
use super::pattern::root;
use crate::host::Exit;
use crate::scenario::dialogue::{Dialogue, Item, SessionResult, SessionStep};
use crate::sim::{Duration, HostId, ProcId, Time};
use crate::trace::{Actor, Agent, DeliveryStatus, EventId, Kind};
use crate::world::World;

/// Longest time that a probe's command or dialogue may take.
const STEP_LIMIT: Duration = Duration::from_secs(300);
/// Time that mail of a probe is followed for.
const FOLLOW: Duration = Duration::from_secs(600);

/// A copy of the world in which something is tried.
pub(super) struct Fork {
    pub(super) world: World,
    /// Number of events before the trial.
    pub(super) since: u64,
}

impl Fork {
    pub(super) fn of(bench: &Bench<'_>) -> Fork {
        Fork { world: bench.world.clone(), since: bench.world.trace().len() }
    }

    fn wait(&mut self, host: HostId, proc: ProcId) -> Option<Exit> {
        let end = self.world.now() + STEP_LIMIT;
        loop {
            if let Some(exit) = self.world.exited(host, proc) {
                return Some(exit);
            }
            if !self.world.step(end) {
                return None;
            }
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.step(end) {}
    }

    /// Switches a host on or off.
    pub(super) fn power(&mut self, host: &str, up: bool) {
        match self.world.find(host) {
            Some(id) if up => self.world.boot(id),
            Some(id) => self.world.set_up(id, false),
            None => {}
        }
    }

    /// Runs a command line to its end; nothing if it does not end or there is no such host.
    pub(super) fn run(&mut self, host: &str, user: &str, line: &str, stdin: &str) -> Option<Exit> {
        let id = self.world.find(host)?;
        let spawn = crate::scenario::login_spawn(self.world.host(id), Some(user), line, stdin);
        let proc = self.world.spawn(id, spawn, Actor::Grader);
        self.wait(id, proc)
    }

    /// Holds an SMTP dialogue, encrypted from the beginning if it says so; nothing if there is no
    /// such host.
    pub(super) fn talk(&mut self, from: &str, to: SocketAddr, tls: bool, items: Vec<Item>) -> Option<SessionResult> {
        let id = self.world.find(from)?;
        let step = SessionStep { tls, ..SessionStep::plain(items) };
        let proc = self.world.start(id, Box::new(Dialogue::new(&step, None, to)), Actor::Grader);
        let exit = self.wait(id, proc)?;
        serde_json::from_slice(&exit.stdout).ok()
    }

    /// The address and port of `host` or `host:port`; names of hosts or addresses.
    pub(super) fn server(&self, name: &str, port: u16) -> Option<SocketAddr> {
        if let Ok(addr) = name.parse::<SocketAddr>() {
            return Some(addr);
        }
        if let Ok(addr) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(SocketAddr::new(addr, port));
        }
        let (name, port) = match name.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok()?),
            None => (name, port),
        };
        let id = self.world.find(name)?;
        self.world.host(id).addrs.first().map(|addr| SocketAddr::new(*addr, port))
    }

    /// The hosts' addresses that mail for a domain goes to, the preferred first: as the DNS tells
    /// a host.
    pub(super) fn route(&mut self, from: &str, domain: &str, family: Option<Family>) -> Vec<SocketAddr> {
        let lines = |fork: &mut Fork, line: &str| -> Vec<String> {
            let exit = fork.run(from, "root", line, "").unwrap_or_default();
            String::from_utf8_lossy(&exit.stdout).lines().map(str::to_owned).collect()
        };
        let mut exchangers: Vec<(u64, String)> = lines(self, &format!("dig +short MX {domain}"))
            .iter()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(preference, name)| Some((preference.parse().ok()?, name.to_owned())))
            .collect();
        exchangers.sort();
        if exchangers.is_empty() {
            exchangers.push((0, domain.to_owned()));
        }
        let mut addresses = Vec::new();
        for (_, name) in exchangers.iter().filter(|(_, name)| name != ".") {
            for qtype in match family {
                Some(Family::V4) => &["A"][..],
                Some(Family::V6) => &["AAAA"],
                None => &["AAAA", "A"],
            } {
                let found = lines(self, &format!("dig +short {qtype} {name}"));
                addresses.extend(found.iter().filter_map(|line| line.parse::<IpAddr>().ok()));
            }
        }
        addresses.into_iter().map(|addr| SocketAddr::new(addr, 25)).collect()
    }

    /// Lets the mail of the trial go its way, and tells what became of it.
    pub(super) fn outcome(&mut self, nonce: &str) -> Vec<(Fate, EventId)> {
        let end = self.world.now() + FOLLOW;
        let mut queued = 0;
        // Mail that waits for a second attempt has come to its (provisional) end.
        while self.world.step(end) {
            let (fates, open) = self.fates(nonce);
            if !fates.is_empty() && open == 0 && self.is_quiet() {
                return fates;
            }
            queued = queued.max(open);
        }
        self.fates(nonce).0
    }

    /// Whether nothing is due within the next seconds.
    fn is_quiet(&self) -> bool {
        let now = self.world.now();
        self.world.next_time().is_none_or(|next: Time| next > now + Duration::from_secs(2))
    }

    /// What became of mail that names the nonce, and how many messages are still on their way.
    fn fates(&self, nonce: &str) -> (Vec<(Fate, EventId)>, u64) {
        let world = &self.world;
        let ids = self.ids(nonce);
        let mut fates: Vec<(Fate, EventId)> = Vec::new();
        let mut open = 0_u64;
        for event in world.trace().since(self.since) {
            let Some(host) = event.host else { continue };
            let ours = |id: &SmolStr| ids.iter().any(|(at, known)| *at == host && known == id);
            match &event.kind {
                Kind::QueueEnter { queue_id, .. } if ours(queue_id) => open += 1,
                Kind::QueueLeave { queue_id, .. } if ours(queue_id) => open = open.saturating_sub(1),
                Kind::QueueMove { queue_id, queue, .. } if ours(queue_id) && queue == "deferred" => {
                    open = open.saturating_sub(1);
                }
                Kind::Deliver { queue_id, agent, target, status, uid, rcpt, text, .. } if ours(queue_id) => {
                    let name = world.name(host).to_string();
                    match (status, agent) {
                        // Address verification asks, and delivers nothing.
                        (DeliveryStatus::Deliverable | DeliveryStatus::Undeliverable, _) => {}
                        // The copy under a new id is followed instead.
                        (DeliveryStatus::Sent, Agent::Local) if text.starts_with("forwarded as ") => {}
                        (DeliveryStatus::Sent, Agent::Smtp | Agent::Lmtp) => {
                            fates.push((Fate::Relayed { host: name, to: target.to_string() }, event.id));
                        }
                        (DeliveryStatus::Sent, Agent::Discard | Agent::Error) => fates.push((Fate::Lost, event.id)),
                        (DeliveryStatus::Sent, _) => {
                            let accounts = &world.host(host).accounts;
                            let user = accounts.by_uid(*uid).map(|user| user.name.to_string());
                            let fate = Fate::Delivered {
                                host: name,
                                user: user.unwrap_or_default(),
                                target: target.to_string(),
                            };
                            fates.push((fate, event.id));
                        }
                        (DeliveryStatus::Deferred, _) => {
                            fates.push((Fate::Deferred { rcpt: rcpt.to_string(), reason: text.to_string() }, event.id));
                        }
                        _ => fates.push((Fate::Bounced { rcpt: rcpt.to_string(), reason: text.to_string() }, event.id)),
                    }
                }
                _ => {}
            }
        }
        // What was handed on and arrived is told by where it arrived.
        if fates.iter().any(|(fate, _)| !matches!(fate, Fate::Relayed { .. })) {
            fates.retain(|(fate, _)| !matches!(fate, Fate::Relayed { .. }));
        }
        (fates, open)
    }

    /// The mail of the trial by host and queue ID: what names the nonce, what the trial brought in,
    /// and what a server took from one that had it. Servers hand over several mails in one session,
    /// so of what was handed over the session does not tell whose it is.
    fn ids(&self, nonce: &str) -> Vec<(HostId, SmolStr)> {
        let mut ids: Vec<(HostId, SmolStr)> = Vec::new();
        // Each mail that was handed over, with its ID at the next server.
        let mut handed: Vec<(HostId, &SmolStr, &str)> = Vec::new();
        for event in self.world.trace().since(self.since) {
            let (Some(host), Kind::Deliver { queue_id, text, .. }) = (event.host, &event.kind) else { continue };
            let next = text.split_once("queued as ").and_then(|(_, next)| next.split([')', ' ']).next());
            handed.extend(next.map(|next| (host, queue_id, next)));
        }
        loop {
            let known = ids.len();
            for event in self.world.trace().since(self.since) {
                let (Some(host), Kind::QueueEnter { queue_id, sender, rcpts, .. }) = (event.host, &event.kind) else {
                    continue;
                };
                let is_known = |host: HostId, id: &SmolStr| ids.iter().any(|(at, known)| *at == host && known == id);
                let mut givers = handed.iter().filter(|(_, _, next)| *next == queue_id.as_str()).peekable();
                let named = sender.contains(nonce) || rcpts.iter().any(|rcpt| rcpt.contains(nonce));
                let ours = named
                    || match givers.peek() {
                        Some(_) => givers.any(|(host, id, _)| is_known(*host, id)),
                        None => self.is_caused(event.id),
                    };
                if ours && !is_known(host, queue_id) {
                    ids.push((host, queue_id.clone()));
                }
            }
            if ids.len() == known {
                return ids;
            }
        }
    }

    /// Whether the trial led to an event.
    pub(super) fn is_caused(&self, id: EventId) -> bool {
        let trace = self.world.trace();
        let first = root(trace, id);
        first.0 > self.since && trace.get(first).is_some_and(|event| event.actor == Actor::Grader)
    }

    /// The steps of the decision behind an event or behind what caused it.
    pub(super) fn why(&self, id: EventId) -> Vec<String> {
        let trace = self.world.trace();
        let mut at = trace.get(id);
        for _ in 0..4 {
            let Some(event) = at else { break };
            if let Some(why) = &event.why {
                return why.lines();
            }
            at = event.cause.and_then(|cause| trace.get(cause));
        }
        Vec::new()
    }
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It lies in a mailbox, a file, or went into a command.
    Delivered {
        /// Where.
        host: String,
        /// Whose rights were used; empty if unknown.
        user: String,
        /// The file or command.
        target: String,
    },
    /// It was handed to another host and went no further in this world.
    Relayed {
        /// Who handed it on.
        host: String,
        /// To whom.
        to: String,
    },
    /// It waits for another attempt.
    Deferred {
        /// The recipient.
        rcpt: String,
        /// Why.
        reason: String,
    },
    /// The sender was told that it failed.
    Bounced {
        /// The recipient.
        rcpt: String,
        /// Why.
        reason: String,
    },
    /// It vanished.
    Lost,
    /// The server refused it.
    Refused {
        /// The stage: `CONNECT`, `MAIL`, `RCPT`, `DATA`.
        stage: String,
        /// The reply.
        reply: String,
    },
    /// There was no connection.
    NoConnection(String),
}

impl std::fmt::Display for Fate {
    /// Short words as checks use them: `delivered mx1/alice`, `refused RCPT 554 …`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fate::Delivered { host, user, target } if user.is_empty() => write!(f, "delivered {host}:{target}"),
            Fate::Delivered { host, user, .. } => write!(f, "delivered {host}/{user}"),
            Fate::Relayed { host, to } => write!(f, "relayed {host} -> {to}"),
            Fate::Deferred { rcpt, reason } => write!(f, "deferred {rcpt}: {reason}"),
            Fate::Bounced { rcpt, reason } => write!(f, "bounced {rcpt}: {reason}"),
            Fate::Lost => write!(f, "lost"),
            Fate::Refused { stage, reply } => write!(f, "refused {stage} {reply}"),
            Fate::NoConnection(error) => write!(f, "no connection: {error}"),
        }
    }
}
