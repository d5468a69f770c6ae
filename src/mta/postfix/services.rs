//! What the daemons of one running instance share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::anvil::Anvil;
use super::bounce::Bounce;
use super::cleanup::Cleanup;
use super::config::{Config, Fatal, Params, limits};
use super::log::Logger;
use super::queue::Queue;
use super::trivial_rewrite::TrivialRewrite;
use super::verify::Verify;
use crate::host::Host;

/// A daemon that others call as a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Daemon {
    /// trivial-rewrite(8).
    Rewrite,
    /// cleanup(8).
    Cleanup,
    /// bounce(8).
    Bounce,
    /// verify(8).
    Verify,
}

impl Daemon {
    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Daemon::Rewrite => "trivial-rewrite",
            Daemon::Cleanup => "cleanup",
            Daemon::Bounce => "bounce",
            Daemon::Verify => "verify",
        }
    }

    /// Its service in master.cf.
    pub fn service(self) -> &'static str {
        match self {
            Daemon::Rewrite => "rewrite",
            other => other.program(),
        }
    }
}

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
    /// anvil(8).
    pub anvil: Anvil,
    /// Daemons that cannot start, with the reason; the values above are then those of defaults,
    /// and nobody gets an answer.
    broken: BTreeMap<Daemon, LastWords>,
    wanted: BTreeSet<Daemon>,
}

impl Services {
    /// The services of a configuration, with the overrides of their lines in `master.cf`.
    ///
    /// # Errors
    /// The defaults have no valid value either.
    pub fn load(config: Arc<Config>, queue: Queue, log: Logger, host: &Host) -> Result<Services, Fatal> {
        let mut broken = BTreeMap::new();
        let defaults = config.defaults();
        let mut load = Load { config: &config, defaults: &defaults, broken: &mut broken };
        let rewrite = load.daemon(Daemon::Rewrite, |params| TrivialRewrite::load(params, host))?;
        let cleanup = load.daemon(Daemon::Cleanup, Cleanup::load)?;
        let bounce = load.daemon(Daemon::Bounce, |params| Bounce::load(params, host))?;
        let verify = load.daemon(Daemon::Verify, Verify::load)?;
        let anvil = Anvil::load(&config.of("anvil")).or_else(|_| Anvil::load(&defaults.global()))?;
        Ok(Services { config, log, queue, rewrite, cleanup, bounce, verify, anvil, broken, wanted: BTreeSet::new() })
    }

    /// Whether a daemon answers. If it cannot start, master(8) will say so.
    pub fn answers(&mut self, daemon: Daemon) -> bool {
        if self.broken.is_empty() || !self.broken.contains_key(&daemon) {
            return true;
        }
        self.wanted.insert(daemon);
        false
    }

    /// The daemons that were asked for and cannot start, each with what it says.
    pub fn unanswered(&mut self) -> Vec<(Daemon, LastWords)> {
        let wanted = std::mem::take(&mut self.wanted);
        wanted.into_iter().filter_map(|daemon| Some((daemon, self.broken.get(&daemon)?.clone()))).collect()
    }
}

/// What a daemon logs that cannot start; the last line is its fatal error.
pub type LastWords = Arc<[String]>;

/// Starts a daemon: checks the parameters that its program reads, then loads it.
///
/// # Errors
/// What it logs instead.
pub fn start<T>(program: &str, params: &Params<'_>, load: impl FnOnce() -> Result<T, Fatal>) -> Result<T, LastWords> {
    let mut words = Vec::new();
    limits::check(program, params, &mut words).and_then(|()| load()).map_err(|fatal| {
        words.push(format!("fatal: {fatal}"));
        words.into()
    })
}

/// Loads daemons; one that has no valid configuration gets that of the defaults.
struct Load<'a> {
    config: &'a Config,
    defaults: &'a Config,
    broken: &'a mut BTreeMap<Daemon, LastWords>,
}

impl Load<'_> {
    fn daemon<T>(&mut self, daemon: Daemon, load: impl Fn(&Params<'_>) -> Result<T, Fatal>) -> Result<T, Fatal> {
        let params = self.config.of(daemon.service());
        match start(daemon.program(), &params, || load(&params)) {
            Ok(loaded) => Ok(loaded),
            Err(words) => {
                self.broken.insert(daemon, words);
                load(&self.defaults.global())
            }
        }
    }
}
