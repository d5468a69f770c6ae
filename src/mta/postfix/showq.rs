//! showq(8): what is in the queue, with the reasons for which it waits.

use std::sync::Arc;

use smol_str::SmolStr;

use super::bounce::{BounceLog, LogKind};
use super::config::Params;
use super::queue::{self, Layout, record};
use super::queue_file::{QueueFile, QueueName};
use crate::host::Host;
use crate::host::vfs::{Cred, Errno};
use crate::sim::Time;

/// The queues in the order in which they are listed.
const ORDER: [QueueName; 5] =
    [QueueName::Maildrop, QueueName::Active, QueueName::Incoming, QueueName::Deferred, QueueName::Hold];

/// A message as it is listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Which queue it is in.
    pub queue: QueueName,
    /// Its queue id.
    pub id: SmolStr,
    /// When it arrived.
    pub arrival: Time,
    /// Its size in octets.
    pub size: u64,
    /// Whether it was asked to expire.
    pub forced_expire: bool,
    /// The sender; empty for the null sender.
    pub sender: SmolStr,
    /// Recipients that are not done, each with why it waits.
    pub recipients: Vec<(SmolStr, String)>,
}

/// The layout that a configuration gives the queue.
pub fn layout(params: &Params<'_>, host: &Host) -> Layout {
    let owner = host.accounts.user(&params.get("mail_owner")).map_or(Cred::ROOT, |user| host.accounts.cred(user));
    Layout {
        hashed: params.list("hash_queue_names"),
        depth: params.int("hash_queue_depth").unwrap_or(1).min(4) as usize,
        ..Layout::new(&params.get("queue_directory"), owner)
    }
}

/// Everything that is queued. What could be listed comes with the error that ended the listing.
pub fn list(layout: &Layout, host: &Host) -> (Vec<Listed>, Option<String>) {
    let mut all = Vec::new();
    for queue in ORDER {
        let files = match layout.scan(&host.vfs, queue.as_str()) {
            Ok(files) => files,
            Err(error) => return (all, Some(scan_error(queue, error))),
        };
        for (id, ino) in files {
            let Some(file) = queue::load(&host.vfs, ino) else { continue };
            all.push(listed(queue, id, &file, reasons(layout, &file.id, host)));
        }
    }
    (all, None)
}

fn scan_error(queue: QueueName, error: Errno) -> String {
    format!("scan_dir_push: open directory {}: {error}", queue.as_str())
}

fn reasons(layout: &Layout, id: &str, host: &Host) -> Option<Arc<BounceLog>> {
    host.vfs.read(&layout.path(LogKind::Defer.directory(), id), &Cred::ROOT).ok()?.object()
}

fn listed(queue: QueueName, id: SmolStr, file: &QueueFile, reasons: Option<Arc<BounceLog>>) -> Listed {
    let mut recipients: Vec<(SmolStr, String)> = Vec::new();
    for entry in reasons.iter().flat_map(|log| &log.entries) {
        if !recipients.iter().any(|(address, _)| *address == entry.address) {
            recipients.push((entry.address.clone(), entry.reason.clone()));
        }
    }
    for recipient in file.recipients.iter().filter(|recipient| !recipient.done) {
        if !recipients.iter().any(|(address, _)| *address == recipient.address) {
            recipients.push((recipient.address.clone(), String::new()));
        }
    }
    // What postdrop(1) wrote does not say how long its content is.
    let size = if file.size == 0 { record::maildrop_size(file) } else { file.size };
    let (arrival, sender) = (file.arrival, file.sender.clone());
    Listed { queue, id, arrival, size, forced_expire: file.forced_expire, sender, recipients }
}

/// The listing of `postqueue -p`.
pub fn text(all: &[Listed], host: &Host) -> String {
    let mut out = String::new();
    if all.is_empty() {
        return out;
    }
    out.push_str("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n");
    for (at, message) in all.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let mark = match message.queue {
            QueueName::Active => "*",
            QueueName::Hold if message.forced_expire => "!#",
            QueueName::Hold => "!",
            _ if message.forced_expire => "#",
            _ => " ",
        };
        let date = message.arrival.zoned(&host.zone).strftime("%a %b %e %H:%M:%S ").to_string();
        let sender = if message.sender.is_empty() { "MAILER-DAEMON" } else { &message.sender };
        let id = format!("{}{mark}", message.id);
        out.push_str(&format!("{id:<11} {:>7} {date:20} {sender}\n", message.size));
        let mut last = "";
        for (address, reason) in &message.recipients {
            if !reason.is_empty() && reason != last {
                out.push_str(&format!("{:>78}\n", format!("({reason})")));
            }
            last = reason;
            out.push_str(&format!("{:41}{address}\n", ""));
        }
    }
    out
}

/// The line that closes the listing.
pub fn summary(all: &[Listed]) -> String {
    if all.is_empty() {
        return "Mail queue is empty\n".to_owned();
    }
    let octets: u64 = all.iter().map(|message| message.size).sum();
    let plural = if all.len() == 1 { "" } else { "s" };
    format!("\n-- {} Kbytes in {} Request{plural}.\n", octets / 1024, all.len())
}

/// One message as `postqueue -j` prints it, without line end.
pub fn json(message: &Listed) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let recipients: Vec<String> = message
        .recipients
        .iter()
        .map(|(address, reason)| {
            let why = if reason.is_empty() { String::new() } else { format!(", \"delay_reason\": {}", quoted(reason)) };
            format!("{{\"address\": {}{why}}}", quoted(address))
        })
        .collect();
    format!(
        "{{\"queue_name\": {}, \"queue_id\": {}, \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": {}, \"sender\": {}, \"recipients\": [{}]}}",
        quoted(message.queue.as_str()),
        quoted(&message.id),
        message.arrival.secs(),
        message.size,
        message.forced_expire,
        quoted(if message.sender.is_empty() { "MAILER-DAEMON" } else { &message.sender }),
        recipients.join(", "),
    )
}
