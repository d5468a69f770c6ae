//! How it ended: who got what, what waits, what could not be delivered and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::wrap::wrap;
use super::{Style, Tone, WIDTH, moment};
use crate::session::Session;
use crate::session::words::{Value, Words};
use crate::sim::HostId;
use crate::trace::{Agent, DeliveryStatus, Kind, Trace};

/// What became of the mails of a trace.
#[derive(Debug, Default)]
struct Balance {
    /// Mails that reached their place, one line each, with their number.
    delivered: Vec<(String, u64)>,
    /// Mails in a queue, by host and queue id: recipients and the last reason.
    waiting: BTreeMap<(HostId, String), (String, String)>,
    /// Failed deliveries: recipient, reason, and host and queue id.
    undeliverable: Vec<(String, String, (HostId, String))>,
    /// Whom the report about a mail went to.
    told: BTreeMap<(HostId, String), String>,
    /// Recipients that were refused in a dialogue of the script, which no queue knows of.
    refused: u64,
}

impl Balance {
    fn of(trace: &Trace) -> Balance {
        let mut balance = Balance::default();
        for event in trace.iter() {
            let Some(host) = event.host else { continue };
            match &event.kind {
                Kind::Deliver { queue_id, rcpt, agent, target, status, text, .. } => {
                    let key = (host, queue_id.to_string());
                    match status {
                        // On their way: to another host, another program, or as a new mail.
                        DeliveryStatus::Sent if passes_on(*agent) || target.is_empty() => {}
                        DeliveryStatus::Sent => {
                            balance.deliver(format!("{rcpt} ──▶ {}: {target}", trace.host_name(host)))
                        }
                        DeliveryStatus::Bounced | DeliveryStatus::Expired => {
                            balance.undeliverable.push((rcpt.to_string(), text.to_string(), key));
                        }
                        DeliveryStatus::Deferred => {
                            if let Some(waiting) = balance.waiting.get_mut(&key) {
                                waiting.1 = text.to_string();
                            }
                        }
                        DeliveryStatus::Deliverable | DeliveryStatus::Undeliverable => {}
                    }
                }
                Kind::QueueEnter { queue_id, rcpts, .. } => {
                    balance.waiting.insert((host, queue_id.to_string()), (rcpts.join(", "), String::new()));
                }
                Kind::QueueLeave { queue_id, .. } => {
                    balance.waiting.remove(&(host, queue_id.to_string()));
                }
                Kind::Bounce { queue_id, to, .. } => {
                    balance.told.insert((host, queue_id.to_string()), to.to_string());
                }
                Kind::PolicyVerdict { action, .. } if action == "reject" => balance.refused += 1,
                _ => {}
            }
        }
        balance
    }

    fn deliver(&mut self, line: String) {
        match self.delivered.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => self.delivered.push((line, 1)),
        }
    }
}

/// Appends the ending of a session's story.
pub(super) fn tell(session: &Session, style: &Style, words: &Words, text: &mut String) {
    let trace = session.world().trace();
    let balance = Balance::of(trace);
    let delivered: Vec<String> = balance.delivered.iter().map(|(line, count)| times(line, *count)).collect();
    let waiting = balance.waiting.iter().map(|((host, id), (rcpts, reason))| {
        let line = format!("{rcpts}, {}: {id}", trace.host_name(*host));
        if reason.is_empty() { line } else { format!("{line}: {reason}") }
    });
    let undeliverable = balance.undeliverable.iter().map(|(rcpt, reason, key)| {
        let told = balance.told.get(key).map(|to| words.say("told", &[("to", to.into())]));
        let told = told.map_or(String::new(), |told| format!(" ({told})"));
        format!("{rcpt}, {}: {reason}{told}", trace.host_name(key.0))
    });
    let delivered_count = balance.delivered.iter().map(|(_, count)| count).sum();
    let sections = [
        ("total-delivered", Tone::Good, delivered_count, delivered),
        ("total-waiting", Tone::Waiting, balance.waiting.len() as u64, waiting.collect()),
        ("total-bounced", Tone::Bad, balance.undeliverable.len() as u64, undeliverable.collect()),
        ("total-refused", Tone::Bad, balance.refused, Vec::new()),
    ];
    let _ = writeln!(text, "\n{}", style.paint(Tone::Title, &words.word("ended")));
    for (title, tone, count, lines) in sections {
        // What did not occur is worth a line only for what every mail may come to.
        if count == 0 && title == "total-refused" {
            continue;
        }
        let title = words.say(title, &[("count", Value::Count(count))]);
        let tone = if count == 0 { Tone::Dim } else { tone };
        let _ = writeln!(text, "  {}", style.paint(tone, &title));
        for line in lines {
            let mut indent = "    ";
            for part in wrap(&line, WIDTH - 6) {
                let _ = writeln!(text, "{indent}{part}");
                indent = "      ";
            }
        }
    }
    let failed = session.failed_expectations();
    if failed > 0 {
        let line = words.say("unmet", &[("count", Value::Count(failed))]);
        let _ = writeln!(text, "  {}", style.paint(Tone::Bad, &line));
    }
    let end = words.say("end-time", &[("time", (&moment(session.world().now())).into())]);
    let _ = writeln!(text, "  {}", style.paint(Tone::Dim, &end));
}

/// Whether an agent hands mail to somebody who reports its own delivery.
fn passes_on(agent: Agent) -> bool {
    matches!(agent, Agent::Smtp | Agent::Lmtp | Agent::Pipe)
}

fn times(line: &str, count: u64) -> String {
    if count == 1 { line.to_owned() } else { format!("{line} ({count} ×)") }
}
