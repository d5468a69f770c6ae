//! Notices to the postmaster about a session (`notify_classes`; `smtpd_chat_notify`).

use std::collections::BTreeSet;

use super::restrictions::ErrorClass;
use super::session::Session;
use crate::host::Ctx;
use crate::mta::postfix::notice::About;
use crate::mta::postfix::services::Services;
use crate::smtp::reply::Reply;

fn name(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Bounce => "bounce",
        ErrorClass::Data => "data",
        ErrorClass::Policy => "policy",
        ErrorClass::Protocol => "protocol",
        ErrorClass::Resource => "resource",
        ErrorClass::Software => "software",
    }
}

/// What was said, as the notice shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    text: Vec<u8>,
    lines: u64,
}

impl Transcript {
    /// Notes a command.
    pub fn heard(&mut self, line: &[u8]) {
        self.text.reserve(line.len() + 8);
        self.text.extend_from_slice(b" In:  ");
        // Without a way out of the loop the octets are looked at many at a time.
        if line.iter().fold(true, |plain, octet| plain & (b' '..=b'~').contains(octet)) {
            self.text.extend_from_slice(line);
        } else {
            let text = String::from_utf8_lossy(line);
            let shown: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            self.text.extend_from_slice(shown.as_bytes());
        }
        self.text.push(b'\n');
        self.lines += 1;
    }

    /// Notes a reply.
    pub fn said(&mut self, reply: &Reply) {
        for (head, line) in reply.coded_lines() {
            self.text.reserve(line.len() + 12);
            self.text.extend_from_slice(b" Out: ");
            self.text.extend_from_slice(&head);
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
            self.lines += 1;
        }
    }
}

impl Session {
    /// Reports and forgets a long session at a point where nothing is under way.
    pub(super) fn flush_history(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if self.transcript.lines > self.conf.history_flush {
            self.notify_postmaster(services, ctx);
        }
    }

    /// Mails a transcript if something happened that the postmaster wants to know.
    pub(super) fn notify_postmaster(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let classes: BTreeSet<&str> = self.errors_seen.drain(..).map(name).collect();
        let notices = &self.conf.notices;
        let said = std::mem::take(&mut self.transcript);
        if !classes.into_iter().any(|class| notices.wants(class)) {
            return;
        }
        let about = About { program: "SMTP server", peer: &self.peer.namaddr, opening: "", closing: "\n" };
        notices.mail(about, &said.text, services, ctx);
    }
}
