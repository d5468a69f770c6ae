//! qmgr(8): what is delivered when, and what becomes of a message when all was tried.
//!
//! The instance calls [`Qmgr::next_request`] until there is none, gives each request to the
//! transport's agent, and tells the outcomes back ([`Qmgr::outcome`], [`Qmgr::done`]).

pub mod conf;
mod finish;
mod pace;
mod scheduler;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::bounce::{self, LogKind};
use super::config::{Config, Fatal};
use super::delivery::{self, Outcome, Request};
use super::queue_file::{QueueFile, QueueName, Recipient};
use super::services::Services;
use super::smtp::trouble::Trouble;
use super::trivial_rewrite;
use super::verp;
use crate::host::Ctx;
use crate::mail::address;
use crate::sim::Time;
use crate::trace::DeliveryStatus;
use conf::{QmgrConf, TransportConf};
use pace::Pace;
use scheduler::{Entry, Scheduler};

/// The syslog tag.
const TAG: &str = "postfix/qmgr";
/// The timer of queue runs.
const WAKE_RUN: u64 = 1;
/// The timer for mail that had to wait because there was too much of it.
const WAKE_INCOMING: u64 = 2;

/// What is known about a recipient of an active message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Done,
    Deferred,
}

/// A message in the active queue.
#[derive(Clone, Debug)]
struct Active {
    file: Arc<QueueFile>,
    from_deferred: bool,
    since: Time,
    states: Vec<State>,
    /// Entries that wait or are being delivered.
    entries: u64,
    bounced: bool,
    traced: bool,
}

/// A delivery under way.
#[derive(Clone, Debug)]
struct Job {
    request: Arc<Request>,
    destination: SmolStr,
    tag: SmolStr,
}

/// What a probe of verify(8) found out.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The address probed.
    pub address: SmolStr,
    /// `Deliverable` or `Undeliverable`, with status and reason.
    pub outcome: Outcome,
}

/// The queue manager of one instance.
#[derive(Clone, Debug)]
pub struct Qmgr {
    base: u64,
    conf: QmgrConf,
    config: Arc<Config>,
    started: Time,
    run_at: Option<Time>,
    active: BTreeMap<SmolStr, Active>,
    pace: Pace,
    scheduler: Scheduler,
    jobs: BTreeMap<u64, Job>,
    last_job: u64,
    /// Requests that an agent passed on to another transport.
    passed: VecDeque<(Request, SmolStr)>,
    probed: VecDeque<Probed>,
}

