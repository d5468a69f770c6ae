//! postsuper(1): removing, holding, releasing, requeueing and expiring queued mail.

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::getopt::getopt;
use super::messages::{fatal, is_root, load_config, say};
use crate::host::Env;
use crate::host::vfs::{Content, Cred};
use crate::mta::postfix::bounce::LogKind;
use crate::mta::postfix::queue::{self, Layout};
use crate::mta::postfix::queue_file::{QueueFile, QueueName};
use crate::mta::postfix::showq;
use crate::trace::Kind;

const NAME: &str = "postsuper";

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Delete,
    Hold,
    Release,
    Requeue,
    Expire,
}

impl Action {
    fn of(option: char) -> Option<Action> {
        Some(match option {
            'd' => Action::Delete,
            'h' => Action::Hold,
            'H' => Action::Release,
            'r' => Action::Requeue,
            'e' | 'f' => Action::Expire,
            _ => return None,
        })
    }

    /// The queues that are looked at when none is named.
    fn queues(self) -> &'static [QueueName] {
        match self {
            Action::Delete | Action::Requeue => {
                &[QueueName::Hold, QueueName::Incoming, QueueName::Active, QueueName::Deferred]
            }
            Action::Hold => &[QueueName::Incoming, QueueName::Active, QueueName::Deferred],
            Action::Release => &[QueueName::Hold],
            Action::Expire => &[QueueName::Incoming, QueueName::Active, QueueName::Deferred, QueueName::Hold],
        }
    }

    fn done(self) -> (&'static str, &'static str) {
        match self {
            Action::Delete => ("removed", "Deleted"),
            Action::Hold => ("placed on hold", "Placed on hold"),
            Action::Release => ("released from hold", "Released from hold"),
            Action::Requeue => ("requeued", "Requeued"),
            Action::Expire => ("expired", "Force-expired"),
        }
    }
}

/// Runs postsuper(1).
pub fn run(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    if !is_root(env) {
        return fatal(env, NAME, 1, "use of this command is reserved for the superuser");
    }
    let config = match load_config(env, NAME, 1) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let layout = showq::layout(&config.global(), env.ctx.host);
    let mut requests: Vec<(Action, bool, String)> = Vec::new();
    let mut named = Vec::new();
    let mut release_expired = false;
    match getopt(env.args, "c:d:e:f:h:H:pr:sSv") {
        Ok((options, operands)) => {
            for option in options {
                if let Some(action) = Action::of(option.letter) {
                    requests.push((action, option.letter == 'f', option.value));
                    release_expired |= option.letter == 'f';
                }
            }
            named.extend(operands);
        }
        Err(text) => {
            env.errln(format!("{NAME}: {text}"));
            return usage(env);
        }
    }
    let all_queues =
        [QueueName::Maildrop, QueueName::Hold, QueueName::Incoming, QueueName::Active, QueueName::Deferred];
    let mut queues = Vec::new();
    let scans = requests.is_empty() || requests.iter().any(|(.., which)| which == "ALL");
    let some_named = !named.is_empty();
    for name in named {
        match all_queues.into_iter().find(|queue| queue.as_str() == name) {
            Some(queue) => queues.push(queue),
            // Single messages are only looked for there, and not found.
            None if !scans => {}
            None => return fatal(env, NAME, 1, &format!("invalid directory name: {name}")),
        }
    }
    let (mut totals, mut released): (Vec<(Action, u64)>, u64) = (Vec::new(), 0);
    for (action, release, which) in requests {
        let queues = if some_named { &queues } else { action.queues() };
        let mut ids: Vec<SmolStr> = match which.as_str() {
            "-" => String::from_utf8_lossy(&stdin).split_whitespace().map(SmolStr::from).collect(),
            "ALL" => Vec::new(),
            id => vec![id.into()],
        };
        let every = which == "ALL";
        if every {
            let list = |queue: &QueueName| layout.scan(&env.ctx.host.vfs, queue.as_str()).unwrap_or_default();
            ids = queues.iter().flat_map(list).map(|(id, _)| id).collect();
        }
        let mut count = 0;
        for id in ids {
            if !queue::id::is_valid(&id) {
                say(env, NAME, &format!("warning: invalid mail queue id: {id}"));
                continue;
            }
            if apply(action, &id, queues, &layout, env) {
                count += 1;
                if !every {
                    say(env, NAME, &format!("{id}: {}", action.done().0));
                }
            }
            // `-f` takes from hold what is expired.
            if release && apply(Action::Release, &id, Action::Release.queues(), &layout, env) {
                released += 1;
                if !every {
                    say(env, NAME, &format!("{id}: {}", Action::Release.done().0));
                }
            }
        }
        match totals.iter_mut().find(|(other, _)| *other == action) {
            Some((_, total)) => *total += count,
            None => totals.push((action, count)),
        }
    }
    if !totals.is_empty() {
        // The queue manager may have had nothing to look after until now.
        let fifo = format!("{}/public/qmgr", layout.directory);
        env.ctx.trigger(fifo, "W");
    }
    if release_expired && !totals.iter().any(|(action, _)| *action == Action::Release) {
        totals.push((Action::Release, released));
    }
    for (action, count) in totals {
        let plural = if count == 1 { "" } else { "s" };
        say(env, NAME, &format!("{}: {count} message{plural}", action.done().1));
    }
    0
}

