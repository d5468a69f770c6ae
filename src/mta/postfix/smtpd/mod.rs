//! smtpd(8): takes mail by SMTP.
//!
//! [`session`] is one client's session on top of the protocol machine, [`commands`] what each
//! command does, [`restrictions`] who may do it.

mod address;
mod authenticate;
mod chunk;
pub mod commands;
pub mod conf;
mod data;
mod envelope;
mod footer;
mod hello;
pub mod limits;
mod lists;
mod notice;
pub mod peer;
pub mod policy;
mod received;
pub mod restrictions;
pub mod sasl;
pub mod session;
pub mod stand_alone;
pub mod tls;
mod xclient;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::config::{Fatal, MasterEntry};
use super::delivery::Outcome;
use super::services::Services;
use super::verify::Status;
use crate::dns::Lookup;
use crate::host::Ctx;
use crate::host::Priority;
use crate::sim::net::NetInput;
use crate::sim::{Payload, Socket};
use crate::trace::DeliveryStatus;
use conf::SmtpdConf;
use session::Session;

/// What sessions are told.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something arrived on a connection.
    Data(Socket, Payload),
    /// The client closed, or the connection broke.
    Lost(Socket),
    /// A time has come; the number is the token without its owner.
    Wake(u64),
    /// A DNS answer; the number is the token without its owner.
    Resolved(u64, Arc<Lookup>),
    /// Something on the connection to a policy server.
    Policy(Socket, NetInput),
}

/// All sessions of an instance, and the services' configurations.
#[derive(Clone, Debug, Default)]
pub struct Smtpd {
    /// Boxed, since sessions are large and the map's nodes are moved.
    sessions: BTreeMap<Socket, Box<Session>>,
    confs: BTreeMap<SmolStr, Arc<SmtpdConf>>,
    /// The sessions of connections to policy servers.
    policies: BTreeMap<Socket, Socket>,
}

/// The owner in the top byte of a token.
const OWNER: u64 = 1 << 56;

impl Smtpd {
    /// Forgets the services' configurations: the next session reads them again.
    pub fn reload(&mut self) {
        self.confs.clear();
    }

    /// Ends all sessions at once, as when Postfix is stopped.
    pub fn stop(&mut self, ctx: &mut Ctx<'_>) {
        for sock in std::mem::take(&mut self.sessions).into_keys() {
            ctx.close(sock);
        }
    }

    /// Whether a socket is one of a session.
    pub fn owns(&self, sock: Socket) -> bool {
        self.sessions.contains_key(&sock)
    }

    /// Whether a socket is one to a policy server.
    pub fn owns_policy(&self, sock: Socket) -> bool {
        self.policies.contains_key(&sock)
    }

    /// The sessions, in order of their sockets.
    pub fn sessions(&self) -> impl Iterator<Item = (&Socket, &Session)> {
        self.sessions.iter().map(|(sock, session)| (sock, &**session))
    }

    /// A client has connected to the service of an entry of `master.cf`.
    ///
    /// # Errors
    /// The daemon cannot start; the client is not served.
    pub fn accepted(
        &mut self,
        entry: &MasterEntry,
        sock: Socket,
        local: SocketAddr,
        peer: SocketAddr,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), Fatal> {
        let conf = self.conf(entry, services, ctx)?;
        let mut session = Box::new(Session::new(conf, sock, local, peer, ctx));
        session.start(services, ctx);
        self.keep(sock, session);
        Ok(())
    }

    fn conf(
        &mut self,
        entry: &MasterEntry,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Arc<SmtpdConf>, Fatal> {
        if let Some(conf) = self.confs.get(&entry.name) {
            let changed = conf.changed_table(ctx.host).map(|table| (table, conf.tag.clone()));
            let Some((table, tag)) = changed else { return Ok(Arc::clone(conf)) };
            services.log.info(ctx, &tag, format_args!("table {table} has changed -- restarting"));
            services.log.forget(&tag);
        }
        let config = Arc::clone(&services.config);
        let tag = format_smolstr!("{}/smtpd", config.service(entry).get("syslog_name"));
        let mut notes = Vec::new();
        let conf = SmtpdConf::load(&config, entry, ctx.host, &mut notes).map(Arc::new);
        services.log.start(ctx, &tag);
        services.log.opened(ctx, &tag, &notes);
        let conf = conf?;
        if config.service(entry).get("local_recipient_maps").contains("proxy:") {
            services.log.start(ctx, "postfix/proxymap");
        }
        self.confs.insert(entry.name.clone(), Arc::clone(&conf));
        Ok(conf)
    }

    /// Hands an event to its session.
    pub fn handle(&mut self, event: Event, services: &mut Services, ctx: &mut Ctx<'_>) {
        let sock = match &event {
            Event::Data(sock, _) | Event::Lost(sock) => *sock,
            Event::Policy(sock, _) => match self.policies.get(sock) {
                Some(session) => *session,
                None => return,
            },
            Event::Wake(token) | Event::Resolved(token, _) => Socket(*token & (OWNER - 1)),
        };
        let Some(session) = self.sessions.get_mut(&sock) else { return };
        let before = session.policy_sock();
        session.handle(event, services, ctx);
        let (after, over) = (session.policy_sock(), session.is_over());
        if let Some(before) = before.filter(|before| Some(*before) != after) {
            self.policies.remove(&before);
        }
        if over {
            self.sessions.remove(&sock);
        } else if let Some(policy) = after {
            self.policies.insert(policy, sock);
        }
    }

    /// An address verification probe has ended. Sessions that wait for it look again by themselves.
    pub fn probed(&mut self, address: &str, outcome: &Outcome, services: &mut Services, ctx: &mut Ctx<'_>) {
        let status = match outcome.status {
            DeliveryStatus::Deliverable | DeliveryStatus::Sent => Status::Deliverable,
            DeliveryStatus::Deferred => Status::Deferred,
            DeliveryStatus::Undeliverable | DeliveryStatus::Bounced | DeliveryStatus::Expired => Status::Undeliverable,
        };
        let text = format!("{} {}", outcome.dsn, outcome.reason);
        services.verify.update(address, status, text, ctx.now);
    }

    fn keep(&mut self, sock: Socket, session: Box<Session>) {
        if !session.is_over() {
            if let Some(policy) = session.policy_sock() {
                self.policies.insert(policy, sock);
            }
            self.sessions.insert(sock, session);
        }
    }
}

/// Logs a fatal error of a daemon, and what master(8) says to it.
fn fail(tag: &str, services: &mut Services, ctx: &mut Ctx<'_>, text: &str) {
    services.log.log(ctx, Priority::Error, tag, format_args!("fatal: {text}"));
    let program = "/usr/lib/postfix/sbin/smtpd";
    let pid = services.log.pid(tag, ctx);
    services.log.warn(ctx, "postfix/master", format_args!("process {program} pid {pid} exit status 1"));
    services.log.warn(ctx, "postfix/master", format_args!("{program}: bad command startup -- throttling"));
}

#[cfg(test)]
mod tests;
