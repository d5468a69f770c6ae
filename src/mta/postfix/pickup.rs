//! pickup(8): takes mail that the `sendmail` command, or `postsuper -r`, left in the `maildrop`
//! queue.

use bytes::Bytes;
use smol_str::SmolStr;

use super::cleanup::{self, Flags, ReceiveOverrides, Submission};
use super::config::{Fatal, Params};
use super::queue_file::{QueueFile, QueueName};
use super::services::{Daemon, Services};
use crate::host::Ctx;
use crate::host::vfs::Cred;
use crate::mail::date::DateCache;
use crate::trace::Via;

const TAG: &str = "postfix/pickup";

/// The daemon.
#[derive(Clone, Debug, Default)]
pub struct Pickup {
    myhostname: SmolStr,
    mail_name: SmolStr,
    content_filter: SmolStr,
    /// `receive_override_options` and the like do not apply here; its own input checks do.
    flags: Flags,
    dates: DateCache,
}

impl Pickup {
    /// Reads the parameters of its line in master.cf.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>) -> Result<Pickup, Fatal> {
        let overrides = ReceiveOverrides::load(params)?;
        let flags = Flags {
            filter: !overrides.no_header_body_checks,
            map: !overrides.no_address_mappings,
            bcc: !overrides.no_address_mappings,
            bounce: true,
            detect_smtputf8: true,
            ..Flags::EXTERNAL
        };
        Ok(Pickup {
            myhostname: params.get("myhostname"),
            mail_name: params.get("mail_name"),
            content_filter: params.get("content_filter"),
            flags,
            dates: DateCache::default(),
        })
    }

    /// Takes all mail that is complete: on a trigger, at start, and every minute.
    pub fn scan(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        for old in services.queue.list(QueueName::Maildrop, &ctx.host.vfs) {
            if !services.answers(Daemon::Cleanup) || !services.answers(Daemon::Rewrite) {
                return;
            }
            self.take(&old, services, ctx);
        }
    }

    fn take(&mut self, old: &SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        let path = services.queue.layout().path(QueueName::Maildrop.as_str(), old);
        let owner = ctx.host.vfs.stat(&path, &Cred::ROOT).map_or(0, |inode| inode.uid);
        let Some(file) = services.queue.get(QueueName::Maildrop, old, &ctx.host.vfs) else { return };
        // What cannot be queued now stays for the next time.
        let Ok(id) = services.queue.allocate(ctx) else { return };
        if file.cause.is_some() {
            ctx.cause = file.cause;
        }
        // Files of Postfix's own user were put back by postsuper(1) and have been through this.
        let again = owner == services.queue.layout().owner.uid;
        let (sender, uid) = (&file.sender, file.attributes.uid.filter(|_| !again).unwrap_or(owner));
        if again {
            services.log.info(ctx, TAG, format_args!("{id}: uid={uid} from=<{sender}> orig_id={}", file.id));
        } else {
            services.log.info(ctx, TAG, format_args!("{id}: uid={uid} from=<{sender}>"));
        }
        let new = id.clone();
        let submission = self.submission(&file, id, uid, ctx);
        // A message that cleanup(8) refuses for good has been bounced by it.
        match cleanup::submit(submission, services, ctx) {
            Ok(_) => {
                services.queue.remove(QueueName::Maildrop, old, "picked up", ctx);
            }
            // A reason was logged where it arose.
            Err(error) if error.reason.is_some() => {}
            Err(error) => {
                let text = format!("maildrop/{old}: error writing {new}: {}", error.status.detail().2);
                services.log.warn(ctx, TAG, format_args!("{text}"));
            }
        }
    }

    fn submission(&mut self, file: &QueueFile, id: SmolStr, uid: u32, ctx: &Ctx<'_>) -> Submission {
        let content = self.with_received(file, &id, uid, ctx);
        let mut attributes = (*file.attributes).clone();
        if attributes.filter.is_empty() {
            attributes.filter = self.content_filter.clone();
        }
        Submission {
            id,
            arrival: ctx.now,
            sender: file.sender.clone(),
            full_name: attributes.full_name.clone(),
            recipients: file.recipients.iter().filter(|recipient| !recipient.done).cloned().collect(),
            attributes,
            content,
            via: Via::Pickup,
            flags: self.flags,
        }
    }

    fn with_received(&mut self, file: &QueueFile, id: &str, uid: u32, ctx: &Ctx<'_>) -> Bytes {
        let date = self.dates.rfc5322(ctx.now, &ctx.host.zone);
        let (host, name) = (&self.myhostname, &self.mail_name);
        let mut all = format!("Received: by {host} ({name}, from userid {uid})\n\tid {id}; {date}\n").into_bytes();
        all.extend(file.message.to_vec());
        all.into()
    }
}
