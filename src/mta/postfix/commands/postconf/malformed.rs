//! What postconf(1) says about values that are malformed: it expands and looks into all of them
//! before it shows anything.

use super::super::console::Console;
use crate::host::Env;
use crate::mta::postfix::config::expand::{ExpandError, references_of};
use crate::mta::postfix::config::lines::split_nameval;
use crate::mta::postfix::config::master_cf::RawEntry;
use crate::mta::postfix::config::tokens::{list, strip_braces};
use crate::mta::postfix::config::{Config, defaults, limits};

/// Kinds of tables that are configured by a file of their own.
const WITH_FILE: [&str; 5] = ["ldap", "memcache", "mysql", "pgsql", "sqlite"];

/// Looks at the values of `main.cf`.
///
/// # Errors
/// A value cannot be expanded: nothing is shown then.
pub(super) fn check_main(env: &mut Env<'_, '_>, console: &Console, config: &Config) -> Result<(), String> {
    let params = config.global();
    for name in config.main.names().filter(|name| !limits::is_raw(name)) {
        let Some(setting) = config.main.get(name) else { continue };
        // First it looks for the names in it, then it expands it.
        if let Err(error @ (ExpandError::Truncated(_) | ExpandError::EmptyName(_))) = references_of(&setting.value) {
            console.warning(env, &error.to_string());
        }
        if !defaults::is_known(name) {
            continue;
        }
        match params.expand_value(name) {
            Ok(value) => look_into(env, console, &value),
            Err(error) => {
                console.warning(env, &error.to_string());
                return Err("macro processing error".to_owned());
            }
        }
    }
    Ok(())
}

/// Looks for tables in a value.
fn look_into(env: &mut Env<'_, '_>, console: &Console, value: &str) {
    for mut word in list(value) {
        while let Some(rest) = word.strip_prefix("proxy:") {
            word = rest;
        }
        let (kind, name) = match word.split_once(':') {
            Some((kind, name)) if !word.starts_with('{') => (kind, name),
            _ => ("", word),
        };
        if name.starts_with('{') {
            match strip_braces(name) {
                Ok(inner) => look_into(env, console, inner),
                Err(error) => console.warning(env, &format!("main.cf: {error}")),
            }
        } else if WITH_FILE.contains(&kind)
            && name.starts_with('/')
            && let Err(error) = env.ctx.host.vfs.read(name, env.cred)
        {
            console.warning(env, &format!("open \"{kind}\" configuration \"{name}\": {error}"));
        }
    }
}

/// Looks at the arguments of the services.
pub(super) fn check_master(env: &mut Env<'_, '_>, console: &Console, entries: &[RawEntry]) {
    for word in entries.iter().flat_map(|entry| &entry.command) {
        if !word.starts_with('{') {
            continue;
        }
        let problem = match strip_braces(word) {
            Ok(inner) => split_nameval(inner).err().map(|error| format!("{error}: \"{}\"", inner.trim())),
            Err(error) => Some(error),
        };
        if let Some(problem) = problem {
            console.warning(env, &format!("master.cf: {problem}"));
        }
    }
}
