//! The layout of notifications (`bounce_notify_util.c`).

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;

use super::entry::Entry;
use super::template::{Template, Texts};
use crate::mail::address;
use crate::mail::date;
use crate::mail::report::{Action, Fields, INDENT, WIDTH, wrap};
use crate::mta::postfix::queue_file::{QueueFile, Ret};
use crate::sim::Time;

/// Everything that a notification is made of.
pub struct Report<'a> {
    /// Which notification it is.
    pub template: Template,
    /// What it says.
    pub texts: &'a Texts,
    /// The lines before the list of recipients.
    pub opening: &'a str,
    /// `myhostname`.
    pub myhostname: &'a str,
    /// `maximal_queue_lifetime`.
    pub lifetime: Duration,
    /// The message it is about.
    pub file: &'a QueueFile,
    /// The recipients it is about.
    pub entries: &'a [&'a Entry],
    /// To whom it goes.
    pub to: &'a str,
    /// Whether it is the postmaster's copy, without the polite text.
    pub postmaster: bool,
    /// How much of the message it returns.
    pub ret: Ret,
    /// `bounce_size_limit`.
    pub size_limit: u64,
    /// `MAILER-DAEMON` with this host's name, for messages without a sender.
    pub mailer_daemon: &'a str,
    /// Now.
    pub now: Time,
    /// The host's time zone.
    pub zone: &'a TimeZone,
}

impl Report<'_> {
    fn boundary(&self) -> String {
        format!("{}.{}/{}", self.file.id, self.now.secs(), self.myhostname)
    }

    /// The header with its empty line.
    pub fn header(&self) -> String {
        let (subject, auto) = if self.postmaster {
            (self.texts.postmaster_subject.as_ref().unwrap_or(&self.texts.subject), "auto-generated")
        } else {
            (&self.texts.subject, "auto-replied")
        };
        format!(
            "From: {}\nSubject: {subject}\nTo: {}\nAuto-Submitted: {auto}\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"{}\"\nContent-Transfer-Encoding: 8bit\n\n",
            self.texts.from,
            address::quote(self.to),
            self.boundary(),
        )
    }

    /// The whole notification, without the fields that are added on the way.
    pub fn text(&self) -> Bytes {
        let boundary = self.boundary();
        let mut text = self.header();
        let _ = write!(
            text,
            "This is a MIME-encapsulated message.\n\n--{boundary}\nContent-Description: Notification\n\
             Content-Type: text/plain; charset={}\nContent-Transfer-Encoding: 8bit\n\n",
            self.texts.charset()
        );
        if !self.postmaster {
            text.push_str(self.opening);
        }
        for entry in self.entries {
            text.push('\n');
            text.push_str(&wrap(&recipient_line(entry), WIDTH, INDENT));
        }
        let _ = write!(
            text,
            "\n--{boundary}\nContent-Description: Delivery report\nContent-Type: message/{}\n\n{}",
            if self.file.attributes.smtputf8 {
                "global-delivery-status\nContent-Transfer-Encoding: 8bit"
            } else {
                "delivery-status"
            },
            self.delivery_status()
        );
        self.original(text, &boundary)
    }

    fn sender(&self) -> &str {
        if self.file.sender.is_empty() { self.mailer_daemon } else { &self.file.sender }
    }

    /// `message/delivery-status` (RFC 3464).
    fn delivery_status(&self) -> String {
        let file = self.file;
        let kind = if file.attributes.smtputf8 { "utf-8" } else { "rfc822" };
        let mut message = Fields::default();
        message.add("Reporting-MTA", &format!("dns; {}", self.myhostname));
        if !file.attributes.dsn_envid.is_empty() {
            message.add("Original-Envelope-Id", &file.attributes.dsn_envid);
        }
        message.add("X-Postfix-Queue-ID", &file.id);
        message.add("X-Postfix-Sender", &format!("rfc822; {}", address::quote(self.sender())));
        message.add("Arrival-Date", &date::rfc5322(file.arrival, self.zone));
        let mut text = message.as_str().to_owned();
        for entry in self.entries {
            let kind = if entry.address.is_ascii() { "rfc822" } else { kind };
            let mut fields = Fields::default();
            fields.add("Final-Recipient", &format!("{kind}; {}", address::quote(&entry.address)));
            if !entry.orcpt.is_empty() {
                fields.add("Original-Recipient", &entry.orcpt);
            }
            fields.add("Action", entry.action.as_str());
            fields.add("Status", &entry.status);
            if !entry.remote_mta.is_empty() {
                fields.add("Remote-MTA", &format!("dns; {}", entry.remote_mta));
            }
            match &entry.diagnostic {
                Some((kind, text)) => fields.add("Diagnostic-Code", &format!("{kind}; {text}")),
                None => fields.add("Diagnostic-Code", &format!("X-Postfix; {}", entry.reason)),
            };
            if entry.action == Action::Delayed {
                let until = file.arrival + self.lifetime;
                fields.add("Will-Retry-Until", &date::rfc5322(until, self.zone));
            }
            text.push('\n');
            text.push_str(fields.as_str());
        }
        text
    }

    /// Adds the original message, or its header, and the end.
    fn original(&self, mut text: String, boundary: &str) -> Bytes {
        let file = self.file;
        let too_long = self.size_limit > 0 && file.size > self.size_limit;
        let headers_only = self.ret == Ret::Headers || too_long;
        let (suffix, kind) = match (headers_only, file.attributes.smtputf8) {
            (true, false) => (" Headers", "text/rfc822-headers"),
            (true, true) => (" Headers", "message/global-headers"),
            (false, false) => ("", "message/rfc822"),
            (false, true) => ("", "message/global"),
        };
        let _ = write!(
            text,
            "\n--{boundary}\nContent-Description: {}{suffix}\nContent-Type: {kind}\nContent-Transfer-Encoding: 8bit\n\n\
             Return-Path: <{}>\n",
            self.template.original(),
            address::quote(self.sender()),
        );
        let (separator, body): (&[u8], &[u8]) = match headers_only || !file.message.separator {
            true => (b"", b""),
            false => (b"\n", &file.message.body),
        };
        let end = format!("\n--{boundary}--\n");
        [text.as_bytes(), &file.message.header, separator, body, end.as_bytes()].concat().into()
    }
}

fn recipient_line(entry: &Entry) -> String {
    let from = if entry.original == entry.address || entry.original.is_empty() {
        String::new()
    } else {
        format!(" (expanded from <{}>)", address::quote(&entry.original))
    };
    format!("<{}>{from}: {}", address::quote(&entry.address), entry.reason)
}
