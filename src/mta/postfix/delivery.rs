//! What the queue manager asks of a delivery agent, and what it gets back.

use std::sync::Arc;

use smol_str::SmolStr;

use super::bounce::{self, LogKind};
use super::queue_file::{QueueFile, Recipient};
use super::services::Services;
use crate::host::Ctx;
use crate::mail::address;
use crate::sim::Time;
use crate::trace::{Agent, Decision, DeliveryStatus, Kind};

/// One request of qmgr(8): these recipients of this message, over this transport, to this next hop.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number of the request, given by the queue manager.
    pub job: u64,
    /// The message as it was when the request was made.
    pub file: Arc<QueueFile>,
    /// Which queue it came from: `Deferred` if it was tried before.
    pub from_deferred: bool,
    /// Service name in master.cf: `smtp`, `relay`, `local` …
    pub transport: SmolStr,
    /// Next hop: a domain, `[host]`, `[host]:port`, a path or a text, as the transport takes it.
    pub nexthop: SmolStr,
    /// Which of the message's recipients, by index, each with its resolved address.
    pub recipients: Vec<(usize, SmolStr)>,
    /// When the message became active.
    pub active_since: Time,
    /// Whether connections are to be kept for the next message, and used again: mail for this
    /// next hop comes thick and fast (`smtp_connection_cache_on_demand`).
    pub reuse: bool,
}

/// Whose words `Diagnostic-Code:` quotes (RFC 3464 section 2.3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Diagnostic {
    /// `X-Postfix; REASON`, or `smtp; REPLY` if a remote server replied.
    #[default]
    Smtp,
    /// `x-unix; TEXT`: the output of a command, or what its exit status means; the text stands in
    /// [`Outcome::remote_reply`].
    Unix,
}

/// What an agent found out about one recipient (the fields of Postfix's `DSN`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Index of the recipient in the message.
    pub recipient: usize,
    /// The address for `to=`, if an alias or a forward file led from the recipient elsewhere: one
    /// recipient then has an outcome for each, and is done when none of them is deferred.
    pub expanded: Option<SmolStr>,
    /// Whether it is deferred only because of `soft_bounce`.
    pub softened: bool,
    /// Whether its success is not told to a sender who wants to know: the expansion was.
    pub untraced: bool,
    /// Who is told of a failure, if an `owner-` alias took the place of the message's sender.
    pub sender: Option<SmolStr>,
    /// Which program stored it, for the `deliver` event.
    pub agent: Agent,
    /// Where to: mailbox, file, command, remote host; empty if nowhere.
    pub target: SmolStr,
    /// With whose user id, where that matters.
    pub uid: u32,
    /// What becomes of it.
    pub status: DeliveryStatus,
    /// Enhanced status code: `2.0.0`.
    pub dsn: SmolStr,
    /// `relay=` in the log: `mail.example.net[203.0.113.20]:25`, `local`, `none`.
    pub relay: SmolStr,
    /// The text in parentheses at the end of the log line.
    pub reason: String,
    /// The remote server's name, for `Remote-MTA: dns; NAME`; empty if none answered.
    pub remote_mta: SmolStr,
    /// The remote server's reply for `Diagnostic-Code: smtp; TEXT`; empty for Postfix's own reasons.
    pub remote_reply: String,
    /// What kind of text `remote_reply` is.
    pub diagnostic: Diagnostic,
    /// Whether it was handed to a server that knows nothing of delivery reports (RFC 3461).
    pub relayed: bool,
    /// How the agent came to it; only in a full trace.
    pub why: Option<Arc<Decision>>,
    /// Times for `delays=a/b/c/d`: when the agent got the request, was connected, was done.
    pub times: Times,
}

impl Outcome {
    /// An outcome without expansion, target, remote server or decision, at the moments given.
    pub fn new(
        recipient: usize,
        agent: Agent,
        status: DeliveryStatus,
        dsn: &'static str,
        reason: impl Into<String>,
        times: Times,
    ) -> Outcome {
        Outcome {
            recipient,
            expanded: None,
            softened: false,
            untraced: false,
            sender: None,
            agent,
            target: SmolStr::default(),
            uid: 0,
            status,
            dsn: SmolStr::new_static(dsn),
            relay: SmolStr::new_static("none"),
            reason: reason.into(),
            remote_mta: SmolStr::default(),
            remote_reply: String::new(),
            diagnostic: Diagnostic::default(),
            relayed: false,
            why: None,
            times,
        }
    }
}

/// Moments of a delivery attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The agent began.
    pub started: Time,
    /// The connection was set up.
    pub connected: Time,
    /// It was done.
    pub done: Time,
}

/// What a delivery agent hands back when it is done with a request.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// What became of the recipients, in the order of the log lines.
    pub outcomes: Vec<Outcome>,
    /// Whether entries were made for a report of success.
    pub traced: bool,
    /// Recipients that local(8) hands over to another transport (`mailbox_transport`,
    /// `fallback_transport`): requests that the queue manager starts in place of this one's
    /// outcomes. They have the number of this request.
    pub passed: Vec<Request>,
}

/// How far a delivery agent came with a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// It is done.
    Done(Done),
    /// It waits for a command, a timer or a lock.
    Waiting,
}

