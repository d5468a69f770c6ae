//! bounce(8): keeps what happened to recipients, and mails reports about it.

mod entry;
mod report;
pub mod template;

use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use super::cleanup::{CleanupError, MAILER_DAEMON, Notice, Status, abandon_notice, post_mail};
use super::config::{Fatal, Params};
use super::delivery::Outcome;
use super::queue_file::{QueueFile, Ret};
use super::services::Services;
use crate::host::vfs::{Content, Cred, Errno};
use crate::host::{Ctx, Host, Priority};
use crate::mail::report::Action;
use crate::trace::Kind;
pub use entry::{BounceLog, Entry};
use report::Report;
use template::Template;
pub use template::Templates;

/// The syslog tag.
const TAG: &str = "postfix/bounce";

/// Which log of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// Recipients that failed.
    Bounce,
    /// Recipients that wait.
    Defer,
    /// Recipients to be reported on at their sender's wish.
    Trace,
}

impl LogKind {
    /// The directory below the queue directory.
    pub fn directory(self) -> &'static str {
        match self {
            LogKind::Bounce => "bounce",
            LogKind::Defer => "defer",
            LogKind::Trace => "trace",
        }
    }
}

/// What the postmaster wants to know (`notify_classes`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the values")]
pub struct NotifyClasses {
    pub bounce: bool,
    pub two_bounce: bool,
    pub data: bool,
    pub delay: bool,
    pub policy: bool,
    pub protocol: bool,
    pub resource: bool,
    pub software: bool,
}

impl NotifyClasses {
    /// Reads `notify_classes`.
    pub fn load(params: &Params<'_>) -> NotifyClasses {
        let words = params.list("notify_classes");
        let has = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
        NotifyClasses {
            bounce: has("bounce"),
            two_bounce: has("2bounce"),
            data: has("data"),
            delay: has("delay"),
            policy: has("policy"),
            protocol: has("protocol"),
            resource: has("resource"),
            software: has("software"),
        }
    }
}

/// The service's parameters.
#[derive(Clone, Debug)]
pub struct Bounce {
    conf: Arc<Conf>,
    /// Which of the services bounce, defer and trace have said what they have to say at their start.
    announced: [bool; 3],
}

#[derive(Clone, Debug)]
struct Conf {
    myhostname: SmolStr,
    double_bounce: SmolStr,
    bounce_recipient: SmolStr,
    two_bounce_recipient: SmolStr,
    delay_recipient: SmolStr,
    notify: NotifyClasses,
    size_limit: u64,
    maximal_queue_lifetime: Duration,
    templates: Templates,
}

impl Bounce {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>, host: &Host) -> Result<Bounce, Fatal> {
        let myhostname = params.get("myhostname");
        Ok(Bounce {
            conf: Arc::new(Conf {
                double_bounce: format_smolstr!("{}@{myhostname}", params.get("double_bounce_sender")),
                myhostname,
                bounce_recipient: params.get("bounce_notice_recipient"),
                two_bounce_recipient: params.get("2bounce_notice_recipient"),
                delay_recipient: params.get("delay_notice_recipient"),
                notify: NotifyClasses::load(params),
                size_limit: params.int("bounce_size_limit")?,
                maximal_queue_lifetime: params.time("maximal_queue_lifetime")?,
                templates: Templates::load(params, host)?,
            }),
            announced: [false; 3],
        })
    }

    /// What the postmaster wants to know.
    pub fn notify_classes(&self) -> NotifyClasses {
        self.conf.notify
    }

    /// The sender of mail to the postmaster, about which no further reports are made.
    pub fn double_bounce_sender(&self) -> &SmolStr {
        &self.conf.double_bounce
    }
}

/// Notes what became of a recipient, to be reported later.
///
/// # Errors
/// The log cannot be written: there would be no report.
pub fn append(
    services: &mut Services,
    kind: LogKind,
    file: &QueueFile,
    outcome: &Outcome,
    ctx: &mut Ctx<'_>,
) -> Result<(), Errno> {
    let recipient = file.recipients.get(outcome.recipient).ok_or(Errno::NoEnt)?;
    let mut entry = Entry::of(recipient, outcome);
    if kind == LogKind::Trace {
        entry = entry.via(&outcome.relay);
    }
    append_entry(services, kind, &file.id, entry, ctx)
}

