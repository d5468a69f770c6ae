//! What the daemons of one running instance share.

use std::sync::Arc;

use super::bounce::Bounce;
use super::cleanup::Cleanup;
use super::config::{Config, Fatal, Params};
use super::log::Logger;
use super::queue::Queue;
use super::trivial_rewrite::TrivialRewrite;
use super::verify::Verify;
use crate::host::Host;

/// Shared by all daemons of an instance: configuration, queue, and the services that are called
/// as functions. Every daemon gets it along with its input.
#[derive(Clone, Debug)]
pub struct Services {
    /// `main.cf` and `master.cf` as they were at the last start or reload.
    pub config: Arc<Config>,
    /// The log.
    pub log: Logger,
    /// The queue.
    pub queue: Queue,
    /// trivial-rewrite(8).
    pub rewrite: TrivialRewrite,
    /// cleanup(8).
    pub cleanup: Cleanup,
    /// bounce(8).
    pub bounce: Bounce,
    /// verify(8).
    pub verify: Verify,
}

impl Services {
    /// The services of a configuration, with the overrides of their lines in `master.cf`.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(config: Arc<Config>, queue: Queue, log: Logger, host: &Host) -> Result<Services, Fatal> {
        let (rewrite, cleanup, bounce, verify) = {
            let params = |name: &str| -> Params<'_> {
                match config.master.unix(name) {
                    Some(entry) => config.service(entry),
                    None => config.global(),
                }
            };
            (
                TrivialRewrite::load(&params("rewrite"), host)?,
                Cleanup::load(&params("cleanup"))?,
                Bounce::load(&params("bounce"))?,
                Verify::load(&params("verify"))?,
            )
        };
        Ok(Services { config, log, queue, rewrite, cleanup, bounce, verify })
    }
}
