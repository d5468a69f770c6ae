//! What the daemons of one running instance share.

use super::log::Logger;

/// Shared by all daemons of an instance: configuration, queue, and the services that are called
/// as functions. Every daemon gets it along with its input.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// The log.
    pub log: Logger,
}
