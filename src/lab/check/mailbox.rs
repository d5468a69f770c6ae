//! Mail that was delivered and lies in a mailbox.

use serde::Deserialize;

use super::{Bench, By, Fields, Finding, matches_text, on_behalf, text};
use crate::host::vfs::Cred;
use crate::mail::header::Fields as HeaderFields;
use crate::mailbox::mbox;
use crate::trace::{Agent, DeliveryStatus, Event, Kind};

/// Messages that a delivery put into a user's mailbox since the student began. What an editor
/// wrote there does not count.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// The host.
    pub host: String,
    /// The user.
    pub user: String,
    /// Who sent them; anybody if missing.
    #[serde(default)]
    pub by: Option<By>,
    /// The envelope sender; any if missing.
    #[serde(default)]
    pub sender: Option<String>,
    /// Whether `From:` must name somebody else than the envelope sender.
    #[serde(default)]
    pub from_differs: bool,
    /// Header fields that must be there, with what each must match.
    #[serde(default)]
    pub header: Fields,
    /// Header fields that must not be there.
    #[serde(default)]
    pub without: Vec<String>,
    /// What one line of the body must match.
    #[serde(default)]
    pub body: Option<String>,
    /// Lines that the body must have exactly once.
    #[serde(default)]
    pub lines: Vec<String>,
    /// At least so many such messages.
    #[serde(default = "one")]
    pub at_least: u64,
    /// At most so many.
    #[serde(default)]
    pub at_most: Option<u64>,
}

fn one() -> u64 {
    1
}

impl Mailbox {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let mut wanted: Vec<String> = self.header.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        wanted.extend(self.body.iter().map(|body| format!("\u{201c}{body}\u{201d}")));
        wanted.extend(self.without.iter().map(|name| format!("-{name}")));
        let what = wanted.join(", ");
        let expected = text(
            format!("mail in the mailbox of {} on {}: {what}", self.user, self.host),
            format!("Mail im Postfach von {} auf {}: {what}", self.user, self.host),
        );
        let (mut count, mut last, mut miss) = (0_u64, None, None);
        for (event, message) in self.delivered(bench) {
            match self.mismatch(&message) {
                None => (count, last) = (count + 1, Some(event)),
                Some(reason) => miss = Some((event, reason)),
            }
        }
        let ok = count >= self.at_least && self.at_most.is_none_or(|most| count <= most);
        let actual = match &miss {
            Some((_, reason)) if count == 0 => {
                text(format!("there is mail, but: {reason}"), format!("da ist Mail, aber: {reason}"))
            }
            _ => text(format!("{count} such messages"), format!("{count} solche Nachrichten")),
        };
        Finding::new(ok, expected, actual).at(last.or(miss.map(|(event, _)| event)))
    }

    /// The stored messages that were really delivered.
    fn delivered(&self, bench: &Bench<'_>) -> Vec<(crate::trace::EventId, Vec<u8>)> {
        let world = bench.world;
        let Some(id) = world.find(&self.host) else { return Vec::new() };
        let host = world.host(id);
        let Some(uid) = host.accounts.user(&self.user).map(|user| user.uid) else { return Vec::new() };
        let mut found = Vec::new();
        for event in world.trace().since(bench.since).filter(|event| event.host == Some(id)) {
            let Kind::Deliver { queue_id, agent, target, uid: as_uid, status: DeliveryStatus::Sent, .. } = &event.kind
            else {
                continue;
            };
            let stores = matches!(agent, Agent::Local | Agent::Virtual | Agent::File | Agent::Mailbox);
            let theirs = *as_uid == uid || target.ends_with(&format!("/{}", self.user));
            let counts = self.by.is_none_or(|by| on_behalf(world.trace(), event.id, by));
            if !(stores && theirs && counts) || is_forged(bench, event, target) {
                continue;
            }
            let Ok(content) = host.vfs.read(target, &Cred::ROOT) else { continue };
            let messages = mbox::parse(&content.to_vec().into());
            let contents = messages.iter().map(mbox::Entry::content);
            found.extend(contents.filter(|content| is_of(content, queue_id)).map(|content| (event.id, content)));
        }
        found
    }

    /// What is not as it should be.
    fn mismatch(&self, message: &[u8]) -> Option<String> {
        let field = |name: &str| field(message, name);
        let message = String::from_utf8_lossy(message);
        let body = message.split_once("\n\n").map_or("", |(_, body)| body);
        for (name, wanted) in &self.header {
            match field(name) {
                None => return Some(format!("{name}: -")),
                Some(value) if !matches_text(value.trim(), wanted) => return Some(format!("{name}: {}", value.trim())),
                Some(_) => {}
            }
        }
        if let Some(name) = self.without.iter().find(|name| field(name).is_some()) {
            return Some(format!("{name}: {}", field(name).unwrap_or_default().trim()));
        }
        let sender = field("Return-Path").unwrap_or_default();
        let sender = sender.trim().trim_matches(['<', '>']);
        if self.sender.as_ref().is_some_and(|wanted| !matches_text(sender, wanted)) {
            return Some(format!("MAIL FROM:<{sender}>"));
        }
        let from = field("From").unwrap_or_default().to_lowercase();
        if self.from_differs && (from.is_empty() || from.contains(&sender.to_lowercase())) {
            return Some(format!("MAIL FROM:<{sender}>, From: {from}"));
        }
        if let Some(wanted) = &self.body
            && !body.lines().any(|line| matches_text(line.trim(), wanted))
        {
            return Some(body.lines().next().unwrap_or_default().to_owned());
        }
        let missing = self.lines.iter().find(|wanted| body.lines().filter(|line| line == wanted).count() != 1);
        missing.map(|line| format!("{line} \u{d7}{}", body.lines().filter(|found| found == line).count()))
    }
}

/// Whether a message came in under a queue id, by the topmost `Received:`.
fn is_of(message: &[u8], queue_id: &str) -> bool {
    field(message, "Received").is_some_and(|value| value.split([' ', ';']).any(|word| word == queue_id))
}

/// The first header field of this name, on one line.
fn field(message: &[u8], name: &str) -> Option<String> {
    let mut fields = HeaderFields::new(message);
    fields.find(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.unfolded())
}

/// Whether something else than a mail program wrote to the file afterwards.
fn is_forged(bench: &Bench<'_>, delivery: &Event, target: &str) -> bool {
    bench.world.trace().since(delivery.id.0).any(|event| {
        event.host == delivery.host
            && matches!(&event.kind, Kind::FileWrite { path, by } if path == target && !is_reader(by))
    })
}

/// Programs that write a mailbox back when mail was read.
fn is_reader(program: &str) -> bool {
    matches!(program, "mail" | "mailx" | "mutt" | "dovecot" | "local" | "virtual")
}
