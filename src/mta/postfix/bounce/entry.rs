//! Log entries about recipients, kept per message until a report is made (`bounce_log.c`).

use std::fmt::Write as _;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use crate::host::vfs::Object;
use crate::mail::report::Action;
use crate::mta::postfix::delivery::{Diagnostic, Outcome};
use crate::mta::postfix::queue_file::{Notify, Recipient};
use crate::trace::{Agent, DeliveryStatus};

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address that was tried.
    pub address: SmolStr,
    /// The address as it came in.
    pub original: SmolStr,
    /// `ORCPT`.
    pub orcpt: SmolStr,
    /// `NOTIFY`.
    pub notify: Notify,
    /// Enhanced status code.
    pub status: SmolStr,
    /// What it means.
    pub action: Action,
    /// The reason in words.
    pub reason: String,
    /// Type and text of `Diagnostic-Code:`, if not Postfix's own reason.
    pub diagnostic: Option<(&'static str, String)>,
    /// The remote server's name.
    pub remote_mta: SmolStr,
}

impl Entry {
    fn new(recipient: &Recipient, status: &str, action: Action, reason: &str) -> Entry {
        Entry {
            address: recipient.address.clone(),
            original: recipient.original.clone(),
            orcpt: recipient.orcpt.clone(),
            notify: recipient.notify,
            status: status.into(),
            action,
            // Lines of the log file lose white space at their ends when they are read back.
            reason: reason.trim_end().to_owned(),
            diagnostic: None,
            remote_mta: SmolStr::default(),
        }
    }

    /// A recipient that failed before delivery was tried.
    pub fn failed(recipient: &Recipient, status: &str, reason: &str) -> Entry {
        Entry::new(recipient, status, Action::Failed, reason)
    }

    /// A recipient that was expanded into several others.
    pub fn expanded(recipient: &Recipient) -> Entry {
        Entry::new(recipient, "2.0.0", Action::Expanded, "alias expanded")
    }

    /// What a delivery agent found out.
    pub fn of(recipient: &Recipient, outcome: &Outcome) -> Entry {
        let action = match outcome.status {
            DeliveryStatus::Sent if matches!(outcome.agent, Agent::Smtp) => Action::Relayed,
            DeliveryStatus::Sent => Action::Delivered,
            DeliveryStatus::Deferred => Action::Delayed,
            DeliveryStatus::Bounced | DeliveryStatus::Expired => Action::Failed,
            DeliveryStatus::Deliverable => Action::Deliverable,
            DeliveryStatus::Undeliverable => Action::Undeliverable,
        };
        let mut entry = Entry::new(recipient, &outcome.dsn, action, &outcome.reason);
        if let Some(address) = &outcome.expanded {
            entry.address = address.clone();
        }
        if !outcome.remote_reply.is_empty() {
            let kind = match outcome.diagnostic {
                Diagnostic::Smtp => "smtp",
                Diagnostic::Unix => "x-unix",
            };
            entry.diagnostic = Some((kind, outcome.remote_reply.clone()));
        }
        entry.remote_mta = outcome.remote_mta.clone();
        entry
    }

    /// The same entry for a delivery report: the reason names the way.
    #[must_use]
    pub fn via(mut self, relay: &str) -> Entry {
        if relay != "none" {
            self.reason = format!("delivery via {relay}: {}", self.reason);
        }
        self
    }
}

/// The entries about one message: the content of a file under `bounce`, `defer` or `trace`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BounceLog {
    /// In order of happening.
    pub entries: Vec<Arc<Entry>>,
}

impl BounceLog {
    fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let original = if entry.original == entry.address {
                SmolStr::default()
            } else {
                format_smolstr!("original_recipient={}\n", entry.original)
            };
            let _ = write!(
                text,
                "\n<{}>: {}\nrecipient={}\n{original}dsn_orig_rcpt={}\nstatus={}\naction={}\n",
                entry.address,
                entry.reason,
                entry.address,
                entry.orcpt,
                entry.status,
                entry.action.as_str(),
            );
            if let Some((kind, diagnostic)) = &entry.diagnostic {
                let _ = write!(text, "diag_type={kind}\ndiag_text={diagnostic}\n");
            }
            if !entry.remote_mta.is_empty() {
                let _ = write!(text, "mta_type=dns\nmta_mname={}\n", entry.remote_mta);
            }
            let _ = writeln!(text, "reason={}", entry.reason);
        }
        text
    }
}

impl Object for BounceLog {
    fn bytes(&self) -> Vec<u8> {
        self.text().into_bytes()
    }

    fn size(&self) -> u64 {
        self.text().len() as u64
    }
}
