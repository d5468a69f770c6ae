//! Verdicts on mail, as words for stamps.

use serde::Serialize;

use crate::session::story::Tone;
use crate::trace::{Agent, DeliveryStatus, Event, Kind};

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Taken over.
    Accepted,
    /// Not now.
    Later,
    /// No.
    Refused,
    /// Cannot be delivered at all.
    Bounced,
    /// In its mailbox.
    Delivered,
    /// In its mailbox, but it is a report about a mail that is not.
    Reported,
    /// Given to a program.
    Piped,
    /// Passed on to the next host.
    HandedOver,
    /// The mailbox has no room for it.
    Full,
    /// No mail for others from you.
    RelayRefused,
    /// Mail for others from anybody.
    OpenRelay,
}

impl Verdict {
    /// The name of its word in the language files.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Accepted => "stamp-accepted",
            Verdict::Later => "stamp-later",
            Verdict::Refused => "stamp-refused",
            Verdict::Bounced => "stamp-bounced",
            Verdict::Delivered => "stamp-delivered",
            Verdict::Reported => "stamp-reported",
            Verdict::Piped => "stamp-piped",
            Verdict::HandedOver => "stamp-handed-over",
            Verdict::Full => "stamp-full",
            Verdict::RelayRefused => "stamp-relay-refused",
            Verdict::OpenRelay => "stamp-open-relay",
        }
    }

    /// What it means for the mail.
    pub fn tone(self) -> Tone {
        match self {
            Verdict::Accepted | Verdict::Delivered | Verdict::HandedOver | Verdict::Piped => Tone::Good,
            Verdict::RelayRefused => Tone::Good,
            Verdict::Reported => Tone::Dim,
            Verdict::Later => Tone::Waiting,
            Verdict::Refused | Verdict::Bounced | Verdict::Full | Verdict::OpenRelay => Tone::Bad,
        }
    }

    /// The same for a mail without a sender: what is good for a report is not for the mail that it is about.
    #[must_use]
    pub fn on_report(self) -> Verdict {
        if self == Verdict::Delivered { Verdict::Reported } else { self }
    }

    /// The verdict that an event is by itself; most are none.
    pub fn of(event: &Event) -> Option<Verdict> {
        match &event.kind {
            Kind::SmtpReply { code, text, .. } => match code {
                500.. if text.contains("Relay access denied") => Some(Verdict::RelayRefused),
                // The verdict fell with the last recipient.
                500.. if text.contains("no valid recipients") => None,
                500.. => Some(Verdict::Refused),
                400.. => Some(Verdict::Later),
                250 if text.contains("queued as") => Some(Verdict::Accepted),
                _ => None,
            },
            Kind::Deliver { status, agent, target, dsn, .. } => match status {
                DeliveryStatus::Sent if *agent == Agent::Smtp => Some(Verdict::HandedOver),
                DeliveryStatus::Sent if matches!(agent, Agent::Pipe | Agent::Command) => Some(Verdict::Piped),
                DeliveryStatus::Sent if target.is_empty() => None,
                DeliveryStatus::Sent => Some(Verdict::Delivered),
                DeliveryStatus::Deliverable | DeliveryStatus::Undeliverable => None,
                // RFC 3463, section 3.3: X.2.2 is a mailbox that is full.
                _ if dsn.ends_with(".2.2") => Some(Verdict::Full),
                DeliveryStatus::Deferred => Some(Verdict::Later),
                DeliveryStatus::Bounced | DeliveryStatus::Expired => Some(Verdict::Bounced),
            },
            _ => None,
        }
    }
}
