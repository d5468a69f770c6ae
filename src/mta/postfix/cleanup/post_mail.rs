//! Mail that Postfix's own programs write (`post_mail.c`).

use bytes::Bytes;
use smol_str::SmolStr;

use super::state::State;
use super::{CleanupError, Flags, Status, Submission, submit};
use crate::host::Ctx;
use crate::mta::postfix::queue_file::{Attributes, Notify, Recipient};
use crate::mta::postfix::services::Services;
use crate::trace::Via;

/// A notice to be mailed.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// Envelope sender; empty for the null sender.
    pub sender: SmolStr,
    /// Envelope recipient.
    pub recipient: SmolStr,
    /// Header, without `Received:` and `Date:`, empty line and body.
    pub text: Bytes,
    /// Whether it needs SMTPUTF8.
    pub smtputf8: bool,
    /// Whether it only finds out if the recipient would be delivered to (verify(8)).
    pub verify_probe: bool,
}

/// Mails a notice and returns its queue id.
///
/// # Errors
/// It is not taken.
pub fn post_mail(notice: Notice, services: &mut Services, ctx: &mut Ctx<'_>) -> Result<SmolStr, CleanupError> {
    let id = reserve(services, ctx)?;
    let content = content(&id, &notice.text, services, ctx);
    let recipient = Recipient {
        address: notice.recipient.clone(),
        original: notice.recipient,
        orcpt: SmolStr::default(),
        notify: Notify::default(),
        done: false,
    };
    let attributes = Attributes {
        rewrite_context: "local".into(),
        smtputf8: notice.smtputf8,
        verify_probe: notice.verify_probe,
        ..Attributes::default()
    };
    let submission = Submission {
        id,
        arrival: ctx.now,
        sender: notice.sender,
        full_name: SmolStr::default(),
        recipients: vec![recipient],
        attributes,
        content,
        via: Via::Bounce,
        flags: Flags::INTERNAL,
    };
    submit(submission, services, ctx)
}

/// Begins a notice and gives it up after its header: cleanup(8) has seen the header by then.
pub fn abandon_notice(header: &str, services: &mut Services, ctx: &mut Ctx<'_>) {
    let Ok(id) = reserve(services, ctx) else { return };
    let content = content(&id, header.as_bytes(), services, ctx);
    State::new(services, ctx, id.clone(), Flags::INTERNAL).take_message(&content);
    services.queue.release(&id, ctx);
}

fn reserve(services: &mut Services, ctx: &mut Ctx<'_>) -> Result<SmolStr, CleanupError> {
    services.queue.allocate(ctx).map_err(|_| CleanupError { status: Status::WRITE, reason: None })
}

fn content(id: &str, text: &[u8], services: &mut Services, ctx: &mut Ctx<'_>) -> Bytes {
    let cleanup = &mut services.cleanup;
    let date = cleanup.dates.rfc5322(ctx.now, &ctx.host.zone);
    let conf = &cleanup.conf;
    let (host, name) = (&conf.myhostname, &conf.mail_name);
    let own = format!("Received: by {host} ({name})\n\tid {id}; {date}\nDate: {date}\n");
    [own.as_bytes(), text].concat().into()
}
