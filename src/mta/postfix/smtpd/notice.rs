//! Notices to the postmaster about a session (`notify_classes`; `smtpd_chat_notify`).

use std::collections::BTreeSet;

use smol_str::format_smolstr;

use super::restrictions::ErrorClass;
use super::session::Session;
use crate::host::Ctx;
use crate::mail::report::{INDENT, wrap};
use crate::mta::postfix::cleanup::{Notice, post_mail};
use crate::mta::postfix::services::Services;
use crate::smtp::reply::Reply;

/// Longest line of a transcript.
const LENGTH: usize = 78;

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
        reply.each_line(|code, separator, line| {
            self.text.reserve(line.len() + 12);
            self.text.extend_from_slice(b" Out: ");
            self.text.extend_from_slice(code.as_bytes());
            self.text.push(separator as u8);
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
            self.lines += 1;
        });
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
        let wanted = self.conf.notify_classes.iter().any(|class| classes.contains(class.as_str()));
        let said = std::mem::take(&mut self.transcript);
        if !wanted {
            return;
        }
        let conf = &self.conf;
        let domain = &conf.notice_domain;
        let to = match &conf.error_notice_recipient {
            bare if !bare.contains('@') => format_smolstr!("{bare}@{domain}"),
            complete => complete.clone(),
        };
        let mut text = format!(
            "From: Mail Delivery System <MAILER-DAEMON@{}>\nTo: Postmaster <{to}>\n\
             Subject: {} SMTP server: errors from {}\n\nTranscript of session follows.\n\n",
            conf.myhostname, conf.mail_name, self.peer.namaddr
        );
        for line in String::from_utf8_lossy(&said.text).lines() {
            for piece in wrap(line.strip_prefix(' ').unwrap_or(line), LENGTH, INDENT).lines() {
                text.push(' ');
                text.push_str(piece);
                text.push('\n');
            }
        }
        text.push_str("\n\nFor other details, see the local mail logfile\n");
        let sender = services.bounce.double_bounce_sender().clone();
        let recipient = conf.error_notice_recipient.clone();
        // A notice that is not taken is lost, as in Postfix.
        let _ = post_mail(Notice { sender, recipient, text: text.into(), ..Notice::default() }, services, ctx);
    }
}
