//! What an expansion ends in: the targets that a message is delivered to, in order.

use smol_str::SmolStr;

use super::attributes::Attributes;
use crate::mail::report::Action as DsnAction;
use crate::trace::{DeliveryStatus, Source};

/// What is to be done for one branch of the expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Append to the user's mailbox file: in the spool directory, or at home.
    Mailbox {
        /// The file.
        path: SmolStr,
        /// Whether it lies in `mail_spool_directory`.
        spool: bool,
    },
    /// Deliver into a Maildir.
    Maildir {
        /// Where it is.
        path: SmolStr,
        /// The user's own mailbox, not what an alias or a forward file names.
        own: bool,
    },
    /// Append to a file.
    File(SmolStr),
    /// Run a command.
    Command(SmolStr),
    /// Leave it to another transport, `transport:nexthop`.
    Pass(SmolStr),
    /// Submit it again to that address.
    Forward,
    /// Nothing but a report.
    Report {
        /// What becomes of the recipient.
        status: DeliveryStatus,
        /// Status code.
        dsn: &'static str,
        /// Reason.
        reason: String,
    },
}

/// A target with all that is known about it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address, rights, extension and so on.
    pub attributes: Attributes,
    /// What to do.
    pub action: Action,
}

/// An alias, a forward file or an include file that was expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The name that was looked up, or the user whose file it is.
    pub name: SmolStr,
    /// Where the results stand.
    pub source: Source,
    /// What it expands to.
    pub results: Vec<SmolStr>,
}

/// The outcome of an expansion.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The targets, in order.
    pub targets: Vec<Target>,
    /// Warnings for the log.
    pub warnings: Vec<String>,
    /// What was expanded, in order; only in a full trace.
    pub expanded: Vec<Expanded>,
    /// What a sender who wants to know of success is told of an expanded alias: a list with an owner
    /// counts as a mailbox (RFC 3461 section 5.2.7).
    pub listed: Option<DsnAction>,
}
