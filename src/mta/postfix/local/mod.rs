//! local(8): delivery to the users of this host.
//!
//! A recipient is first expanded into targets without doing anything (`expand`); then the
//! targets are served in order. Mailboxes and files are served at once, commands and locked
//! mailboxes are waited for, and mail for elsewhere is submitted again when the others are done.

mod attributes;
mod command;
mod deliver;
mod expand;
mod forward;
mod forward_file;
mod job;
mod load;
mod lookups;
mod plan;
pub mod settings;
mod template;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use smol_str::SmolStr;

use self::attributes::Attributes;
pub(super) use self::attributes::split_extension;
use self::command::CannotStart;
use self::expand::Expander;
pub(super) use self::forward::delivered_to;
use self::job::{Job, Wait};
use self::plan::{Action, Plan, Target};
pub use self::wire::LocalConf;
use super::bounce::{self, Entry, LogKind};
use super::delivery::{Diagnostic, Done, Outcome, Request, Step, Times};
use super::mbox_open::Failure;
use super::pipe_command::{self, CommandFailure};
use super::queue_file::Recipient;
use super::services::Services;
use crate::host::vfs::Place;
use crate::host::{Ctx, Exit, Priority, Signal};
use crate::mail::date::DateCache;
use crate::sim::{ProcId, Time};
use crate::trace::{Agent, Decision, DeliveryStatus, Kind};

/// The delivery agent of one service line in master.cf.
#[derive(Clone, Debug)]
pub struct Local {
    conf: LocalConf,
    /// `postfix/local`, for the log.
    tag: SmolStr,
    /// High bits of the tokens of its timers.
    owner: u64,
    jobs: BTreeMap<u64, Job>,
    dates: DateCache,
    /// Where the spool directory was found.
    spool: Place,
    /// Whether it has opened its tables.
    started: bool,
}

impl Local {
    /// An agent that logs as `tag`; its timers have tokens `owner | job`.
    pub fn new(conf: LocalConf, tag: impl Into<SmolStr>, owner: u64) -> Local {
        Local {
            conf,
            tag: tag.into(),
            owner,
            jobs: BTreeMap::new(),
            dates: DateCache::default(),
            spool: Place::default(),
            started: false,
        }
    }

    /// Takes over the configuration of another one after a reload; jobs go on with it.
    pub fn take_over(&mut self, fresh: Local) {
        self.conf = fresh.conf;
        self.tag = fresh.tag;
        self.started = false;
    }

    /// Begins with a request.
    pub fn start(&mut self, request: Request, services: &mut Services, ctx: &mut Ctx<'_>) -> Step {
        if !std::mem::replace(&mut self.started, true) {
            services.log.opened(ctx, &self.tag, &self.conf.problems(ctx.host));
        }
        let done = Done { outcomes: Vec::with_capacity(request.recipients.len()), ..Done::default() };
        let mut job = Job {
            started: ctx.now,
            recipient: 0,
            targets: VecDeque::new(),
            forwards: Vec::new(),
            deferred: false,
            listed: false,
            delivered_to: forward::delivered_to(&request.file.message.header),
            wait: None,
            done,
            request,
        };
        self.plan_recipient(&mut job, services, ctx);
        if self.advance(&mut job, services, ctx) {
            return Step::Done(job.done);
        }
        self.jobs.insert(job.request.job, job);
        Step::Waiting
    }