/// The same for an entry made by hand.
///
/// # Errors
/// As [`append`].
pub fn append_entry(
    services: &mut Services,
    kind: LogKind,
    id: &str,
    entry: Entry,
    ctx: &mut Ctx<'_>,
) -> Result<(), Errno> {
    announce(kind, services, ctx);
    let known = read(services, kind, id, ctx.host);
    let is_new = known.is_none();
    let mut log = known.map(|log| (*log).clone()).unwrap_or_default();
    log.entries.push(Arc::new(entry));
    let path = services.queue.layout().path(kind.directory(), id);
    let (uid, gid) = (services.queue.layout().owner.uid, services.queue.layout().owner.gid);
    if let Some((directory, _)) = path.rsplit_once('/')
        && !ctx.host.vfs.exists(directory)
    {
        ctx.host.vfs.mkdir_all(directory)?;
        ctx.host.vfs.chown(directory, Some(uid), Some(gid), &Cred::ROOT)?;
    }
    let written = ctx.host.vfs.write(&path, Content::Object(Arc::new(log)), 0o600, &Cred::ROOT).map(drop);
    if written.is_ok() && is_new {
        ctx.host.vfs.chown(&path, Some(uid), Some(gid), &Cred::ROOT)?;
    }
    if written.is_err() && is_new {
        // No empty file stays, as if there were something to report.
        remove(services, kind, id, ctx);
    }
    written
}

/// What a service complains about when it reads its templates.
fn announce(kind: LogKind, services: &mut Services, ctx: &mut Ctx<'_>) {
    let Some(announced) = services.bounce.announced.get_mut(kind as usize) else { return };
    if std::mem::replace(announced, true) || services.bounce.conf.templates.warnings.is_empty() {
        return;
    }
    let conf = Arc::clone(&services.bounce.conf);
    for warning in &conf.templates.warnings {
        services.log.warn(ctx, TAG, format_args!("{warning}"));
    }
}

/// Whether there are entries about a message.
pub fn has_log(services: &Services, kind: LogKind, id: &str, host: &Host) -> bool {
    services.queue.find_log(kind.directory(), id, &host.vfs).is_some()
}

/// The entries about a message, if there are any.
pub fn read(services: &Services, kind: LogKind, id: &str, host: &Host) -> Option<Arc<BounceLog>> {
    let path = services.queue.layout().path(kind.directory(), id);
    host.vfs.read(&path, &Cred::ROOT).ok()?.object()
}

/// Forgets the entries about a message.
pub fn remove(services: &Services, kind: LogKind, id: &str, ctx: &mut Ctx<'_>) {
    if let Some(directory) = services.queue.find_log(kind.directory(), id, &ctx.host.vfs) {
        // Gone already is as good.
        let _ = ctx.host.vfs.unlink_in(directory, id);
    }
}

/// Reports the recipients of a message that failed, and forgets them. Called when all recipients were
/// tried and a bounce log is there.
///
/// # Errors
/// The report was not taken. The log stays, so that it can be tried again.
pub fn flush(services: &mut Services, file: &QueueFile, ctx: &mut Ctx<'_>) -> Result<(), CleanupError> {
    let Some(log) = read(services, LogKind::Bounce, &file.id, ctx.host) else { return Ok(()) };
    report_failure(&log, services, file, ctx)?;
    remove(services, LogKind::Bounce, &file.id, ctx);
    Ok(())
}

fn report_failure(
    log: &BounceLog,
    services: &mut Services,
    file: &QueueFile,
    ctx: &mut Ctx<'_>,
) -> Result<(), CleanupError> {
    let conf = services.bounce.conf.clone();
    let template = Template::Failure;
    if file.sender.eq_ignore_ascii_case(&conf.double_bounce) {
        let id = &file.id;
        services.log.warn(ctx, TAG, format_args!("{id}: undeliverable postmaster notification discarded"));
        return Ok(());
    }
    // When a message expires, those that waited have failed.
    let failed = |entry: &Arc<Entry>| match entry.action {
        Action::Delayed => Arc::new(Entry { action: Action::Failed, ..(**entry).clone() }),
        _ => Arc::clone(entry),
    };
    let log: Vec<Arc<Entry>> = log.entries.iter().map(failed).collect();
    let all: Vec<&Entry> = log.iter().map(|entry| &**entry).collect();
    if file.sender.is_empty() {
        if conf.notify.bounce || conf.notify.two_bounce {
            return send_to_postmaster(services, file, template, &all, &conf.two_bounce_recipient, Ret::Full, ctx);
        }
        return Ok(());
    }
    let wanted = |entry: &&&Entry| {
        let notify = entry.notify;
        notify.failure || !(notify.never || notify.success || notify.delay)
    };
    let entries: Vec<&Entry> = all.iter().filter(wanted).copied().collect();
    send_to_sender(services, file, template, &entries, file.attributes.dsn_ret.unwrap_or(Ret::Full), ctx)?;
    if conf.notify.bounce {
        // The postmaster's copy is a courtesy.
        let _ = send_to_postmaster(services, file, template, &all, &conf.bounce_recipient, Ret::Headers, ctx);
    }
    Ok(())
}

