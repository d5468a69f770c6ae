//! Notices to the postmaster about a session (`notify_classes`; `smtpd_chat_notify`).

use std::collections::BTreeSet;

use super::restrictions::ErrorClass;
use super::session::{Said, Session};
use crate::host::Ctx;
use crate::mta::postfix::cleanup::{Notice, post_mail};
use crate::mta::postfix::services::Services;

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

impl Session {
    /// Reports and forgets a long session at a point where nothing is under way.
    pub(super) fn flush_history(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let lines: u64 = self
            .transcript
            .iter()
            .map(|said| match said {
                Said::In(_) => 1,
                Said::Out(reply) => reply.lines.len() as u64,
            })
            .sum();
        if lines > self.conf.history_flush {
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
        let mut text = format!(
            "From: Mail Delivery System <MAILER-DAEMON@{}>\nTo: Postmaster <postmaster@{domain}>\n\
             Subject: {} SMTP server: errors from {}\n\nTranscript of session follows.\n\n",
            conf.myhostname, conf.mail_name, self.peer.namaddr
        );
        for said in said {
            match said {
                Said::In(line) => {
                    let clean: String =
                        String::from_utf8_lossy(&line).chars().map(|c| if c.is_control() { '?' } else { c }).collect();
                    text.push_str(&format!(" In:  {clean}\n"));
                }
                Said::Out(reply) => {
                    let last = reply.lines.len().saturating_sub(1);
                    for (index, line) in reply.lines.iter().enumerate() {
                        let separator = if index == last { ' ' } else { '-' };
                        text.push_str(&format!(" Out: {}{separator}{line}\n", reply.code));
                    }
                }
            }
        }
        text.push_str("\n\nFor other details, see the local mail logfile\n");
        let sender = services.bounce.double_bounce_sender().clone();
        let recipient = conf.error_notice_recipient.clone();
        // A notice that is not taken is lost, as in Postfix.
        let _ = post_mail(Notice { sender, recipient, text: text.into(), ..Notice::default() }, services, ctx);
    }
}
