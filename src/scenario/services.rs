//! Services besides Postfix.

use super::written::Service;
use crate::host::Process;
use crate::host::named::NameServer;
use crate::mailbox::dovecot::Dovecot;
use crate::sim::HostId;
use crate::trace::Actor;
use crate::world::World;

/// Starts a service on a host.
pub(super) fn start(world: &mut World, id: HostId, service: Service) {
    let process: Box<dyn Process> = match service {
        Service::Named => Box::new(NameServer::from_files()),
        Service::Dovecot => Box::new(Dovecot::new()),
        Service::Postfix => return,
    };
    world.start(id, process, Actor::Daemon);
}
