//! Mail that is sent on: submitted again through cleanup(8) as a new message (`forward.c` of
//! Postfix).

use bytes::Bytes;
use smol_str::{SmolStr, StrExt as _};

use super::attributes::Attributes;
use super::settings::Settings;
use crate::mta::postfix::queue_file::{Message, Notify, Recipient};

/// One new message: the recipients that share a sender and a `Delivered-To:`.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    /// For `Delivered-To:`.
    pub delivered: SmolStr,
    /// Envelope sender.
    pub sender: SmolStr,
    /// To whom.
    pub recipients: Vec<Recipient>,
}

/// Adds a recipient to the message it belongs to. `from` is the recipient whose mail it is, `sender`
/// the sender of that mail: what was agreed with that sender is kept from another one.
pub(super) fn append(forwards: &mut Vec<Forward>, attributes: &Attributes, from: &Recipient, sender: &str) {
    let address = attributes.address.clone();
    let recipient = if attributes.sender.eq_ignore_ascii_case(sender) {
        let notify = Notify { success: false, never: from.notify.never || only_success(from.notify), ..from.notify };
        Recipient { address, original: from.original.clone(), orcpt: from.orcpt.clone(), notify, done: false }
    } else {
        let original = address.clone();
        Recipient { address, original, orcpt: SmolStr::default(), notify: Notify::default(), done: false }
    };
    let same =
        |forward: &&mut Forward| forward.delivered == attributes.delivered && forward.sender == attributes.sender;
    match forwards.iter_mut().find(same) {
        Some(forward) => forward.recipients.push(recipient),
        None => forwards.push(Forward {
            delivered: attributes.delivered.clone(),
            sender: attributes.sender.clone(),
            recipients: vec![recipient],
        }),
    }
}

/// Success is reported by the expansion itself.
fn only_success(notify: Notify) -> bool {
    notify == Notify { success: true, ..Notify::default() }
}

/// The content of the new message: a `Received:` line and the `Delivered-To:` that stops loops in
/// front of the old one. `date` is in the form of RFC 5322.
pub(super) fn content(forward: &Forward, message: &Message, id: &str, date: &str, settings: &Settings) -> Bytes {
    let mut all =
        format!("Received: by {} ({})\n\tid {id}; {date}\n", settings.myhostname, settings.mail_name).into_bytes();
    if settings.prepend_delivered_header.forward {
        all.extend_from_slice(b"Delivered-To: ");
        all.extend_from_slice(forward.delivered.to_lowercase_smolstr().as_bytes());
        all.push(b'\n');
    }
    all.extend_from_slice(&message.header);
    if message.separator {
        all.push(b'\n');
    }
    all.extend_from_slice(&message.body);
    all.into()
}

/// The addresses in `Delivered-To:` lines of a header, lower case.
pub(in crate::mta::postfix) fn delivered_to(header: &[u8]) -> Vec<SmolStr> {
    const NAME: &[u8] = b"delivered-to:";
    let mut found = Vec::new();
    let mut at = 0;
    while at < header.len() {
        let line = &header[at..];
        if line[0] | 0x20 == b'd' && line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
            let value = String::from_utf8_lossy(&line[NAME.len()..end]);
            found.push(value.trim().to_lowercase_smolstr());
        }
        at = memchr::memchr(b'\n', line).map_or(header.len(), |len| at + len + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivered_to_lines_are_found_in_any_case() {
        let header =
            b"Received: x\nDelivered-To: Alice@Example.com\ndelivered-to:bob@example.com\nX-Delivered-To: no\n";
        assert_eq!(delivered_to(header), ["alice@example.com", "bob@example.com"]);
        assert!(delivered_to(b"").is_empty());
    }

    #[test]
    fn recipients_with_one_sender_share_a_message() {
        let from = Recipient {
            address: "list@example.com".into(),
            original: "LIST@example.com".into(),
            orcpt: "".into(),
            notify: Notify { success: true, ..Notify::default() },
            done: false,
        };
        let mut forwards = Vec::new();
        for (address, sender) in [("a@x", "s@x"), ("b@x", "s@x"), ("c@x", "owner@x")] {
            let attributes = Attributes { address: address.into(), sender: sender.into(), ..Attributes::default() };
            append(&mut forwards, &attributes, &from, "s@x");
        }
        assert_eq!(forwards.iter().map(|forward| forward.recipients.len()).collect::<Vec<_>>(), [2, 1]);
        assert!(forwards[0].recipients[0].notify.never);
        assert_eq!(forwards[0].recipients[0].original, "LIST@example.com");
        assert_eq!(forwards[1].recipients[0].original, "c@x");
    }
}