/// Seconds as in `delay=0.13`: two significant digits at most, no more than two of them behind the
/// point, no zeros at the end.
struct Seconds(std::time::Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let resolution = match self.0.as_secs() {
            10.. => 1_000_000,
            1.. => 100_000,
            0 => 10_000,
        };
        let micros = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        let rounded = micros.saturating_add(resolution / 2) / resolution * resolution;
        let (secs, hundredths) = (rounded / 1_000_000, rounded % 1_000_000 / 10_000);
        match (hundredths / 10, hundredths % 10) {
            (0, 0) => write!(f, "{secs}"),
            (tenths, 0) => write!(f, "{secs}.{tenths}"),
            _ => write!(f, "{secs}.{hundredths:02}"),
        }
    }
}

/// The word in `status=` of a log line.
fn status_word(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Deferred => "deferred",
        DeliveryStatus::Bounced => "bounced",
        DeliveryStatus::Expired => "expired",
        DeliveryStatus::Deliverable => "deliverable",
        DeliveryStatus::Undeliverable => "undeliverable",
    }
}

/// Tells the world what became of a recipient: the agent's log line, the `deliver` event, and an
/// entry for the report to the sender, whose kind is returned. A recipient that cannot be reported
/// as failed is deferred instead (`bounce_append(3)`).
pub fn report(
    services: &mut Services,
    tag: &str,
    request: &Request,
    outcome: &mut Outcome,
    ctx: &mut Ctx<'_>,
) -> Option<LogKind> {
    let file = &request.file;
    let recipient = file.recipients.get(outcome.recipient)?;
    let kind = append(services, file, recipient, outcome, ctx);
    let outcome = &*outcome;
    let resolved = request.recipients.iter().find(|(index, _)| *index == outcome.recipient);
    let address = outcome.expanded.as_ref().or(resolved.map(|(_, address)| address)).unwrap_or(&recipient.address);
    if ctx.trace.is_full() {
        let original = &recipient.original;
        let orig_to = if original.is_empty() || original.eq_ignore_ascii_case(address) {
            String::new()
        } else {
            format!("orig_to=<{}>, ", address::quote(original))
        };
        let times = &outcome.times;
        services.log.info(
            ctx,
            tag,
            format_args!(
                "{}: to=<{}>, {orig_to}relay={}, delay={}, delays={}/{}/{}/{}, dsn={}, status={} ({})",
                file.id,
                address::quote(address),
                outcome.relay,
                Seconds(times.done.since(file.arrival)),
                Seconds(request.active_since.since(file.arrival)),
                Seconds(times.started.since(request.active_since)),
                Seconds(times.connected.since(times.started)),
                Seconds(times.done.since(times.connected)),
                outcome.dsn,
                if outcome.softened { "SOFTBOUNCE" } else { status_word(outcome.status) },
                outcome.reason,
            ),
        );
    }
    let event = Kind::Deliver {
        queue_id: file.id.clone(),
        rcpt: address.clone(),
        orig_to: recipient.original.clone(),
        agent: outcome.agent,
        target: outcome.target.clone(),
        uid: outcome.uid,
        dsn: outcome.dsn.clone(),
        status: outcome.status,
        text: SmolStr::from(&outcome.reason),
    };
    ctx.emit_decided(event, outcome.why.clone());
    kind
}

/// Writes the entry for the report to the sender.
fn append(
    services: &mut Services,
    file: &QueueFile,
    recipient: &Recipient,
    outcome: &mut Outcome,
    ctx: &mut Ctx<'_>,
) -> Option<LogKind> {
    let kind = match outcome.status {
        DeliveryStatus::Bounced => LogKind::Bounce,
        DeliveryStatus::Deferred => LogKind::Defer,
        // Another host that was handed the message reports itself, if it can.
        DeliveryStatus::Sent if file.attributes.trace_report => LogKind::Trace,
        DeliveryStatus::Deliverable | DeliveryStatus::Undeliverable if file.attributes.trace_only => LogKind::Trace,
        DeliveryStatus::Sent
            if recipient.notify.success && !outcome.untraced && (outcome.relayed || outcome.agent != Agent::Smtp) =>
        {
            LogKind::Trace
        }
        _ => return None,
    };
    let noted = match &outcome.sender {
        Some(sender) if kind == LogKind::Bounce => match bounce::one(services, file, sender, outcome, ctx) {
            Ok(()) => return None,
            Err(_) => false,
        },
        _ => bounce::append(services, kind, file, outcome, ctx).is_ok(),
    };
    if !noted && kind == LogKind::Bounce {
        outcome.status = DeliveryStatus::Deferred;
        outcome.dsn = SmolStr::new_static("4.3.0");
        outcome.reason = "bounce or trace service failure".into();
        // Without a defer log the sender is not told why it takes so long, and nothing more.
        let _ = bounce::append(services, LogKind::Defer, file, outcome, ctx);
        return Some(LogKind::Defer);
    }
    Some(kind)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn delays_have_two_significant_digits() {
        for (micros, text) in [
            (0, "0"),
            (70_000, "0.07"),
            (100_000, "0.1"),
            (134_000, "0.13"),
            (125_000, "0.13"),
            (996_000, "1"),
            (1_500_000, "1.5"),
            (9_970_000, "10"),
            (2_000_000, "2"),
            (12_345_678, "12"),
            (100_000_000, "100"),
        ] {
            assert_eq!(Seconds(Duration::from_micros(micros)).to_string(), text);
        }
    }
}
