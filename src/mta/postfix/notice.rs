//! Transcripts of sessions for the postmaster (`notify_classes`; `smtpd_chat.c`, `smtp_chat.c`).

use smol_str::{SmolStr, format_smolstr};

use super::cleanup::{Notice, post_mail};
use super::config::Params;
use super::services::Services;
use crate::host::Ctx;
use crate::mail::report::{INDENT, wrap};

/// Longest line of a transcript.
const LENGTH: usize = 78;

/// The classes of problems that the postmaster may want to know of.
pub const NOTIFY_CLASSES: [&str; 8] =
    ["bounce", "2bounce", "data", "delay", "policy", "protocol", "resource", "software"];

/// Which notices are wanted, and who gets them.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    classes: Vec<SmolStr>,
    recipient: SmolStr,
    origin: SmolStr,
    myhostname: SmolStr,
    mail_name: SmolStr,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// `SMTP server` or `SMTP client`.
    pub program: &'a str,
    /// The other end.
    pub peer: &'a str,
    /// What stands before the transcript.
    pub opening: &'a str,
    /// What stands between the transcript and the closing words.
    pub closing: &'a str,
}

impl Notices {
    /// Reads `notify_classes` and where notices go.
    pub fn load(params: &Params<'_>) -> Notices {
        let classes = params.list("notify_classes");
        Notices {
            classes: classes.iter().map(|class| class.to_ascii_lowercase().into()).collect(),
            recipient: params.get("error_notice_recipient"),
            origin: params.get("myorigin"),
            myhostname: params.get("myhostname"),
            mail_name: params.get("mail_name"),
        }
    }

    /// Whether notices of a class are wanted.
    pub fn wants(&self, class: &str) -> bool {
        self.classes.iter().any(|wanted| wanted == class)
    }

    /// Mails a transcript, whose lines begin with a blank.
    pub fn mail(&self, about: About<'_>, said: &[u8], services: &mut Services, ctx: &mut Ctx<'_>) {
        let to = match &self.recipient {
            bare if !bare.contains('@') => format_smolstr!("{bare}@{}", self.origin),
            complete => complete.clone(),
        };
        let mut text = format!(
            "From: Mail Delivery System <MAILER-DAEMON@{}>\nTo: Postmaster <{to}>\n\
             Subject: {} {}: errors from {}\n\n{}Transcript of session follows.\n\n",
            self.myhostname, self.mail_name, about.program, about.peer, about.opening
        );
        for line in String::from_utf8_lossy(said).lines() {
            for piece in wrap(line.strip_prefix(' ').unwrap_or(line), LENGTH, INDENT).lines() {
                text.push(' ');
                text.push_str(piece);
                text.push('\n');
            }
        }
        text.push_str(about.closing);
        text.push_str("\nFor other details, see the local mail logfile\n");
        let notice = Notice {
            sender: services.bounce.double_bounce_sender().clone(),
            recipient: self.recipient.clone(),
            text: text.into(),
            ..Notice::default()
        };
        // A notice that is not taken is lost, as in Postfix.
        let _ = post_mail(notice, services, ctx);
    }
}
