//! A request that local(8) works on: its targets one after the other, with commands, timers and
//! locks in between.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::forward::Forward;
use super::plan::Target;
use crate::mta::postfix::delivery::{Done, Request};
use crate::sim::{ProcId, Time};

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A command.
    Command {
        /// Its process.
        child: ProcId,
        /// When it is killed.
        deadline: Time,
    },
    /// A mailbox that somebody else has locked.
    Lock {
        /// Attempts left.
        attempts: u64,
        /// When the next is due.
        at: Time,
    },
}

/// A request and how far it came.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub request: Request,
    /// When it began.
    pub started: Time,
    /// Which of the request's recipients is being worked on.
    pub recipient: usize,
    /// What is left of its plan; the first is what is waited for.
    pub targets: VecDeque<Target>,
    /// Mail to be sent on when the plan is done.
    pub forwards: Vec<Forward>,
    /// Whether a target of this recipient was deferred: then nothing is sent on.
    pub deferred: bool,
    /// Whether the sender is told of its expansion, and not of each success.
    pub listed: bool,
    /// Lower-case addresses of the message's `Delivered-To:` lines.
    pub delivered_to: Vec<SmolStr>,
    pub wait: Option<Wait>,
    pub done: Done,
}
