//! How much a world may do: a limit on work, output and memory for worlds that strangers steer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::World;

/// Steps between two looks at what is counted rarely.
const LOOK_EVERY: u64 = 64;

/// What a world may still do. Each clone of a world may do as much as the world still may.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Deliveries to processes: timers, octets, datagrams, exits.
    pub steps: u64,
    /// Events of the trace in all.
    pub events: u64,
    /// Octets in the files of all hosts together, beyond those there are when it is given.
    pub octets: u64,
    /// Set from outside, ends it as well: a shell's own clock runs out.
    pub stop: Arc<AtomicBool>,
}

/// Which part of an allowance was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Too many steps.
    Steps,
    /// Too many events.
    Events,
    /// Too large files.
    Octets,
    /// It was stopped from outside.
    Stopped,
}

/// An allowance with what has been counted.
#[derive(Clone, Debug)]
pub(super) struct Purse {
    allowance: Allowance,
    /// Octets in files when it was given.
    base: u64,
    spent: Option<Spent>,
}

impl World {
    /// Limits what happens from now on. When the allowance is spent nothing happens any more, as
    /// if nothing were due.
    pub fn limit(&mut self, allowance: Allowance) {
        self.purse = Some(Purse { allowance, base: self.octets(), spent: None });
    }

    /// Which part of the allowance is spent.
    pub fn spent(&self) -> Option<Spent> {
        self.purse.as_ref().and_then(|purse| purse.spent)
    }

    /// Octets in the files of all hosts.
    pub fn octets(&self) -> u64 {
        self.hosts().map(|host| host.vfs.used_space()).sum()
    }

    /// Takes one step from the allowance; false if there is none left.
    pub(super) fn may_step(&mut self) -> bool {
        let Some(purse) = &self.purse else { return true };
        if purse.spent.is_some() {
            return false;
        }
        let (left, base, allowance) = (purse.allowance.steps, purse.base, &purse.allowance);
        let spent = if left == 0 {
            Some(Spent::Steps)
        } else if !left.is_multiple_of(LOOK_EVERY) {
            None
        } else if allowance.stop.load(Ordering::Relaxed) {
            Some(Spent::Stopped)
        } else if self.trace().len() > allowance.events {
            Some(Spent::Events)
        } else if self.octets().saturating_sub(base) > allowance.octets {
            Some(Spent::Octets)
        } else {
            None
        };
        let Some(purse) = &mut self.purse else { return true };
        purse.spent = spent;
        purse.allowance.steps = left.saturating_sub(1);
        spent.is_none()
    }
}