    /// A command has ended. Returns the request if that was the last it waited for.
    pub fn child_exited(
        &mut self,
        child: ProcId,
        exit: &Exit,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Option<(Request, Done)> {
        let waits = |job: &Job| matches!(job.wait, Some(Wait::Command { child: waited, .. }) if waited == child);
        let number = *self.jobs.iter().find(|(_, job)| waits(job))?.0;
        let mut job = self.jobs.remove(&number)?;
        let target = job.targets.pop_front()?;
        let line = match &target.action {
            Action::Command(line) => line.clone(),
            _ => SmolStr::default(),
        };
        let result = pipe_command::judge(&line, exit).map(|()| format!("delivered to command: {line}"));
        self.command_ended(&mut job, &target, result, ctx);
        self.resume(job, services, ctx)
    }

    /// A timer has come: a lock is tried again, or a command has run for too long. `token` is the
    /// number of the job.
    pub fn wake(&mut self, token: u64, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<(Request, Done)> {
        let due = match self.jobs.get(&token)?.wait? {
            Wait::Command { deadline, .. } => deadline,
            Wait::Lock { at, .. } => at,
        };
        if ctx.now < due {
            return None;
        }
        let mut job = self.jobs.remove(&token)?;
        if let Some(Wait::Command { child, .. }) = job.wait {
            ctx.signal(child, Signal::Kill);
            let target = job.targets.pop_front()?;
            services.log.warn(ctx, &self.tag, format_args!("pipe_command_read: read time limit exceeded"));
            if let Action::Command(line) = &target.action {
                self.command_ended(&mut job, &target, Err(pipe_command::time_limit_exceeded(line)), ctx);
            }
        }
        self.resume(job, services, ctx)
    }

    fn command_ended(&self, job: &mut Job, target: &Target, result: Result<String, CommandFailure>, ctx: &mut Ctx<'_>) {
        job.wait = None;
        let uid = target.attributes.rights.or(&self.conf.settings.default_privs).uid;
        self.finish(job, target, uid, result, ctx.now);
    }

    fn resume(&mut self, mut job: Job, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<(Request, Done)> {
        if self.advance(&mut job, services, ctx) {
            return Some((job.request, job.done));
        }
        self.jobs.insert(job.request.job, job);
        None
    }

    /// Serves targets until the request is done (`true`) or has to wait.
    fn advance(&mut self, job: &mut Job, services: &mut Services, ctx: &mut Ctx<'_>) -> bool {
        loop {
            while let Some(target) = job.targets.pop_front() {
                if self.serve(job, &target, services, ctx) {
                    job.targets.push_front(target);
                    return false;
                }
            }
            self.send_on(job, services, ctx);
            job.recipient += 1;
            if job.recipient >= job.request.recipients.len() {
                return true;
            }
            self.plan_recipient(job, services, ctx);
        }
    }

    /// Expands the next recipient of the request.
    fn plan_recipient(&mut self, job: &mut Job, services: &mut Services, ctx: &mut Ctx<'_>) {
        job.deferred = false;
        job.listed = false;
        let Some((_, address)) = job.request.recipients.get(job.recipient).cloned() else { return };
        let full = ctx.trace.is_full();
        let attributes = Attributes {
            sender: job.request.file.sender.clone(),
            why: full.then(|| Decision::about(format!("where does {address} go on this host?"))),
            ..Attributes::default()
        };
        let mut view = self.conf.view(services, ctx.host, &job.request.transport);
        let mut expander = Expander {
            settings: &self.conf.settings,
            lookups: &mut view,
            vfs: &ctx.host.vfs,
            accounts: &ctx.host.accounts,
            delivered_to: &job.delivered_to,
            probe: job.request.file.attributes.is_probe(),
            verify: job.request.file.attributes.verify_probe,
            success: recipient_of(job).is_some_and(|recipient| recipient.notify.success),
            queue_id: &job.request.file.id,
            seen: BTreeSet::new(),
            plan: Plan::default(),
            full,
        };
        expander.recipient(attributes, address);
        let Plan { targets, warnings, expanded, listed } = expander.plan;
        if let Some(action) = listed
            && let Some(recipient) = recipient_of(job)
        {
            let entry = Entry { action, ..Entry::expanded(recipient) }.via(&job.request.transport);
            // A report of success that cannot be made harms nobody.
            let _ = bounce::append_entry(services, LogKind::Trace, &job.request.file.id, entry, ctx);
            job.done.traced = true;
            job.listed = true;
        }
        for warning in warnings {
            services.log.warn(ctx, &self.tag, format_args!("{warning}"));
        }
        for expanded in expanded {
            let plan::Expanded { name, source, results } = expanded;
            ctx.emit(Kind::AliasExpand { name, source: source.to_string().into(), results });
        }
        job.targets = targets.into();
    }

    /// Serves one target; `true` if it has to be waited for.
    fn serve(&mut self, job: &mut Job, target: &Target, services: &mut Services, ctx: &mut Ctx<'_>) -> bool {
        let settings = &self.conf.settings;
        let file = Arc::clone(&job.request.file);
        let shown = recipient_of(job).filter(|_| settings.enable_original_recipient);
        let original = shown.map(|recipient| recipient.original.clone()).unwrap_or_default();
        let date = self.dates.mbox(ctx.now, &ctx.host.zone);
        match &target.action {
            Action::Report { status, dsn, reason } => {
                let outcome = self.outcome(job, target, *status, dsn, reason.clone(), ctx.now);
                push(job, outcome);
            }
            Action::Forward => {
                if let Some(recipient) = recipient_of(job).cloned() {
                    forward::append(&mut job.forwards, &target.attributes, &recipient, &file.sender);
                }
            }
            Action::Pass(transport) => {
                let address = &target.attributes.address;
                let (name, nexthop) = transport.split_once(':').unwrap_or((transport, ""));
                let id = &file.id;
                services.log.info(ctx, &self.tag, format_args!("{id}: passing <{address}> to transport={name}"));
                let index = job.request.recipients.get(job.recipient).map_or(0, |(index, _)| *index);
                let nexthop = if nexthop.is_empty() { job.request.nexthop.clone() } else { nexthop.into() };
                job.done.passed.push(Request {
                    transport: name.into(),
                    nexthop,
                    recipients: vec![(index, address.clone())],
                    ..job.request.clone()
                });
            }
            Action::Command(line) => {
                let attributes = &target.attributes;
                match command::prepare(line, attributes, &file, &original, &date, settings, ctx.host) {
                    Ok(spawn) => {
                        let deadline = ctx.now + settings.command_time_limit;
                        let child = ctx.spawn(spawn);
                        ctx.wake_at(deadline, self.owner | job.request.job, "time limit of a command");
                        job.wait = Some(Wait::Command { child, deadline });
                        return true;
                    }
                    Err(CannotStart { fatal, failure }) => {
                        if let Some(text) = fatal {
                            services.log.log(ctx, Priority::Error, "local", format_args!("fatal: {text}"));
                        }
                        self.command_ended(job, target, Err(failure), ctx);
                    }
                }
            }
            Action::Mailbox { .. } | Action::Maildir { .. } | Action::File(_) => {
                let Some(stored) = deliver::store(target, &file, &original, &date, settings, &mut self.spool, ctx)
                else {
                    return false;
                };
                if matches!(&stored.result, Err(failure) if failure.locked) && self.wait_for_lock(job, ctx) {
                    return true;
                }
                job.wait = None;
                for warning in stored.warnings {
                    services.log.warn(ctx, &self.tag, format_args!("{warning}"));
                }
                self.finish(job, target, stored.uid, stored.result.map_err(CommandFailure::from), ctx.now);
            }
        }
        false
    }

    /// Tries a locked mailbox again later, unless that was done often enough.
    fn wait_for_lock(&self, job: &mut Job, ctx: &mut Ctx<'_>) -> bool {
        let settings = &self.conf.settings;
        let attempts = match job.wait {
            Some(Wait::Lock { attempts, .. }) => attempts,
            _ => settings.deliver_lock_attempts,
        };
        if attempts <= 1 {
            return false;
        }
        let at = ctx.now + settings.deliver_lock_delay;
        job.wait = Some(Wait::Lock { attempts: attempts - 1, at });
        ctx.wake_at(at, self.owner | job.request.job, "mailbox lock");
        true
    }

    /// Notes how a target was served.
    fn finish(&self, job: &mut Job, target: &Target, uid: u32, result: Result<String, CommandFailure>, now: Time) {
        let mut outcome = match result {
            Ok(reason) => self.outcome(job, target, DeliveryStatus::Sent, "2.0.0", reason, now),
            Err(failure) => {
                let deferred = failure.dsn.starts_with('4');
                let status = if deferred { DeliveryStatus::Deferred } else { DeliveryStatus::Bounced };
                let outcome = self.outcome(job, target, status, &failure.dsn, failure.reason, now);
                Outcome { remote_reply: failure.diagnostic, ..outcome }
            }
        };
        if !outcome.remote_reply.is_empty() {
            outcome.diagnostic = Diagnostic::Unix;
        }
        outcome.uid = uid;
        push(job, outcome);
    }

    /// An outcome of the present recipient.
    fn outcome(
        &self,
        job: &Job,
        target: &Target,
        status: DeliveryStatus,
        dsn: &str,
        reason: String,
        now: Time,
    ) -> Outcome {
        let (index, resolved) = job.request.recipients.get(job.recipient).cloned().unwrap_or_default();
        let (agent, place) = match &target.action {
            Action::Mailbox { path, .. } | Action::Maildir { path, .. } => (Agent::Local, path.clone()),
            Action::File(path) => (Agent::File, path.clone()),
            Action::Command(line) => (Agent::Command, line.clone()),
            Action::Pass(_) | Action::Forward | Action::Report { .. } => (Agent::Local, SmolStr::default()),
        };
        let address = &target.attributes.address;
        let sender = &target.attributes.sender;
        let status = match status {
            DeliveryStatus::Sent if job.request.file.attributes.is_probe() => DeliveryStatus::Deliverable,
            _ if job.request.file.attributes.is_probe() => DeliveryStatus::Undeliverable,
            status => status,
        };
        let why = target.attributes.why.clone().map(|why| Arc::new(why.verdict(reason.as_str())));
        Outcome {
            expanded: (*address != resolved).then(|| address.clone()),
            sender: (*sender != job.request.file.sender).then(|| sender.clone()),
            untraced: job.listed,
            target: place,
            relay: job.request.transport.clone(),
            dsn: dsn.into(),
            why,
            ..Outcome::new(index, agent, status, "", reason, times(job, now))
        }
    }

    /// Submits what is to be sent on, unless a target was deferred.
    fn send_on(&mut self, job: &mut Job, services: &mut Services, ctx: &mut Ctx<'_>) {
        for forward in std::mem::take(&mut job.forwards) {
            if job.deferred {
                return;
            }
            let (index, _) = job.request.recipients.get(job.recipient).cloned().unwrap_or_default();
            let times = times(job, ctx.now);
            let result = wire::resubmit(forward, &job.request, &self.conf.settings, services, ctx);
            let outcome = match result {
                Ok(id) => Outcome::new(
                    index,
                    Agent::Local,
                    DeliveryStatus::Sent,
                    "2.0.0",
                    format!("forwarded as {id}"),
                    times,
                ),
                Err(Failure { dsn, reason, .. }) => {
                    Outcome::new(index, Agent::Local, DeliveryStatus::Deferred, dsn, reason, times)
                }
            };
            push(job, Outcome { relay: job.request.transport.clone(), untraced: job.listed, ..outcome });
        }
    }
}

fn times(job: &Job, now: Time) -> Times {
    Times { started: job.started, connected: job.started, done: now }
}

fn push(job: &mut Job, outcome: Outcome) {
    job.deferred |= outcome.status == DeliveryStatus::Deferred;
    job.done.outcomes.push(outcome);
}

/// The recipient as it stands in the message.
fn recipient_of(job: &Job) -> Option<&Recipient> {
    let (index, _) = job.request.recipients.get(job.recipient)?;
    job.request.file.recipients.get(*index)
}
