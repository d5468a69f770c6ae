//! Variable envelope return paths (VERP_README): the sender of each copy names its recipient, so
//! that a list knows whose mail bounced.

use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::queue_file::QueueFile;

/// Whether these are two delimiters that `verp_delimiter_filter` allows.
pub fn are_delimiters(delimiters: &str, filter: &str) -> bool {
    delimiters.chars().count() == 2 && delimiters.chars().all(|delimiter| filter.contains(delimiter))
}

/// The message as the agent for one recipient gets it: `owner@example.com` becomes
/// `owner+bob=example.org@example.com`. The same message if VERP was not asked for.
pub fn addressed(file: &Arc<QueueFile>, recipient: usize) -> Arc<QueueFile> {
    let mut delimiters = file.attributes.verp.chars();
    let (Some(first), Some(second), Some(recipient), Some((local, domain))) =
        (delimiters.next(), delimiters.next(), file.recipients.get(recipient), file.sender.rsplit_once('@'))
    else {
        return Arc::clone(file);
    };
    let to = if recipient.original.is_empty() { &recipient.address } else { &recipient.original };
    let named = match to.rsplit_once('@') {
        Some((local, domain)) => format_smolstr!("{local}{second}{domain}"),
        None => to.clone(),
    };
    let sender: SmolStr = format_smolstr!("{local}{first}{named}@{domain}");
    Arc::new(QueueFile { sender, ..(**file).clone() })
}