/// Reports one failure at once, to a sender that is not the message's own (`bounce_one(3)`).
///
/// # Errors
/// The report was not taken.
pub fn one(
    services: &mut Services,
    file: &QueueFile,
    sender: &SmolStr,
    outcome: &Outcome,
    ctx: &mut Ctx<'_>,
) -> Result<(), CleanupError> {
    let Some(recipient) = file.recipients.get(outcome.recipient) else { return Ok(()) };
    let mut entry = Entry::of(recipient, outcome);
    if file.attributes.verp.is_empty() {
        // What was agreed with the message's sender is nothing to the owner of an alias.
        entry.orcpt = SmolStr::default();
    }
    let conf = services.bounce.conf.clone();
    let what = "sender non-delivery notification";
    let mail = Mail {
        file,
        template: Template::Failure,
        entries: &[&entry],
        ret: file.attributes.dsn_ret.unwrap_or(Ret::Full),
        to: sender.clone(),
        sender: SmolStr::default(),
        what,
    };
    send(services, &conf, mail, ctx)?;
    if services.bounce.conf.notify.bounce {
        let to = services.bounce.conf.bounce_recipient.clone();
        // The postmaster's copy is a courtesy.
        let _ = send_to_postmaster(services, file, Template::Failure, &[&entry], &to, Ret::Headers, ctx);
    }
    Ok(())
}

/// Warns the sender of a message that some of its recipients still wait.
pub fn warn(services: &mut Services, file: &QueueFile, ctx: &mut Ctx<'_>) {
    let Some(log) = read(services, LogKind::Defer, &file.id, ctx.host) else { return };
    let conf = services.bounce.conf.clone();
    let template = Template::Delay;
    if file.sender.eq_ignore_ascii_case(&conf.double_bounce) {
        return;
    }
    let all: Vec<&Entry> = log.entries.iter().map(|entry| &**entry).collect();
    if file.sender.is_empty() {
        if conf.notify.bounce || conf.notify.two_bounce {
            let _ = send_to_postmaster(services, file, template, &all, &conf.delay_recipient, Ret::Headers, ctx);
        }
        return;
    }
    let wanted = |entry: &&&Entry| {
        let notify = entry.notify;
        notify.delay || !(notify.never || notify.success || notify.failure)
    };
    let entries: Vec<&Entry> = all.iter().filter(wanted).copied().collect();
    let _ = send_to_sender(services, file, template, &entries, Ret::Headers, ctx);
    if conf.notify.delay {
        let _ = send_to_postmaster(services, file, template, &all, &conf.delay_recipient, Ret::Headers, ctx);
    }
}

/// Reports on the recipients whose sender wants to know, and forgets them. Called when all recipients
/// were tried and a trace log is there.
pub fn flush_trace(services: &mut Services, file: &QueueFile, ctx: &mut Ctx<'_>) {
    let Some(log) = read(services, LogKind::Trace, &file.id, ctx.host) else { return };
    remove(services, LogKind::Trace, &file.id, ctx);
    let conf = services.bounce.conf.clone();
    if file.sender.eq_ignore_ascii_case(&conf.double_bounce) {
        let id = &file.id;
        let text = "not sending trace/success notification for double-bounce message";
        return services.log.info(ctx, TAG, format_args!("{id}: {text}"));
    }
    let requested = file.attributes.trace_report;
    let template = if requested { Template::Verify } else { Template::Success };
    let all: Vec<&Entry> = log.entries.iter().map(|entry| &**entry).collect();
    if file.sender.is_empty() {
        let id = &file.id;
        let text = "not sending trace/success notification for single-bounce message";
        return services.log.info(ctx, TAG, format_args!("{id}: {text}"));
    }
    let entries: Vec<&Entry> = all.iter().filter(|entry| requested || entry.notify.success).copied().collect();
    let _ = send_to_sender(services, file, template, &entries, Ret::Headers, ctx);
}