impl Qmgr {
    /// A queue manager; `base` has the owner's bits of the tokens of its timers.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(base: u64, config: &Arc<Config>, now: Time) -> Result<Qmgr, Fatal> {
        let conf = match config.master.unix("qmgr") {
            Some(entry) => QmgrConf::load(&config.service(entry))?,
            None => QmgrConf::load(&config.global())?,
        };
        Ok(Qmgr {
            base,
            conf,
            config: Arc::clone(config),
            started: now,
            run_at: None,
            active: BTreeMap::new(),
            pace: Pace::default(),
            scheduler: Scheduler::default(),
            jobs: BTreeMap::new(),
            last_job: 0,
            passed: VecDeque::new(),
            probed: VecDeque::new(),
        })
    }

    /// Takes up what lies in the queue when the instance starts.
    pub fn start(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if self.conf.bounce_lifetime > self.conf.lifetime {
            self.conf.bounce_lifetime = self.conf.lifetime;
            let text = "bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime";
            services.log.warn(ctx, TAG, format_args!("{text}"));
        }
        services.queue.recover(ctx);
        self.run_deferred(false, services, ctx);
        self.take_incoming(services, ctx);
    }

    /// Takes a changed configuration; deliveries under way go on.
    pub fn reload(&mut self, fresh: Qmgr, config: &Arc<Config>) {
        self.conf = fresh.conf;
        self.config = Arc::clone(config);
        self.scheduler.revive();
    }

    /// Whether nothing is being delivered.
    pub fn is_idle(&self) -> bool {
        self.active.is_empty()
    }

    /// What a probe found out, for verify(8).
    pub fn take_probed(&mut self) -> Option<Probed> {
        self.probed.pop_front()
    }

    /// Octets that were written to `public/qmgr`: `I` scan incoming, `D` scan deferred, `A` with
    /// all time stamps ignored, `F` forget who is dead, `W` look again when the next run is due.
    pub fn trigger(&mut self, octets: &[u8], services: &mut Services, ctx: &mut Ctx<'_>) {
        let has = |octet: u8| octets.contains(&octet);
        if has(b'F') {
            self.scheduler.revive();
        }
        if has(b'D') {
            self.run_deferred(has(b'A'), services, ctx);
        }
        if has(b'I') {
            services.queue.rescan_incoming(&ctx.host.vfs);
        }
        self.arm(services, ctx);
    }

    /// A timer.
    pub fn wake(&mut self, token: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        if token & 0xFF == WAKE_RUN && self.run_at.is_some_and(|at| ctx.now >= at) {
            self.run_at = None;
            self.run_deferred(false, services, ctx);
        }
        if token & 0xFF == WAKE_INCOMING {
            self.pace.wake(ctx.now);
        }
    }

    /// Asks to be woken for the next queue run, if anything waits for it. Runs keep the rhythm of
    /// `queue_run_delay` since the start.
    fn arm(&mut self, services: &Services, ctx: &mut Ctx<'_>) {
        if self.run_at.is_some() || services.queue.scan_is_empty(QueueName::Deferred, &ctx.host.vfs) {
            return;
        }
        let delay = u64::try_from(self.conf.queue_run_delay.as_micros()).unwrap_or(u64::MAX).max(1);
        let passed = ctx.now.micros().saturating_sub(self.started.micros());
        let at = Time::from_micros(self.started.micros() + (passed / delay + 1) * delay);
        self.run_at = Some(at);
        ctx.wake_at(at, self.base | WAKE_RUN, "queue run");
    }

    /// Activates deferred messages whose time has come; with `all` every one.
    fn run_deferred(&mut self, all: bool, services: &mut Services, ctx: &mut Ctx<'_>) {
        let asked = ctx.cause;
        for (id, time) in services.queue.scan(QueueName::Deferred, &ctx.host.vfs) {
            // Files whose time comes within this second or the next are ready.
            if all || time.secs() <= ctx.now.secs() + 1 {
                ctx.cause = asked;
                self.activate(&id, if all { "flush" } else { "queue run" }, QueueName::Deferred, services, ctx);
            }
        }
        self.arm(services, ctx);
    }

    fn take_incoming(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        while !self.pace.is_pausing() && (self.active.len() as u64) < self.conf.active_limit {
            let Some(id) = services.queue.take_incoming() else { break };
            self.activate(&id, "new mail", QueueName::Incoming, services, ctx);
        }
    }

    /// Moves a message to the active queue and finds out where its recipients go.
    fn activate(
        &mut self,
        id: &SmolStr,
        reason: &'static str,
        from: QueueName,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(file) = services.queue.get(from, id, &ctx.host.vfs) else { return };
        // Of a flush, whoever asked for it is the cause.
        if let Some(cause) = file.cause.filter(|_| reason != "flush" || ctx.cause.is_none()) {
            ctx.cause = Some(cause);
        }
        if services.queue.move_to(id, from, QueueName::Active, reason, ctx).is_err() {
            return;
        }
        if file.sender.is_empty()
            && let Some(until) = self.pace.count(ctx.now)
        {
            ctx.wake_at(until, self.base | WAKE_INCOMING, "too many notices at once");
        }
        let open = file.recipients.iter().filter(|recipient| !recipient.done).count();
        services.log.info(
            ctx,
            TAG,
            format_args!(
                "{id}: from=<{}>, size={}, nrcpt={open} (queue active)",
                address::quote(&file.sender),
                file.size
            ),
        );
        let from_deferred = from == QueueName::Deferred || file.next_attempt > file.arrival;
        if from_deferred {
            bounce::remove(services, LogKind::Defer, id, ctx);
        }
        let states = file.recipients.iter().map(|rcpt| if rcpt.done { State::Done } else { State::Open }).collect();
        let active = Active {
            file: Arc::clone(&file),
            from_deferred,
            since: ctx.now,
            states,
            entries: 0,
            // From an attempt that a crash or a full disk kept from its report.
            bounced: bounce::has_log(services, LogKind::Bounce, id, ctx.host),
            traced: false,
        };
        self.active.insert(id.clone(), active);
        self.assign(&file, services, ctx);
        if self.active.get(id).is_some_and(|active| active.entries == 0) {
            self.finish(id, services, ctx);
        }
    }

    /// Resolves the recipients and gives them to the scheduler, grouped by destination.
    fn assign(&mut self, file: &Arc<QueueFile>, services: &mut Services, ctx: &mut Ctx<'_>) {
        let mut groups: Vec<(SmolStr, SmolStr, Entry)> = Vec::new();
        let redirect = &file.attributes.redirect;
        let mut redirected = false;
        let mut open: Vec<(usize, &Recipient)> =
            file.recipients.iter().enumerate().filter(|(_, recipient)| !recipient.done).collect();
        if open.len() > 1 {
            open.sort_by_cached_key(|(_, recipient)| {
                let address = recipient.address.to_ascii_lowercase();
                (address.rsplit_once('@').map_or(String::new(), |(_, domain)| domain.to_owned()), address)
            });
        }
        for (index, recipient) in open {
            if !redirect.is_empty() && std::mem::replace(&mut redirected, true) {
                self.set_state(&file.id, index, State::Done);
                continue;
            }
            let address = if redirect.is_empty() { &recipient.address } else { redirect };
            let resolved = trivial_rewrite::route(services, &file.sender, address, file.attributes.verify_probe, ctx);
            let (mut transport, mut nexthop) = (resolved.transport.clone(), resolved.nexthop.clone());
            if resolved.failed {
                (transport, nexthop) = ("retry".into(), "4.3.0 address resolver failure".into());
            } else if resolved.bad_address {
                (transport, nexthop) = ("error".into(), "5.1.3 bad address syntax".into());
            } else if !file.attributes.filter.is_empty() {
                let filter = &file.attributes.filter;
                let (service, hop) = filter.split_once(':').unwrap_or((filter, ""));
                transport = service.into();
                nexthop = match hop {
                    "" => resolved.recipient.rsplit_once('@').map_or("", |(_, domain)| domain).into(),
                    hop => hop.into(),
                };
            }
            trivial_rewrite::note_route(&resolved, ctx);
            let (mut key, mut limit) = self.destination(&transport, &nexthop, &resolved.recipient);
            if let Some(trouble) = self.suspension(&transport, &key, ctx.now) {
                nexthop = format_smolstr!("{} {}", trouble.dsn, trouble.reason);
                transport = "retry".into();
                (key, limit) = self.destination(&transport, &nexthop, &resolved.recipient);
            }
            let limit = if file.attributes.verp.is_empty() { limit } else { 1 };
            let place = (index, resolved.recipient.clone());
            let same = groups.iter_mut().rev().find(|(name, other, entry)| {
                *name == transport && *other == key && (limit == 0 || (entry.recipients.len() as u64) < limit)
            });
            match same {
                Some((_, _, entry)) => entry.recipients.push(place),
                None => {
                    let entry = Entry { id: file.id.clone(), nexthop, recipients: vec![place] };
                    groups.push((transport, key, entry));
                }
            }
        }
        if let Some(active) = self.active.get_mut(&file.id) {
            active.entries += groups.len() as u64;
        }
        for (transport, key, entry) in groups {
            self.scheduler.add(&transport, &key, entry);
        }
    }

    /// Name of the destination that concurrency is counted for, and how many recipients a delivery
    /// may have: with one, the destination is the recipient itself, as for local(8).
    fn destination(&mut self, transport: &SmolStr, nexthop: &SmolStr, recipient: &SmolStr) -> (SmolStr, u64) {
        let config = &self.config;
        let limit = self.scheduler.conf(transport, || TransportConf::load(config, transport)).recipient_limit;
        (if limit == 1 { recipient.clone() } else { nexthop.clone() }, limit)
    }

    /// Why nothing is delivered there now.
    fn suspension(&mut self, transport: &SmolStr, key: &SmolStr, now: Time) -> Option<Trouble> {
        if transport == "retry" || transport == "error" {
            return None;
        }
        if self.conf.defer_transports.contains(transport) {
            return Some(Trouble::new("4.3.2", "deferred transport"));
        }
        self.scheduler.suspended(transport, key, now)
    }

    fn set_state(&mut self, id: &str, index: usize, state: State) {
        if let Some(slot) = self.active.get_mut(id).and_then(|active| active.states.get_mut(index)) {
            // One deferred target of a recipient means that the recipient is tried again.
            if *slot != State::Deferred {
                *slot = state;
            }
        }
    }

    /// The next request to be given to its agent. To be called until `None` after every input.
    pub fn next_request(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Arc<Request>> {
        if services.queue.has_incoming() {
            self.take_incoming(services, ctx);
        }
        if let Some((request, destination)) = self.passed.pop_front() {
            return Some(self.begin(request, destination));
        }
        while let Some(start) = self.scheduler.next(ctx.now) {
            let Some(active) = self.active.get(&start.entry.id) else {
                self.scheduler.done(&start.transport, &start.destination, None, ctx.now, self.conf.minimal_backoff);
                continue;
            };
            let request = Request {
                job: 0,
                file: match start.entry.recipients.first() {
                    Some((index, _)) => verp::addressed(&active.file, *index),
                    None => Arc::clone(&active.file),
                },
                from_deferred: active.from_deferred,
                transport: start.transport,
                nexthop: start.entry.nexthop,
                recipients: start.entry.recipients,
                active_since: active.since,
                reuse: start.reuse,
            };
            return Some(self.begin(request, start.destination));
        }
        None
    }

    fn begin(&mut self, mut request: Request, destination: SmolStr) -> Arc<Request> {
        self.last_job += 1;
        request.job = self.last_job;
        let request = Arc::new(request);
        let config = &self.config;
        let conf = self.scheduler.conf(&request.transport, || TransportConf::load(config, &request.transport));
        let job = Job { request: Arc::clone(&request), destination, tag: conf.tag.clone() };
        self.jobs.insert(self.last_job, job);
        request
    }

    /// An agent tells what became of a recipient: it is logged, recorded, and noted for reports.
    pub fn outcome(&mut self, number: u64, mut outcome: Outcome, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.get(&number) else { return };
        let (request, tag) = (Arc::clone(&job.request), job.tag.clone());
        let file = &request.file;
        if self.conf.soft_bounce && outcome.status == DeliveryStatus::Bounced {
            outcome.status = DeliveryStatus::Deferred;
            outcome.softened = true;
            if let Some(detail) = outcome.dsn.strip_prefix('5') {
                outcome.dsn = format_smolstr!("4{detail}");
            }
        }
        if !file.attributes.verp.is_empty() && !self.conf.disable_verp_bounces && outcome.sender.is_none() {
            outcome.sender = Some(file.sender.clone());
        }
        if file.attributes.is_probe() {
            let ok = matches!(outcome.status, DeliveryStatus::Sent | DeliveryStatus::Deliverable);
            outcome.status = if ok { DeliveryStatus::Deliverable } else { DeliveryStatus::Undeliverable };
        }
        // Reports speak of the message as it came in.
        let original = self.active.get(&file.id).map(|active| Arc::clone(&active.file));
        let noted = match original.filter(|_| !file.attributes.verp.is_empty()) {
            Some(original) => {
                let request = Request { file: original, ..(*request).clone() };
                delivery::report(services, &tag, &request, &mut outcome, ctx)
            }
            None => delivery::report(services, &tag, &request, &mut outcome, ctx),
        };
        let state = if outcome.status == DeliveryStatus::Deferred { State::Deferred } else { State::Done };
        self.set_state(&file.id, outcome.recipient, state);
        if let Some(active) = self.active.get_mut(&file.id) {
            active.bounced |= noted == Some(LogKind::Bounce);
            active.traced |= noted == Some(LogKind::Trace);
        }
        if file.attributes.verify_probe {
            let address = file.recipients.get(outcome.recipient).map(|recipient| recipient.address.clone());
            self.probed.push_back(Probed { address: address.unwrap_or_default(), outcome });
        }
    }

    /// An agent has made entries for a report of success by itself.
    pub fn traced(&mut self, number: u64) {
        let Some(job) = self.jobs.get(&number) else { return };
        if let Some(active) = self.active.get_mut(&job.request.file.id) {
            active.traced = true;
        }
    }

    /// An agent passes recipients of a request on to another transport. To be told before
    /// [`Qmgr::done`].
    pub fn pass(&mut self, request: Request) {
        if let Some(active) = self.active.get_mut(&request.file.id) {
            active.entries += 1;
        }
        let first = request.recipients.first().map(|(_, address)| address.clone()).unwrap_or_default();
        let (key, _) = self.destination(&request.transport, &request.nexthop, &first);
        self.passed.push_back((request, key));
    }

    /// An agent is done with a request. `hop` tells why the destination itself is to blame.
    pub fn done(&mut self, number: u64, hop: Option<&Trouble>, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.remove(&number) else { return };
        let hop = hop.map(|trouble| Trouble {
            reason: format!("delivery temporarily suspended: {}", trouble.reason),
            ..trouble.clone()
        });
        let backoff = self.conf.minimal_backoff;
        let transport = &job.request.transport;
        let stranded = self.scheduler.done(transport, &job.destination, hop.as_ref(), ctx.now, backoff);
        if let Some(trouble) = hop {
            self.retry(stranded, &trouble);
        }
        self.entry_over(&job.request.file.id, services, ctx);
    }

    /// An agent died while it had a request: nobody knows why its recipients wait.
    pub fn agent_died(&mut self, number: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.remove(&number) else { return };
        let request = &job.request;
        services.log.warn(ctx, TAG, format_args!("private/{} socket: malformed response", request.transport));
        for (index, _) in &request.recipients {
            self.set_state(&request.file.id, *index, State::Deferred);
        }
        self.scheduler.done(&request.transport, &job.destination, None, ctx.now, self.conf.minimal_backoff);
        self.entry_over(&request.file.id, services, ctx);
    }

    /// There is no such transport: the delivery waits.
    pub fn unavailable(&mut self, number: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.remove(&number) else { return };
        let request = &job.request;
        self.scheduler.done(&request.transport, &job.destination, None, ctx.now, self.conf.minimal_backoff);
        if request.transport == "retry" || request.transport == "error" {
            let all = request.recipients.iter();
            all.for_each(|(index, _)| self.set_state(&request.file.id, *index, State::Deferred));
            return self.entry_over(&request.file.id, services, ctx);
        }
        let entry = Entry {
            id: request.file.id.clone(),
            nexthop: request.nexthop.clone(),
            recipients: request.recipients.clone(),
        };
        self.retry(vec![entry], &Trouble::new("4.3.0", "mail transport unavailable"));
    }

    /// Gives entries to retry(8), which defers them.
    fn retry(&mut self, entries: Vec<Entry>, trouble: &Trouble) {
        let transport = SmolStr::new_static("retry");
        let nexthop = format_smolstr!("{} {}", trouble.dsn, trouble.reason);
        for mut entry in entries {
            entry.nexthop = nexthop.clone();
            let (key, _) = self.destination(&transport, &nexthop, &entry.id.clone());
            self.scheduler.add(&transport, &key, entry);
        }
    }
}
