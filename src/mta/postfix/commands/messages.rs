//! How Postfix's commands speak: to standard error and to the log at once.

use crate::host::Env;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::{self, Config, Params};
use crate::mta::postfix::log;
use crate::mta::postfix::maps::match_list::Subject;

/// Exit statuses of sysexits.h that the commands use.
pub mod status {
    /// Wrong usage.
    pub const USAGE: u8 = 64;
    /// A service is not available.
    pub const UNAVAILABLE: u8 = 69;
    /// A temporary failure.
    pub const TEMPFAIL: u8 = 75;
}

/// Writes `name: text` to standard error and `postfix/name[pid]: text` to the log.
pub fn say(env: &mut Env<'_, '_>, name: &str, text: &str) {
    env.errln(format!("{name}: {text}"));
    record(env, name, text);
}

/// The same, to the log only.
pub fn record(env: &mut Env<'_, '_>, name: &str, text: &str) {
    log::record(env.ctx, &format!("postfix/{name}"), text);
}

/// Says why a command gives up, and returns its status.
pub fn fatal(env: &mut Env<'_, '_>, name: &str, status: u8, text: &str) -> u8 {
    say(env, name, &format!("fatal: {text}"));
    status
}

/// Reads `main.cf`; without it the command gives up with this status.
///
/// # Errors
/// The status, once the reason was said.
pub fn load_config(env: &mut Env<'_, '_>, name: &str, failure: u8) -> Result<Config, u8> {
    load_config_as(env, name, name, failure)
}

/// The same for a command that was called by another name than it logs with.
///
/// # Errors
/// As [`load_config`].
pub fn load_config_as(env: &mut Env<'_, '_>, name: &str, tag: &str, failure: u8) -> Result<Config, u8> {
    let mut notes = Vec::new();
    let loaded = Config::load_main(env.ctx.host, &directory(env), &mut notes);
    let loaded = loaded.map_err(|error| {
        notes.push(format!("fatal: {error}"));
        failure
    });
    for note in notes {
        env.errln(format!("{name}: {note}"));
        record(env, tag, &note);
    }
    loaded
}

/// The configuration directory: that of `-c`, or the usual one.
fn directory(env: &Env<'_, '_>) -> String {
    let mut words = env.args.iter().skip(1).take_while(|word| word.as_str() != "--");
    let given = words.find_map(|word| word.strip_prefix("-c").map(str::to_owned));
    let given = given.map(|value| if value.is_empty() { words.next().cloned().unwrap_or_default() } else { value });
    given.map_or_else(|| config::DIRECTORY.to_owned(), |given| env.path(&given))
}

/// Whether the command runs with root's rights.
pub fn is_root(env: &Env<'_, '_>) -> bool {
    env.cred.uid == Cred::ROOT.uid
}

/// Why the user may not do something, if a parameter like `authorized_submit_users` does not name
/// them. Root may do everything.
pub fn not_authorized(parameter: &str, what: &str, params: &Params<'_>, env: &Env<'_, '_>) -> Option<String> {
    if is_root(env) {
        return None;
    }
    let uid = env.cred.uid;
    let name = env.ctx.host.accounts.by_uid(uid).map(|user| user.name.clone()).unwrap_or_default();
    let list = params.match_list(parameter).ok()?;
    let allowed = matches!(list.matches(Subject::String(&name), env.ctx.host), Ok(Some(_)));
    (!allowed).then(|| format!("User {name}({uid}) is not allowed to {what}"))
}
