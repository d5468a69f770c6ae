//! cleanup(8): takes a message from smtpd(8), pickup(8), local(8) or bounce(8), completes and rewrites
//! it, and puts it into the queue.

mod bodies;
mod checks;
mod conf;
mod envelope;
mod maps;
mod message;
mod overrides;
mod post_mail;
mod state;
mod status;

use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use smol_str::SmolStr;

use super::bounce::{self, LogKind};
use super::config::{Fatal, Params};
use super::milter::{Fallback, HOLD};
use super::queue_file::{Attributes, QueueFile, QueueName, Recipient, Ret};
use super::services::Services;
use super::trivial_rewrite::Context;
use crate::host::Ctx;
use crate::mail::address;
use crate::mail::date::DateCache;
use crate::mail::dsn;
use crate::sim::Time;
use crate::trace::Via;
use bodies::Bodies;
use conf::Conf;
pub use envelope::MAILER_DAEMON;
pub use message::record_size;
pub use overrides::ReceiveOverrides;
pub use post_mail::{Notice, abandon_notice, post_mail};
use state::{State, info_of, warn_of};
pub use status::{CleanupError, Status};

#[cfg(test)]
mod tests;

/// What is to be done with a message (the `CLEANUP_FLAG_` bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Apply header and body checks.
    pub filter: bool,
    /// Apply canonical and virtual alias tables.
    pub map: bool,
    /// Add the automatic copies (`always_bcc` and the like).
    pub bcc: bool,
    /// Bounce a message that cannot be taken, instead of refusing it.
    pub bounce: bool,
    /// Put it on hold.
    pub hold: bool,
    /// Accept it and throw it away.
    pub discard: bool,
    /// The same, but only when all of it was looked at.
    pub discard_at_end: bool,
    /// Find out whether it needs SMTPUTF8.
    pub detect_smtputf8: bool,
    /// Mail filters may want to change it.
    pub milters: bool,
}

/// Octets that cleanup(8) leaves free in the queue file for what mail filters change.
const MILTER_ROOM: u64 = 38;

impl Flags {
    /// For mail from outside, by SMTP or by the `sendmail` command (`CLEANUP_MASK_EXTERNAL`).
    pub const EXTERNAL: Flags = Flags {
        filter: true,
        map: true,
        bcc: true,
        bounce: false,
        hold: false,
        discard: false,
        discard_at_end: false,
        detect_smtputf8: false,
        milters: false,
    };
    /// For mail that Postfix makes itself (`CLEANUP_MASK_INTERNAL`).
    pub const INTERNAL: Flags = Flags { filter: false, bcc: false, ..Flags::EXTERNAL };
}

/// A message to be taken.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The queue id, reserved before.
    pub id: SmolStr,
    /// When it came in.
    pub arrival: Time,
    /// Envelope sender in internal form; empty for the null sender.
    pub sender: SmolStr,
    /// The sender's full name for a missing `From:`; empty if unknown.
    pub full_name: SmolStr,
    /// Envelope recipients in internal form; `original` as `orig_to=` is to show it.
    pub recipients: Vec<Recipient>,
    /// How it came in.
    pub attributes: Attributes,
    /// The content, lines ending with LF, with the `Received:` line of the program that took it.
    pub content: Bytes,
    /// By which way it came.
    pub via: Via,
    /// What is to be done with it.
    pub flags: Flags,
}

/// The service: its parameters, the dates of the present second, and the bodies seen lately.
#[derive(Clone, Debug)]
pub struct Cleanup {
    conf: Arc<Conf>,
    dates: DateCache,
    bodies: Bodies,
    started: bool,
}

impl Cleanup {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>) -> Result<Cleanup, Fatal> {
        let conf = Arc::new(Conf::load(params)?);
        Ok(Cleanup { conf, dates: DateCache::default(), bodies: Bodies::default(), started: false })
    }

    /// A moment as header fields show it.
    pub fn date(&mut self, time: Time, zone: &TimeZone) -> SmolStr {
        self.dates.rfc5322(time, zone)
    }
}

/// Takes a message. Returns its queue id, also if it was bounced or discarded.
///
/// # Errors
/// The message is not taken; the reserved queue id is given up.
pub fn submit(submission: Submission, services: &mut Services, ctx: &mut Ctx<'_>) -> Result<SmolStr, CleanupError> {
    let conf = services.cleanup.conf.clone();
    if !std::mem::replace(&mut services.cleanup.started, true) {
        services.log.start(ctx, state::TAG);
        services.log.start(ctx, "postfix/trivial-rewrite");
        services.log.opened(ctx, state::TAG, &conf.problems(ctx.host));
    }
    let Submission { id, arrival, sender, full_name, recipients, attributes, content, via, flags } = submission;
    let content = if conf.replace_stray_cr_lf { without_stray_cr(content) } else { content };
    let header_context = match attributes.rewrite_context.as_str() {
        "remote" if conf.rewriter.remote_domain.is_empty() => None,
        "remote" => Some(Context::Remote),
        _ => Some(Context::Local),
    };
    let mut state = State {
        attributes,
        full_name,
        header_context,
        recipients: Vec::with_capacity(recipients.len()),
        ..State::new(services, ctx, id.clone(), flags)
    };
    state.take_sender(&sender);
    if via == Via::Pickup {
        state.call_milters(&conf);
    }
    for recipient in recipients {
        if state.out_ok() {
            state.take_recipient(recipient);
        }
    }
    let mut message = if state.out_ok() { state.take_message(&content) } else { Default::default() };
    message.body = state.services.cleanup.bodies.share(message.body);
    if state.out_ok() {
        state.add_automatic_copies();
    }
    let milters = flags.milters || via == Via::Pickup && !conf.non_smtpd_milters.is_empty();
    let room = if milters { MILTER_ROOM } else { 0 };
    let size = record_size(&message, conf.line_length_limit) + room;
    if state.out_ok() {
        if state.last_recipient.is_none() {
            state.errs |= Status::RCPT;
        } else if conf.message_size_limit > 0 && size > conf.message_size_limit {
            warn_of!(state, "{}: queue file size limit exceeded", state.id);
            state.errs |= Status::SIZE;
        }
    }
    state.finish(arrival, message, size, via)
}

