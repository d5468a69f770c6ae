//! Daemons that died as they started: master(8) lets each rest for `service_throttle_time`
//! before it starts it again. Who has connected to it waits.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use smol_str::SmolStr;

use crate::sim::{Socket, Time};

/// Who or what waits for a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The connection, accepted by nobody yet.
    pub(super) sock: Socket,
    /// The address that the client connected to.
    pub(super) local: SocketAddr,
    /// The client's address.
    pub(super) peer: SocketAddr,
}

/// A service of master.cf whose daemon rests.
#[derive(Clone, Debug, Default)]
struct Rest {
    until: Time,
    waiting: Vec<Waiting>,
}

/// The services that rest, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Resting(BTreeMap<SmolStr, Rest>);

impl Resting {
    /// Lets a service rest.
    pub(super) fn begin(&mut self, service: &str, until: Time) {
        self.0.entry(service.into()).or_default().until = until;
    }

    /// Whether a service rests.
    pub(super) fn contains(&self, service: &str) -> bool {
        self.0.contains_key(service)
    }

    /// A client waits for a service that rests.
    pub(super) fn wait(&mut self, service: &str, waiting: Waiting) {
        self.0.entry(service.into()).or_default().waiting.push(waiting);
    }

    /// Takes the services whose rest is over, each with who waits for it.
    pub(super) fn rested(&mut self, now: Time) -> Vec<(SmolStr, Vec<Waiting>)> {
        let over: Vec<SmolStr> =
            self.0.iter().filter(|(_, rest)| rest.until <= now).map(|(service, _)| service.clone()).collect();
        over.into_iter().filter_map(|service| Some((service.clone(), self.0.remove(&service)?.waiting))).collect()
    }
}
