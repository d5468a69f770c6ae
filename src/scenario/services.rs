//! Services besides Postfix.

use super::written::Service;
use crate::host::Process;
use crate::host::named::NameServer;
use crate::host::unbound::RecursiveResolver;
use crate::mailbox::dovecot::Dovecot;
use crate::mailbox::lmtp::LmtpServer;
use crate::sim::{HostId, Listener};
use crate::trace::Actor;
use crate::world::World;

/// Where Dovecot's LMTP server waits for Postfix.
const LMTP_SOCKET: &str = "/var/spool/postfix/private/dovecot-lmtp";
/// Where it waits for the Postfix of other hosts.
const LMTP_PORT: u16 = 24;

/// Starts a service on a host.
pub(super) fn start(world: &mut World, id: HostId, service: Service) {
    let process: Box<dyn Process> = match service {
        Service::Named => Box::new(NameServer::from_files()),
        Service::Dovecot => Box::new(Dovecot::new()),
        Service::Lmtp => Box::new(LmtpServer::new(Listener::Unix(LMTP_SOCKET.into()))),
        Service::LmtpNetwork => Box::new(LmtpServer::new(Listener::Tcp { addr: None, port: LMTP_PORT })),
        Service::Resolver => Box::new(RecursiveResolver::from_files()),
        Service::Postfix => return,
    };
    world.start(id, process, Actor::Daemon);
}