/// Content in which each CR that ends no line is a space, so that no other server takes it for the
/// end of a line.
fn without_stray_cr(content: Bytes) -> Bytes {
    if memchr::memchr(b'\r', &content).is_none() {
        return content;
    }
    content.iter().map(|octet| if *octet == b'\r' { b' ' } else { *octet }).collect()
}

impl State<'_, '_> {
    /// Calls the mail filters for mail that does not come by SMTP (`non_smtpd_milters`).
    fn call_milters(&mut self, conf: &Conf) {
        let (warnings, fallback) = conf.non_smtpd_milters.call(self.ctx.host);
        for warning in warnings {
            warn_of!(self, "{warning}");
        }
        let (what, text) = match &fallback {
            None => return,
            Some(Fallback::Hold) => ("milter-hold", HOLD),
            Some(Fallback::Refuse(refusal)) => ("milter-reject", refusal.text),
        };
        let sender = &self.sender;
        info_of!(self, "{}: {what}: CONNECT from localhost[127.0.0.1]: {text}; from=<{sender}>", self.id);
        let Some(Fallback::Refuse(refusal)) = fallback else {
            self.flags.hold = true;
            return;
        };
        self.errs |= if refusal.is_permanent() { Status::CONT } else { Status::DEFER };
        self.reason = Some(text.to_owned());
    }

    fn add_automatic_copies(&mut self) {
        if self.flags.bcc && !self.conf.always_bcc.is_empty() {
            let address = self.conf.always_bcc.clone();
            self.add_bcc(&address);
        }
        for address in std::mem::take(&mut self.extra_bcc) {
            self.add_bcc(&address);
        }
    }

    /// Puts the message into the queue, or bounces, discards or refuses it.
    fn finish(
        self,
        arrival: Time,
        message: super::queue_file::Message,
        size: u64,
        via: Via,
    ) -> Result<SmolStr, CleanupError> {
        let State { conf, services, ctx, id, flags, errs, reason, mut attributes, sender, recipients, .. } = self;
        if flags.discard || flags.discard_at_end {
            services.queue.release(&id, ctx);
            return Ok(id);
        }
        if flags.detect_smtputf8 && conf.smtputf8_enable {
            attributes.smtputf8 |= !message.header.is_ascii()
                || !sender.is_ascii()
                || recipients.iter().any(|recipient| !recipient.address.is_ascii());
        }
        let file = QueueFile {
            id: id.clone(),
            arrival,
            sender,
            recipients,
            attributes: Arc::new(attributes),
            message,
            size,
            next_attempt: arrival,
            warn_at: conf.delay_warning.map(|span| arrival + span),
            forced_expire: false,
            cause: None,
        };
        if errs.is_ok() {
            let queue = if flags.hold { QueueName::Hold } else { QueueName::Incoming };
            return match services.queue.enter(file, queue, via, ctx) {
                Ok(_) => Ok(id),
                Err(_) => {
                    services.queue.release(&id, ctx);
                    Err(CleanupError { status: Status::WRITE, reason: None })
                }
            };
        }
        if flags.bounce && !errs.is_lethal() {
            let returned = bounce_now(&file, errs, reason.as_deref(), services, ctx);
            services.queue.release(&id, ctx);
            return returned.map(|()| id);
        }
        services.queue.release(&id, ctx);
        Err(CleanupError { status: errs, reason })
    }
}

/// Returns a message that will not be queued (`cleanup_bounce.c`).
fn bounce_now(
    file: &QueueFile,
    errs: Status,
    reason: Option<&str>,
    services: &mut Services,
    ctx: &mut Ctx<'_>,
) -> Result<(), CleanupError> {
    let (_, default, text) = errs.detail();
    let (code, text) = reason.map_or((default, text), |reason| dsn::split(default, reason));
    let delay = bounce::seconds(ctx.now.since(file.arrival));
    for recipient in &file.recipients {
        let orig = match recipient.original == recipient.address {
            true => String::new(),
            false => format!(", orig_to=<{}>", address::quote(&recipient.original)),
        };
        services.log.info(
            ctx,
            state::TAG,
            format_args!(
                "{}: to=<{}>{orig}, relay=none, delay={delay}, delays={delay}/0/0/0, dsn={code}, status=bounced ({text})",
                file.id,
                address::quote(&recipient.address)
            ),
        );
        let entry = bounce::Entry::failed(recipient, code, text);
        let appended = bounce::append_entry(services, LogKind::Bounce, &file.id, entry, ctx);
        appended.map_err(|_| CleanupError { status: Status::WRITE, reason: None })?;
    }
    // The queue file has no size yet, and bounce(8) then returns the header only.
    let attributes = Attributes { dsn_ret: Some(Ret::Headers), ..(*file.attributes).clone() };
    let file = QueueFile { attributes: Arc::new(attributes), ..file.clone() };
    bounce::flush(services, &file, ctx)
}
