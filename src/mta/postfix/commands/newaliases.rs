//! newaliases(1): compiles the tables of `alias_database`.

use bytes::Bytes;

use super::console::Console;
use super::table_tool::{Kind, run_tool};
use crate::host::Env;
use crate::mta::postfix::config::{Config, DIRECTORY};

/// Exit status when the mail system cannot be used now (sysexits(3)).
const EX_TEMPFAIL: u8 = 75;

/// Runs the command; `sendmail -I` does the same.
pub(super) fn run(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    let base = env.args.first().map_or("newaliases", |name| name.rsplit('/').next().unwrap_or(name)).to_owned();
    let console = Console::new(&base, Some("postfix/sendmail"));
    let mut notes = Vec::new();
    let loaded = Config::load_main(env.ctx.host, DIRECTORY, &mut notes);
    notes.iter().for_each(|note| console.note(env, note));
    let config = match loaded {
        Ok(config) => config,
        Err(error) => {
            console.fatal(env, &error.0);
            return EX_TEMPFAIL;
        }
    };
    if env.args.iter().skip(1).any(|word| !word.starts_with('-')) {
        console.fatal(env, "alias initialization mode requires no recipient");
        return EX_TEMPFAIL;
    }
    let mut args = vec!["postalias".to_owned(), "--".to_owned()];
    args.extend(config.global().list("alias_database").iter().map(ToString::to_string));
    if args.len() == 2 {
        return 0;
    }
    run_tool(env, &args, &[], Kind::Alias)
}
