//! The end of an attempt at a message: report, warn, defer or remove.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Active, Qmgr, State, TAG};
use crate::host::Ctx;
use crate::host::vfs::{Cred, Errno};
use crate::mail::address;
use crate::mta::postfix::bounce::{self, LogKind};
use crate::mta::postfix::queue_file::{QueueFile, QueueName};
use crate::mta::postfix::services::Services;
use crate::sim::Time;

impl Qmgr {
    pub(super) fn entry_over(&mut self, id: &SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(active) = self.active.get_mut(id) else { return };
        active.entries = active.entries.saturating_sub(1);
        if active.entries == 0 {
            return self.finish(id, services, ctx);
        }
        // What was done must not be done again after a crash.
        let file = marked(active);
        active.file = Arc::clone(&file);
        // A message that postsuper(1) took away stays away.
        let _ = services.queue.update(&file, QueueName::Active, &mut ctx.host.vfs);
    }

    /// All recipients were tried: report, warn, defer or remove.
    pub(super) fn finish(&mut self, id: &SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(mut active) = self.active.remove(id) else { return };
        let unreported = active.bounced && bounce::flush(services, &active.file, ctx).is_err();
        if active.traced {
            bounce::flush_trace(services, &active.file, ctx);
        }
        let deferred = unreported || active.states.iter().any(|state| *state != State::Done);
        let probe = active.file.attributes.is_probe();
        if !deferred || probe {
            return self.remove(id, services, ctx);
        }
        let file = &active.file;
        // Queue files keep whole seconds, and so does all that is reckoned from them.
        let now = Time::from_secs(ctx.now.secs());
        let age = now.since(Time::from_secs(file.arrival.secs()));
        let lifetime = if file.sender.is_empty() { self.conf.bounce_lifetime } else { self.conf.lifetime };
        let current = services.queue.get(QueueName::Active, id, &ctx.host.vfs);
        let forced = current.as_ref().is_some_and(|file| file.forced_expire) || file.forced_expire;
        if !unreported && (age >= lifetime || forced) {
            let how = if forced { "force-expired" } else { "expired" };
            services.log.info(
                ctx,
                TAG,
                format_args!("{id}: from=<{}>, status={how}, returned to sender", address::quote(&file.sender)),
            );
            let layout = services.queue.layout();
            let (from, to) = (layout.path("defer", id), layout.path("bounce", id));
            // A full disk may have kept the defer log from being written.
            let noted = match ctx.host.vfs.rename(&from, &to, &Cred::ROOT) {
                Ok(()) => true,
                Err(_) => note_expired(&active, services, ctx).is_ok(),
            };
            if noted && bounce::flush(services, &active.file, ctx).is_ok() {
                return self.remove(id, services, ctx);
            }
        }
        let mut warned = false;
        if file.warn_at.is_some_and(|at| ctx.now.secs() + 1 >= at.secs()) {
            bounce::warn(services, &active.file, ctx);
            warned = true;
        }
        let mut file = (*marked(&mut active)).clone();
        if warned {
            file.warn_at = None;
        }
        let delay = age.min(self.conf.maximal_backoff).max(self.conf.minimal_backoff);
        file.next_attempt = now + delay;
        // A message that was taken away meanwhile needs no other queue.
        let _ = services.queue.defer(&Arc::new(file), "deferred", ctx);
        self.arm(services, ctx);
    }

    pub(super) fn remove(&mut self, id: &SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        bounce::remove(services, LogKind::Defer, id, ctx);
        services.queue.remove(QueueName::Active, id, "removed", ctx);
        services.log.info(ctx, TAG, format_args!("{id}: removed"));
    }
}

/// Notes recipients of an expired message whose reason to wait is not known.
fn note_expired(active: &Active, services: &mut Services, ctx: &mut Ctx<'_>) -> Result<(), Errno> {
    let waiting = active.file.recipients.iter().zip(&active.states).filter(|(_, state)| **state != State::Done);
    for (recipient, _) in waiting {
        let entry = bounce::Entry::failed(recipient, "4.4.7", "delivery time expired");
        bounce::append_entry(services, LogKind::Bounce, &active.file.id, entry, ctx)?;
    }
    Ok(())
}

/// The message with its recipients marked as done that are.
fn marked(active: &mut Active) -> Arc<QueueFile> {
    let mut file = (*active.file).clone();
    for (recipient, state) in file.recipients.iter_mut().zip(&active.states) {
        recipient.done |= *state == State::Done;
    }
    Arc::new(file)
}
