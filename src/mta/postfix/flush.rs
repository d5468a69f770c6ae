//! flush(8): deferred mail is tried at once, by message or by destination (ETRN_README).

use super::config::Params;
use super::maps::{MatchList, Subject};
use super::queue::Layout;
use super::queue_file::QueueName;
use super::showq;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Host};

/// Whether the mail for a destination may be asked for (`fast_flush_domains`).
pub fn is_served(domains: &MatchList, site: &str, host: &Host) -> bool {
    matches!(domains.matches(Subject::Domain(site), host), Ok(Some(_)))
}

/// Tries the mail for one destination again: what has a recipient there.
pub fn site(site: &str, params: &Params<'_>, ctx: &mut Ctx<'_>) {
    let layout = showq::layout(params, ctx.host);
    let (all, _) = showq::list(&layout, ctx.host);
    let is_there =
        |address: &str| address.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(site));
    let ids: Vec<_> = all
        .into_iter()
        .filter(|message| message.recipients.iter().any(|(address, _)| is_there(address)))
        .map(|message| message.id)
        .collect();
    again(&layout, params, ctx, |id| ids.iter().any(|wanted| wanted == id));
}

/// Tries one message again.
pub fn message(id: &str, params: &Params<'_>, ctx: &mut Ctx<'_>) {
    let layout = showq::layout(params, ctx.host);
    again(&layout, params, ctx, |file| file == id);
}

/// Moves deferred messages back to `incoming` and wakes the queue manager.
fn again(layout: &Layout, params: &Params<'_>, ctx: &mut Ctx<'_>, wanted: impl Fn(&str) -> bool) {
    let now = ctx.now;
    let files = layout.scan(&ctx.host.vfs, QueueName::Deferred.as_str()).unwrap_or_default();
    for (id, _) in files.into_iter().filter(|(id, _)| wanted(id)) {
        let from = layout.path(QueueName::Deferred.as_str(), &id);
        let to = layout.path(QueueName::Incoming.as_str(), &id);
        // A message that is just being tried is not deferred any more.
        if ctx.host.vfs.rename(&from, &to, &Cred::ROOT).is_ok() {
            let _ = ctx.host.vfs.set_mtime(&to, now, &Cred::ROOT);
        }
    }
    // Whoever was thought dead is tried, too.
    ctx.trigger(format!("{}/public/qmgr", params.get("queue_directory")), "FI");
}
