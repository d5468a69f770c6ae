//! postqueue(1) and mailq(1): what is queued, and asking the queue manager to try again.

use bytes::Bytes;

use super::getopt::{Opt, getopt};
use super::messages::{fatal, load_config, load_config_as, not_authorized, record, say, status};
use crate::host::Env;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::{Config, Params};
use crate::mta::postfix::{flush, master, queue, showq};

const NAME: &str = "postqueue";
const USAGE: &str = "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

/// Runs postqueue(1).
pub fn run(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    let (mut options, operands) = match getopt(env.args, "c:fi:jps:v") {
        Ok(split) => split,
        Err(text) => {
            env.errln(format!("{NAME}: {text}"));
            return fatal(env, NAME, status::UNAVAILABLE, USAGE);
        }
    };
    options.retain(|option| !matches!(option.letter, 'v' | 'c'));
    match (options.as_slice(), operands.is_empty()) {
        ([Opt { letter: 'p', .. }], true) => list(env, Form::Text),
        ([Opt { letter: 'j', .. }], true) => list(env, Form::Json),
        ([Opt { letter: 'f', .. }], true) => flush_all(env),
        ([Opt { letter: 'i', value }], true) => flush_message(env, value),
        ([Opt { letter: 's', value }], true) => flush_site(env, value),
        _ => fatal(env, NAME, status::UNAVAILABLE, USAGE),
    }
}

/// Refuses users whom a parameter like `authorized_mailq_users` does not name.
fn refuse_stranger(parameter: &str, what: &str, params: &Params<'_>, env: &mut Env<'_, '_>) -> Option<u8> {
    let text = not_authorized(parameter, &format!("{what} the mail queue"), params, env)?;
    Some(fatal(env, NAME, status::UNAVAILABLE, &text))
}

/// Runs mailq(1): the `sendmail` command by another name, which runs postqueue(1).
pub fn mailq(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    if let Err(status) = load_config_as(env, "mailq", "sendmail", status::TEMPFAIL) {
        return status;
    }
    if env.args.get(1).is_some_and(|word| !word.starts_with('-')) {
        env.errln("mailq: fatal: display queue mode requires no recipient");
        record(env, "sendmail", "fatal: display queue mode requires no recipient");
        return status::TEMPFAIL;
    }
    list(env, Form::Text)
}

/// How to print the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Prints the queue (`postqueue -p`, `-j`, `mailq`, `sendmail -bp`).
pub fn list(env: &mut Env<'_, '_>, form: Form) -> u8 {
    let config = match load_config(env, NAME, status::UNAVAILABLE) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let params = config.global();
    if let Some(status) = refuse_stranger("authorized_mailq_users", "view", &params, env) {
        return status;
    }
    if is_down(&params, env) {
        // The socket of an earlier run is still there.
        let socket = format!("{}/public/showq", params.get("queue_directory"));
        let why = match env.ctx.host.vfs.resolve(&socket, &Cred::ROOT) {
            Ok(_) => "Connection refused".to_owned(),
            Err(error) => error.to_string(),
        };
        let text = format!(
            "warning: Mail system is down -- accessing queue directly (Connect to the Postfix showq service: {why})"
        );
        say(env, NAME, &text);
    } else {
        env.ctx.trigger(format!("{}/public/showq", params.get("queue_directory")), "");
    }
    let layout = showq::layout(&params, env.ctx.host);
    let (all, error) = showq::list(&layout, env.ctx.host);
    let text = match form {
        Form::Text => showq::text(&all, env.ctx.host),
        Form::Json => all.iter().map(|message| showq::json(message) + "\n").collect(),
    };
    env.stdout.extend_from_slice(text.as_bytes());
    if let Some(error) = error {
        record(env, "showq", &format!("fatal: {error}"));
        return fatal(env, NAME, status::UNAVAILABLE, "malformed showq server response");
    }
    if form == Form::Text {
        env.stdout.extend_from_slice(showq::summary(&all).as_bytes());
    }
    0
}

fn is_down(params: &Params<'_>, env: &Env<'_, '_>) -> bool {
    master::running(env.ctx.host, &params.get("queue_directory")).is_none()
}

/// Tries all deferred mail again (`postqueue -f`, `sendmail -q`, `postfix flush`).
pub fn flush_all(env: &mut Env<'_, '_>) -> u8 {
    with_running(env, "Cannot flush mail queue - mail system is down", |_, params, env| {
        env.ctx.trigger(format!("{}/public/qmgr", params.get("queue_directory")), "FAD");
        0
    })
}

/// Tries one message again (`postqueue -i`, `sendmail -qI`).
pub fn flush_message(env: &mut Env<'_, '_>, id: &str) -> u8 {
    if !queue::id::is_valid(id) {
        let text = format!("Cannot flush queue ID - invalid name: \"{id}\"");
        return fatal(env, NAME, status::UNAVAILABLE, &text);
    }
    with_running(env, "Queue flush service is not available: mail system is down", |_, params, env| {
        flush::message(id, params, env.ctx);
        0
    })
}

/// Tries the mail for one destination again (`postqueue -s`, `sendmail -qR`): only those named by
/// `fast_flush_domains` are kept track of.
pub fn flush_site(env: &mut Env<'_, '_>, site: &str) -> u8 {
    with_running(env, "Queue flush service is not available: mail system is down", |_, params, env| {
        let domains = params.match_list("fast_flush_domains").ok();
        if !domains.is_some_and(|domains| flush::is_served(&domains, site, env.ctx.host)) {
            let text = format!("Flush service is not configured for destination \"{site}\"");
            return fatal(env, NAME, status::UNAVAILABLE, &text);
        }
        flush::site(site, params, env.ctx);
        0
    })
}

fn with_running(
    env: &mut Env<'_, '_>,
    down: &str,
    act: impl FnOnce(&Config, &Params<'_>, &mut Env<'_, '_>) -> u8,
) -> u8 {
    let config = match load_config(env, NAME, status::UNAVAILABLE) {
        Ok(config) => config,
        Err(status) => return status,
    };
    let params = config.global();
    if let Some(status) = refuse_stranger("authorized_flush_users", "flush", &params, env) {
        return status;
    }
    if is_down(&params, env) {
        return fatal(env, NAME, status::UNAVAILABLE, down);
    }
    act(&config, &params, env)
}
