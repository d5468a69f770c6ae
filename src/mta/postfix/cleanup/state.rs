//! The state of one message on its way through cleanup(8).

use std::collections::BTreeSet;
use std::fmt::Arguments;
use std::sync::Arc;

use smol_str::SmolStr;

use super::Flags;
use super::conf::Conf;
use super::status::Status;
use crate::host::{Ctx, Priority};
use crate::mail::header::Names;
use crate::mta::postfix::queue_file::{Attributes, Recipient};
use crate::mta::postfix::services::Services;
use crate::mta::postfix::trivial_rewrite::Context;

/// The syslog tag.
pub const TAG: &str = "postfix/cleanup";

/// One message.
pub struct State<'s, 'c> {
    pub(super) conf: Arc<Conf>,
    pub(super) services: &'s mut Services,
    pub(super) ctx: &'s mut Ctx<'c>,
    pub(super) id: SmolStr,
    pub(super) flags: Flags,
    pub(super) errs: Status,
    /// Enhanced status code and text of a rule.
    pub(super) reason: Option<String>,
    pub(super) attributes: Attributes,
    pub(super) sender: SmolStr,
    pub(super) full_name: SmolStr,
    /// The last recipient seen, for log lines.
    pub(super) last_recipient: Option<SmolStr>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) seen_recipients: BTreeSet<String>,
    /// Recipients that header or body checks add.
    pub(super) extra_bcc: Vec<SmolStr>,
    /// How header addresses are completed; `None` leaves them alone.
    pub(super) header_context: Option<Context>,
    pub(super) headers_seen: Names,
    /// `Resent-` once such a field was seen.
    pub(super) resent: &'static str,
}

impl<'s, 'c> State<'s, 'c> {
    /// A message of which nothing is known yet.
    pub(super) fn new(services: &'s mut Services, ctx: &'s mut Ctx<'c>, id: SmolStr, flags: Flags) -> State<'s, 'c> {
        State {
            conf: services.cleanup.conf.clone(),
            services,
            ctx,
            id,
            flags,
            errs: Status::OK,
            reason: None,
            attributes: Attributes::default(),
            sender: SmolStr::default(),
            full_name: SmolStr::default(),
            last_recipient: None,
            recipients: Vec::new(),
            seen_recipients: BTreeSet::new(),
            extra_bcc: Vec::new(),
            header_context: Some(Context::Local),
            headers_seen: Names::default(),
            resent: "",
        }
    }

    /// Whether the message is still being written.
    pub(super) fn out_ok(&self) -> bool {
        let stop = if self.flags.bounce { self.errs.is_lethal() } else { !self.errs.is_ok() };
        !stop && !self.flags.discard
    }

    /// A line with its own `warning: ` or `error: `.
    pub(super) fn log_line(&mut self, text: Arguments<'_>) {
        self.services.log.log(self.ctx, Priority::Warning, TAG, text);
    }
}

/// Logs a warning of cleanup(8), with arguments that may borrow the state's fields.
macro_rules! warn_of {
    ($state:expr, $($text:tt)*) => {
        $state.services.log.warn($state.ctx, $crate::mta::postfix::cleanup::state::TAG, format_args!($($text)*))
    };
}
/// Logs a line of cleanup(8), with arguments that may borrow the state's fields.
macro_rules! info_of {
    ($state:expr, $($text:tt)*) => {
        $state.services.log.info($state.ctx, $crate::mta::postfix::cleanup::state::TAG, format_args!($($text)*))
    };
}
pub(super) use {info_of, warn_of};
