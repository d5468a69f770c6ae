//! virtual(8): delivery to mailboxes of users without accounts, found in tables.

use smol_str::{SmolStr, StrExt as _, format_smolstr};

use super::config::{Fatal, Params};
use super::delivery::{Diagnostic, Done, Outcome, Request, Step, Times};
use super::mail_copy::{self, Envelope, Style};
use super::maps::{AddressFinder, LookupError, Maps, Strategy, mail_addr_find};
use super::mbox_open::{self, Failure, Locking, Open, dot_locks};
use super::queue_file::Recipient;
use super::services::Services;
use crate::host::Ctx;
use crate::host::vfs::Cred;
use crate::mail::date::DateCache;
use crate::mta::postfix::local::delivered_to;
use crate::sim::Duration;
use crate::trace::{Agent, Decision, DeliveryStatus, Source};

/// The delivery agent of one service line in master.cf.
#[derive(Clone, Debug)]
pub struct Virtual {
    conf: VirtualConf,
    tag: SmolStr,
    dates: DateCache,
}

/// The parameters of virtual(8).
#[derive(Clone, Debug)]
pub struct VirtualConf {
    finder: AddressFinder,
    mailbox_base: SmolStr,
    mailbox_maps: Maps,
    uid_maps: Maps,
    gid_maps: Maps,
    minimum_uid: u64,
    mailbox_limit: u64,
    strict_mailbox_ownership: bool,
    enable_original_recipient: bool,
    dot_lock: bool,
    stale_lock_time: Duration,
}

impl VirtualConf {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value, or two contradict each other.
    pub fn load(params: &Params<'_>) -> Result<VirtualConf, Fatal> {
        let conf = VirtualConf {
            finder: AddressFinder::load(params)?,
            mailbox_base: params.get("virtual_mailbox_base"),
            mailbox_maps: params.maps("virtual_mailbox_maps")?,
            uid_maps: params.maps("virtual_uid_maps")?,
            gid_maps: params.maps("virtual_gid_maps")?,
            minimum_uid: params.int("virtual_minimum_uid")?,
            mailbox_limit: params.int("virtual_mailbox_limit")?,
            strict_mailbox_ownership: params.bool("strict_mailbox_ownership")?,
            enable_original_recipient: params.bool("enable_original_recipient")?,
            dot_lock: dot_locks(params, "virtual_mailbox_lock")?,
            stale_lock_time: params.time("stale_lock_time")?,
        };
        let message_size_limit = params.int("message_size_limit")?;
        let limit = conf.mailbox_limit;
        if limit > 0 && (limit < message_size_limit || message_size_limit == 0) {
            let text = "configuration error: virtual_mailbox_limit is smaller than message_size_limit";
            return Err(Fatal(text.into()));
        }
        Ok(conf)
    }
}

/// Where a recipient's mail goes, and with whose rights.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mailbox {
    path: SmolStr,
    cred: Cred,
}

/// What happened with one recipient.
struct Verdict {
    status: DeliveryStatus,
    failure: Failure,
    mailbox: Option<Mailbox>,
}

impl Virtual {
    /// An agent that logs as `tag` (`postfix/virtual`).
    pub fn new(conf: VirtualConf, tag: impl Into<SmolStr>) -> Virtual {
        Virtual { conf, tag: tag.into(), dates: DateCache::default() }
    }

    /// Delivers; nothing is waited for.
    pub fn start(&mut self, request: &Request, services: &mut Services, ctx: &mut Ctx<'_>) -> Step {
        let seen = delivered_to(&request.file.message.header);
        let mut done = Done::default();
        for (index, address) in &request.recipients {
            let Some(recipient) = request.file.recipients.get(*index) else { continue };
            let mut why = ctx.trace.is_full().then(|| Decision::about(format!("which mailbox has {address}?")));
            let Verdict { status, failure, mailbox } = if seen.contains(&address.to_lowercase_smolstr()) {
                bounced("5.4.6", format!("mail forwarding loop for {address}"))
            } else {
                self.deliver(request, address, recipient, &mut why, services, ctx)
            };
            let times = Times { started: ctx.now, connected: ctx.now, done: ctx.now };
            let probe = request.file.attributes.is_probe();
            let status = match status {
                DeliveryStatus::Sent if probe => DeliveryStatus::Deliverable,
                _ if probe => DeliveryStatus::Undeliverable,
                status => status,
            };
            let why = why.map(|why| std::sync::Arc::new(why.verdict(failure.reason.as_str())));
            let (target, uid) = mailbox.map_or_else(Default::default, |mailbox| (mailbox.path, mailbox.cred.uid));
            done.outcomes.push(Outcome {
                relay: request.transport.clone(),
                target,
                uid,
                diagnostic: if failure.unix.is_some() { Diagnostic::Unix } else { Diagnostic::Smtp },
                remote_reply: failure.unix.unwrap_or_default().into(),
                why,
                ..Outcome::new(*index, Agent::Virtual, status, failure.dsn, failure.reason, times)
            });
        }
        Step::Done(done)
    }