fn usage(env: &mut Env<'_, '_>) -> u8 {
    let text = "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] [queue...]";
    fatal(env, NAME, 1, text)
}

/// Does it; false if there is no such message in these queues.
fn apply(action: Action, id: &SmolStr, queues: &[QueueName], layout: &Layout, env: &mut Env<'_, '_>) -> bool {
    let path_in = |queue: QueueName| layout.path(queue.as_str(), id);
    let Some(queue) = queues.iter().copied().find(|queue| env.ctx.host.vfs.exists(&path_in(*queue))) else {
        return false;
    };
    let from = path_in(queue);
    let move_to = |target: QueueName, env: &mut Env<'_, '_>| {
        let to = path_in(target);
        let now = env.ctx.now;
        if let Some((directory, _)) = to.rsplit_once('/') {
            let _ = env.ctx.host.vfs.mkdir_all(directory);
        }
        let vfs = &mut env.ctx.host.vfs;
        if vfs.rename(&from, &to, &Cred::ROOT).is_err() {
            return false;
        }
        let _ = vfs.set_mtime(&to, now, &Cred::ROOT);
        let (from, queue) = (queue.as_str().into(), target.as_str().into());
        env.ctx.emit(Kind::QueueMove { queue_id: id.clone(), from, queue, reason: NAME.into() });
        true
    };
    match action {
        Action::Delete => {
            for kind in [LogKind::Bounce, LogKind::Defer, LogKind::Trace] {
                let _ = env.ctx.host.vfs.unlink(&layout.path(kind.directory(), id), &Cred::ROOT);
            }
            let gone = env.ctx.host.vfs.unlink(&from, &Cred::ROOT).is_ok();
            if gone {
                env.ctx.emit(Kind::QueueLeave {
                    queue_id: id.clone(),
                    queue: queue.as_str().into(),
                    reason: NAME.into(),
                });
            }
            gone
        }
        Action::Hold => move_to(QueueName::Hold, env),
        Action::Release => move_to(QueueName::Deferred, env),
        Action::Requeue => move_to(QueueName::Maildrop, env),
        Action::Expire => {
            let file: Option<Arc<QueueFile>> = env.ctx.host.vfs.read(&from, &Cred::ROOT).ok().and_then(Content::object);
            let Some(file) = file.filter(|file| !file.forced_expire) else { return false };
            let expired = QueueFile { forced_expire: true, ..(*file).clone() };
            env.ctx.host.vfs.write(&from, Content::Object(Arc::new(expired)), 0o700, &Cred::ROOT).is_ok()
        }
    }
}
