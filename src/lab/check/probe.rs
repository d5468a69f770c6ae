//! Probes: what the system does when it is tried, in a copy of the world.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::pattern::matches_text;
use super::{Bench, Finding, same, text};
use crate::host::Exit;
use crate::lab::written::Text;
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
    since: u64,
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

    /// Runs a command line to its end; nothing if it does not end or there is no such host.
    pub(super) fn run(&mut self, host: &str, user: &str, line: &str, stdin: &str) -> Option<Exit> {
        let id = self.world.find(host)?;
        let spawn = crate::scenario::login_spawn(self.world.host(id), Some(user), line, stdin);
        let proc = self.world.spawn(id, spawn, Actor::Grader);
        self.wait(id, proc)
    }

    /// Holds an SMTP dialogue; nothing if there is no such host.
    pub(super) fn talk(&mut self, from: &str, to: SocketAddr, lines: &[String]) -> Option<SessionResult> {
        let id = self.world.find(from)?;
        let step = SessionStep::plain(lines.iter().cloned().map(Item::Line).collect());
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

    /// Lets the mail of the trial go its way, and tells what became of it.
    fn outcome(&mut self, nonce: &str) -> Vec<(Fate, EventId)> {
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
        let mut ids: Vec<(HostId, smol_str::SmolStr)> = Vec::new();
        let mut fates: Vec<(Fate, EventId)> = Vec::new();
        let mut open = 0_u64;
        for event in world.trace().since(self.since) {
            let Some(host) = event.host else { continue };
            let ours = |ids: &[(HostId, smol_str::SmolStr)], id: &smol_str::SmolStr| {
                ids.iter().any(|(at, known)| *at == host && known == id)
            };
            match &event.kind {
                Kind::QueueEnter { queue_id, sender, rcpts, .. } => {
                    let named = sender.contains(nonce) || rcpts.iter().any(|rcpt| rcpt.contains(nonce));
                    let caused = self.is_caused(event.id);
                    if (named || caused) && !ours(&ids, queue_id) {
                        ids.push((host, queue_id.clone()));
                        open += 1;
                    }
                }
                Kind::QueueLeave { queue_id, .. } if ours(&ids, queue_id) => open = open.saturating_sub(1),
                Kind::QueueMove { queue_id, queue, .. } if ours(&ids, queue_id) && queue == "deferred" => {
                    open = open.saturating_sub(1);
                }
                Kind::Deliver { queue_id, agent, target, status, uid, rcpt, text, .. } if ours(&ids, queue_id) => {
                    let name = world.name(host).to_string();
                    match (status, agent) {
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

    fn is_caused(&self, id: EventId) -> bool {
        let trace = self.world.trace();
        let mut at = trace.get(id);
        while let Some(event) = at {
            if event.id.0 > self.since && event.cause.is_none() {
                return event.actor == Actor::Grader;
            }
            at = event
                .cause
                .filter(|cause| *cause < event.id && cause.0 > self.since)
                .and_then(|cause| trace.get(cause));
        }
        false
    }

    /// The steps of the decision behind an event or behind what caused it.
    fn why(&self, id: EventId) -> Vec<String> {
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

/// A mail sent by SMTP, and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The client's host.
    pub from: String,
    /// The server: a host, `host:port` or `address:port`.
    pub to: String,
    /// HELO name; the client's full name if missing.
    #[serde(default)]
    pub helo: Option<String>,
    /// Envelope sender; `*` in it is replaced by a word that nobody foresees.
    pub sender: String,
    /// Envelope recipient; likewise.
    pub recipient: String,
    /// What must become of it: each of these must match one [`Fate`] in words, and there must be
    /// no other: `delivered mx1/alice`, `refused RCPT 55*`, `relayed *`, `deferred *`.
    pub becomes: Vec<String>,
}

/// A mail sent with `sendmail` by a user of a host, and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalMail {
    /// The host.
    pub host: String,
    /// The user.
    pub user: String,
    /// The recipient; `*` in it is replaced by a word that nobody foresees.
    pub recipient: String,
    /// As in [`Mail`].
    pub becomes: Vec<String>,
    /// The envelope sender under which it goes on; any if missing.
    #[serde(default)]
    pub sender: Option<String>,
}

/// A word that nobody foresees, different for each place that asks.
fn nonce(bench: &Bench<'_>, place: &str) -> String {
    let mut dice = crate::sim::dice::Dice::new(bench.key, place);
    format!("p{:012x}", dice.next_u64() & 0xffff_ffff_ffff)
}

impl Mail {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = same(self.becomes.join(" + "));
        let nonce = nonce(bench, &format!("{}{}{}{}", self.from, self.to, self.sender, self.recipient));
        let (fates, fork) = self.send(bench, &nonce);
        judge(&fates, &self.becomes, expected, &fork)
    }

    /// Sends it in a copy of the world.
    fn send(&self, bench: &Bench<'_>, nonce: &str) -> (Vec<(Fate, Option<EventId>)>, Fork) {
        let mut fork = Fork::of(bench);
        let Some(server) = fork.server(&self.to, 25) else {
            return (vec![(Fate::NoConnection(format!("{} is no host", self.to)), None)], fork);
        };
        let helo = self.helo.clone().unwrap_or_else(|| {
            fork.world.find(&self.from).map_or(self.from.clone(), |id| fork.world.host(id).fqdn.to_string())
        });
        let (sender, rcpt) = (self.sender.replace('*', nonce), self.recipient.replace('*', nonce));
        let lines = [
            format!("EHLO {helo}"),
            format!("MAIL FROM:<{sender}>"),
            format!("RCPT TO:<{rcpt}>"),
            "DATA".to_owned(),
            format!("From: <{sender}>\r\nTo: <{rcpt}>\r\nSubject: {nonce}\r\n\r\n{nonce}\r\n."),
            "QUIT".to_owned(),
        ];
        let Some(result) = fork.talk(&self.from, server, &lines) else {
            return (vec![(Fate::NoConnection("no answer".into()), None)], fork);
        };
        if let Some(error) = result.error {
            return (vec![(Fate::NoConnection(error), None)], fork);
        }
        if let Some((stage, reply)) = refusal(&result.lines) {
            let event = last_reply(&fork, &reply);
            return (vec![(Fate::Refused { stage, reply }, event)], fork);
        }
        let fates = fork.outcome(nonce);
        let fates = if fates.is_empty() {
            vec![(Fate::Lost, None)]
        } else {
            fates.into_iter().map(|(fate, id)| (fate, Some(id))).collect()
        };
        (fates, fork)
    }
}

/// The first reply that is no success, with the stage that it belongs to.
fn refusal(lines: &[String]) -> Option<(String, String)> {
    let replies = lines.iter().filter(|line| line.as_bytes().get(3) != Some(&b'-'));
    let stages = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "MESSAGE", "QUIT"];
    let mut given = 0;
    for (stage, reply) in stages.into_iter().zip(replies) {
        given += 1;
        if !reply.starts_with(['2', '3']) {
            return Some((stage.to_owned(), reply.clone()));
        }
    }
    (given < 6).then(|| ("CONNECT".to_owned(), "the server closed the connection".to_owned()))
}

fn last_reply(fork: &Fork, reply: &str) -> Option<EventId> {
    let code: u16 = reply.get(..3)?.parse().ok()?;
    let is = |kind: &Kind| matches!(kind, Kind::SmtpReply { code: found, .. } if *found == code);
    fork.world.trace().since(fork.since).filter(|event| is(&event.kind)).map(|event| event.id).next()
}

/// Whether the fates are exactly those that are wanted.
fn judge(fates: &[(Fate, Option<EventId>)], wanted: &[String], expected: Text, fork: &Fork) -> Finding {
    let mut words: Vec<String> = fates.iter().map(|(fate, _)| fate.to_string()).collect();
    words.sort();
    words.dedup();
    let met = wanted.iter().all(|wanted| words.iter().any(|word| matches_text(word, wanted)))
        && words.iter().all(|word| wanted.iter().any(|wanted| matches_text(word, wanted)));
    // The same outcome twice is one too many.
    let once = fates.len() <= wanted.len().max(words.len());
    let actual = if once {
        same(words.join(" + "))
    } else {
        text(format!("{} (more than once)", words.join(" + ")), format!("{} (mehrfach)", words.join(" + ")))
    };
    let why = fates.iter().filter_map(|(_, id)| *id).map(|id| fork.why(id)).find(|why| !why.is_empty());
    Finding { why: why.unwrap_or_default(), ..Finding::new(met && once, expected, actual) }
}

impl LocalMail {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = same(self.becomes.join(" + "));
        let nonce = nonce(bench, &format!("{}{}{}", self.host, self.user, self.recipient));
        let mut fork = Fork::of(bench);
        let rcpt = self.recipient.replace('*', &nonce);
        let letter = format!("Subject: {nonce}\nTo: {rcpt}\n\n{nonce}\n");
        let command = format!("/usr/sbin/sendmail -oi -- '{}'", rcpt.replace('\'', ""));
        let Some(exit) = fork.run(&self.host, &self.user, &command, &letter) else {
            return Finding::new(false, expected, text("sendmail did not end", "sendmail kam nicht zum Ende"));
        };
        if exit.status != 0 {
            let said = String::from_utf8_lossy(&exit.stderr).trim().to_owned();
            return Finding::new(false, expected, same(said));
        }
        let fates: Vec<(Fate, Option<EventId>)> =
            fork.outcome(&nonce).into_iter().map(|(fate, id)| (fate, Some(id))).collect();
        let fates = if fates.is_empty() { vec![(Fate::Lost, None)] } else { fates };
        let finding = judge(&fates, &self.becomes, expected, &fork);
        let Some(wanted) = self.sender.as_ref().filter(|_| finding.ok) else { return finding };
        let senders: Vec<String> = fork
            .world
            .trace()
            .since(fork.since)
            .filter_map(|event| match &event.kind {
                Kind::QueueEnter { sender, .. } if fork.is_caused(event.id) => Some(sender.to_string()),
                _ => None,
            })
            .collect();
        let ok = senders.last().is_some_and(|sender| matches_text(sender, wanted));
        Finding::new(ok, same(format!("MAIL FROM:<{wanted}>")), same(senders.join(", ")))
    }
}

/// A server tried with every form in which a stranger may ask it to relay.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRelay {
    /// The stranger's host.
    pub from: String,
    /// The server: a host, or `host:port`.
    pub to: String,
    /// A domain of the server.
    pub domain: String,
    /// A user in that domain.
    pub user: String,
    /// The address of a third party.
    #[serde(default = "victim")]
    pub victim: String,
}

fn victim() -> String {
    "u@victim.test".into()
}

impl OpenRelay {
    /// Sender, recipient and HELO name of each form.
    fn forms(&self, server: SocketAddr, name: &str) -> Vec<(String, String, Option<String>)> {
        let (domain, victim, addr) = (&self.domain, &self.victim, server.ip());
        let (local, other) = victim.split_once('@').unwrap_or((victim, "victim.test"));
        let outside = "someone@outside.test".to_owned();
        let mut forms: Vec<(String, String, Option<String>)> = [
            outside.clone(),
            String::new(),
            format!("{}@{domain}", self.user),
            format!("nosuchuser@{domain}"),
            "postmaster".to_owned(),
            format!("{}@[{addr}]", self.user),
            format!("{}@{name}", self.user),
        ]
        .into_iter()
        .map(|sender| (sender, victim.clone(), None))
        .collect();
        let recipients = [
            format!("{local}%{other}@{domain}"),
            format!("{local}%{other}@[{addr}]"),
            format!("\"{victim}\""),
            format!("\"{local}%{other}\""),
            format!("\"{victim}\"@{domain}"),
            format!("@{domain}:{victim}"),
            format!("@[{addr}]:{victim}"),
            format!("{other}!{local}"),
            format!("{other}!{local}@{domain}"),
            format!("{other}!{local}@[{addr}]"),
        ];
        forms.extend(recipients.into_iter().map(|rcpt| (outside.clone(), rcpt, None)));
        forms.push((outside, victim.clone(), Some(name.to_owned())));
        forms
    }

    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = text("no form is relayed", "keine Form wird weitergeleitet");
        let fork = Fork::of(bench);
        let Some(server) = fork.server(&self.to, 25) else {
            return Finding::new(false, expected, same(format!("{} ?", self.to)));
        };
        let name = fork.world.host_of(server.ip()).map_or(String::new(), |id| fork.world.host(id).fqdn.to_string());
        let (mut open, mut why, mut greeted) = (Vec::new(), Vec::new(), false);
        for (sender, recipient, helo) in self.forms(server, &name) {
            let mail = Mail {
                from: self.from.clone(),
                to: self.to.clone(),
                helo,
                sender: sender.clone(),
                recipient: recipient.clone(),
                becomes: Vec::new(),
            };
            let (fates, fork) = mail.send(bench, "relaytest");
            greeted |= !fates.iter().any(|(fate, _)| matches!(fate, Fate::NoConnection(_)));
            // Accepting and dropping is closed; handing on, or waiting to, is open.
            let leaves = |fate: &Fate| match fate {
                Fate::Relayed { .. } => true,
                Fate::Deferred { rcpt, .. } => rcpt.ends_with(self.victim.rsplit('@').next().unwrap_or_default()),
                Fate::Delivered { host, .. } => fork.world.find(host) != fork.world.host_of(server.ip()),
                _ => false,
            };
            if let Some((_, event)) = fates.iter().find(|(fate, _)| leaves(fate)) {
                open.push(format!("MAIL FROM:<{sender}> RCPT TO:<{recipient}>"));
                if why.is_empty() {
                    why = event.map(|event| fork.why(event)).unwrap_or_default();
                }
            }
        }
        let actual = if !greeted {
            text("the server does not answer", "der Server antwortet nicht")
        } else if open.is_empty() {
            text("all forms are refused", "alle Formen werden abgewiesen")
        } else {
            let list = open.join("; ");
            text(format!("relayed: {list}"), format!("weitergeleitet: {list}"))
        };
        Finding { why, ..Finding::new(greeted && open.is_empty(), expected, actual) }
    }
}
