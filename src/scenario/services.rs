//! Services besides Postfix.

use super::written::Service;
use crate::sim::HostId;
use crate::world::World;

/// Starts a service on a host.
pub(super) fn start(_world: &mut World, _id: HostId, _service: Service) {}