fn send_to_sender(
    services: &mut Services,
    file: &QueueFile,
    template: Template,
    entries: &[&Entry],
    ret: Ret,
    ctx: &mut Ctx<'_>,
) -> Result<(), CleanupError> {
    let conf = services.bounce.conf.clone();
    let what = match template {
        Template::Failure => "sender non-delivery notification",
        Template::Delay => "sender delay notification",
        Template::Success | Template::Verify => "sender delivery status notification",
    };
    let to = file.sender.clone();
    send(services, &conf, Mail { file, template, entries, ret, to, sender: SmolStr::default(), what }, ctx)
}

fn send_to_postmaster(
    services: &mut Services,
    file: &QueueFile,
    template: Template,
    entries: &[&Entry],
    to: &SmolStr,
    ret: Ret,
    ctx: &mut Ctx<'_>,
) -> Result<(), CleanupError> {
    let conf = services.bounce.conf.clone();
    let what = match template {
        Template::Failure => "postmaster non-delivery notification",
        Template::Delay => "postmaster delay notification",
        Template::Success | Template::Verify => "sender delivery status notification",
    };
    let (to, sender) = (to.clone(), conf.double_bounce.clone());
    send(services, &conf, Mail { file, template, entries, ret, to, sender, what }, ctx)
}

struct Mail<'a> {
    file: &'a QueueFile,
    template: Template,
    entries: &'a [&'a Entry],
    ret: Ret,
    to: SmolStr,
    sender: SmolStr,
    what: &'static str,
}

fn send(services: &mut Services, conf: &Conf, mail: Mail<'_>, ctx: &mut Ctx<'_>) -> Result<(), CleanupError> {
    let Mail { file, template, entries, ret, to, sender, what } = mail;
    let mailer_daemon = format!("{MAILER_DAEMON}@{}", conf.myhostname);
    let zone = ctx.host.zone.clone();
    let postmaster = !sender.is_empty();
    let texts = conf.templates.of(template);
    let opening = match postmaster {
        true => String::new(),
        false => {
            let config = Arc::clone(&services.config);
            let (expanded, warnings) = texts.expand(template, &config.of("bounce"));
            for warning in warnings {
                services.log.warn(ctx, TAG, format_args!("{warning}"));
            }
            expanded.map_err(|fatal| {
                services.log.log(ctx, Priority::Error, TAG, format_args!("fatal: {fatal}"));
                CleanupError { status: Status::WRITE, reason: None }
            })?
        }
    };
    let report = Report {
        template,
        texts,
        opening: &opening,
        myhostname: &conf.myhostname,
        lifetime: conf.maximal_queue_lifetime,
        file,
        entries,
        to: &to,
        postmaster,
        ret,
        size_limit: conf.size_limit,
        mailer_daemon: &mailer_daemon,
        now: ctx.now,
        zone: &zone,
    };
    let [first, ..] = entries else {
        // Nobody wants to know. That is found out only after the header was written.
        abandon_notice(&report.header(), services, ctx);
        return Ok(());
    };
    let notice = Notice {
        sender,
        recipient: to.clone(),
        text: report.text(),
        smtputf8: file.attributes.smtputf8,
        verify_probe: false,
    };
    let report_id = post_mail(notice, services, ctx)?;
    services.log.info(ctx, TAG, format_args!("{}: {what}: {report_id}", file.id));
    let (queue_id, dsn, reason) = (file.id.clone(), first.status.clone(), SmolStr::from(&first.reason));
    match template {
        Template::Delay => ctx.emit(Kind::DelayWarn { queue_id, report_id, to, dsn, reason }),
        _ => ctx.emit(Kind::Bounce { queue_id, report_id, to, dsn, reason }),
    };
    Ok(())
}

/// A span as the log shows it: two significant digits (`delay=0.15`).
pub fn seconds(span: Duration) -> String {
    let micros = span.as_micros();
    match micros {
        0..10_000 => "0".to_owned(),
        10_000..100_000 => format!("0.{:02}", micros / 10_000),
        100_000..10_000_000 => {
            let text = format!("{:.2}", micros as f64 / 1e6);
            let text = if micros >= 1_000_000 { &text[..3] } else { &text };
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{}", micros / 1_000_000),
    }
}