    fn deliver(
        &mut self,
        request: &Request,
        address: &SmolStr,
        recipient: &Recipient,
        why: &mut Option<Decision>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Verdict {
        let user = address.to_lowercase_smolstr();
        let mailbox = match self.conf.find(&user, why, ctx) {
            Ok(Some(mailbox)) => mailbox,
            Ok(None) => return bounced("5.1.1", format!("unknown user: \"{user}\"")),
            Err(warnings) => {
                for warning in warnings {
                    services.log.warn(ctx, &self.tag, format_args!("{warning}"));
                }
                return deferred("4.3.5", "mail system configuration error");
            }
        };
        let maildir = mailbox.path.ends_with('/');
        let style = if maildir { Style::MAILDIR } else { Style::MBOX };
        if request.file.attributes.is_probe() {
            return sent(if maildir { "delivers to maildir" } else { "delivers to mailbox" }, mailbox);
        }
        let original = if self.conf.enable_original_recipient { recipient.original.as_str() } else { "" };
        let envelope = Envelope { sender: &request.file.sender, original, delivered: address };
        let date = self.dates.mbox(ctx.now, &ctx.host.zone);
        let copy = mail_copy::copy(&request.file.message, envelope, style, &date);
        let (conf, vfs) = (&self.conf, &mut ctx.host.vfs);
        let (result, warnings) = if maildir {
            mbox_open::maildir(vfs, &mailbox.path, &ctx.host.hostname, copy, conf.mailbox_limit, "4.2.0", &mailbox.cred)
        } else {
            let open = Open {
                cred: &mailbox.cred,
                dir: None,
                owner: None,
                lock: if conf.dot_lock { Locking::Required } else { Locking::None },
                strict_owner: conf.strict_mailbox_ownership.then_some(mailbox.cred.uid),
                limit: conf.mailbox_limit,
                refuse_executable: false,
                default_dsn: "4.2.0",
                stale: conf.stale_lock_time,
            };
            let (result, warnings) = mbox_open::append(vfs, &mailbox.path, copy, &open);
            let result = result.map_err(|failure| {
                let reason = format!("delivery failed to mailbox {}: {}", mailbox.path, failure.reason);
                Failure { reason, ..failure }
            });
            (result, warnings)
        };
        for warning in warnings {
            services.log.warn(ctx, &self.tag, format_args!("{warning}"));
        }
        match result {
            Ok(()) => sent(if maildir { "delivered to maildir" } else { "delivered to mailbox" }, mailbox),
            Err(failure) => {
                let soft = failure.dsn.starts_with('4');
                let status = if soft { DeliveryStatus::Deferred } else { DeliveryStatus::Bounced };
                Verdict { status, failure, mailbox: Some(mailbox) }
            }
        }
    }
}

impl VirtualConf {
    /// Looks up mailbox, user and group. Errors are lines for the log.
    fn find(&self, user: &str, why: &mut Option<Decision>, ctx: &Ctx<'_>) -> Result<Option<Mailbox>, Vec<String>> {
        let Some((value, _)) = self.lookup(&self.mailbox_maps, user, why, ctx)? else { return Ok(None) };
        let path = if self.mailbox_base.is_empty() { value } else { format_smolstr!("{}/{value}", self.mailbox_base) };
        let mut id = |maps: &Maps, what: &str, least: u64| -> Result<u32, Vec<String>> {
            let title = maps.title();
            let Some((value, _)) = self.lookup(maps, user, why, ctx)? else {
                return Err(vec![format!("recipient {user}: not found in {title}")]);
            };
            let number = value.parse::<u32>().ok().filter(|number| u64::from(*number) >= least);
            number.ok_or_else(|| vec![format!("recipient {user}: bad {what} {value} in {title}")])
        };
        let uid = id(&self.uid_maps, "uid", self.minimum_uid)?;
        let gid = id(&self.gid_maps, "gid", 1)?;
        Ok(Some(Mailbox { path, cred: Cred { uid, gid, groups: Vec::new() } }))
    }

    fn lookup(
        &self,
        maps: &Maps,
        user: &str,
        why: &mut Option<Decision>,
        ctx: &Ctx<'_>,
    ) -> Result<Option<(SmolStr, Option<Source>)>, Vec<String>> {
        let strategy = Strategy { local_if_local: false, ..Strategy::DEFAULT };
        let failed = |error: LookupError| {
            let plain = |line: String| line.strip_prefix("warning: ").map(str::to_owned).unwrap_or(line);
            let mut lines: Vec<String> = error.warnings.into_iter().map(plain).collect();
            lines.push(format!("table {}: lookup {user}: error", maps.title()));
            lines
        };
        let found = mail_addr_find(maps, user, &self.finder, strategy, ctx.host).map_err(failed)?;
        let found = found.map(|found| (found.found.value, found.found.source));
        if let Some(why) = why {
            let outcome = found.as_ref().map_or("not found".into(), |(value, _)| value.clone());
            why.step(maps.title().clone(), user, found.is_some(), outcome);
            why.at(found.as_ref().and_then(|(_, source)| source.clone()));
        }
        Ok(found)
    }
}

fn sent(reason: &str, mailbox: Mailbox) -> Verdict {
    Verdict { status: DeliveryStatus::Sent, failure: Failure::new("2.0.0", reason), mailbox: Some(mailbox) }
}

fn bounced(dsn: &'static str, reason: String) -> Verdict {
    Verdict { status: DeliveryStatus::Bounced, failure: Failure::new(dsn, reason), mailbox: None }
}

fn deferred(dsn: &'static str, reason: &str) -> Verdict {
    Verdict { status: DeliveryStatus::Deferred, failure: Failure::new(dsn, reason), mailbox: None }
}
