//! Which program reads which parameters, and the bounds of their values: a program that finds a
//! value out of bounds ends with a fatal error when it starts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use smol_str::SmolStr;

use super::expand::ExpandError;
use super::{Fatal, Params, hostname};
use crate::host::accounts::Accounts;

/// The parameters that every program reads first (`mail_params_init()`).
const EVERY: &str = "*";

/// Texts that may not be empty, and are by default.
const MUST_BE_SET: [&str; 1] = ["virtual_mailbox_base"];

/// What a value is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A number.
    Int,
    /// `yes` or `no`.
    Bool,
    /// A number with a unit of time.
    Time,
    /// Text, `$name` expanded.
    Text,
    /// Text that is expanded when it is used.
    Raw,
}

/// A parameter as one program reads it.
#[derive(Clone, Copy, Debug)]
struct Limit {
    program: &'static str,
    /// Place among the parameters of the program.
    place: usize,
    kind: Kind,
    /// Least value; least length of a text.
    min: i64,
    /// Greatest value; 0 for none.
    max: i64,
}

/// The limits of each parameter.
type Table = BTreeMap<&'static str, Vec<Limit>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("limits.txt")))
}

fn parse(text: &'static str) -> Table {
    let mut table = Table::new();
    let mut program = EVERY;
    for (place, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            program = name;
            continue;
        }
        let mut words = line.split(' ');
        let kind = match words.next() {
            Some("int") => Kind::Int,
            Some("bool") => Kind::Bool,
            Some("time") => Kind::Time,
            Some("str") => Kind::Text,
            Some("raw") => Kind::Raw,
            _ => continue,
        };
        let Some(name) = words.next() else { continue };
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let (min, max) = (number(), number());
        table.entry(name).or_default().push(Limit { program, place, kind, min, max });
    }
    table
}

/// Checks the parameters that every program reads, as it starts.
///
/// # Errors
/// The first value that is malformed or out of bounds; what is said before that is appended to
/// `notes`.
pub fn check_common(params: &Params<'_>, notes: &mut Vec<String>) -> Result<(), Fatal> {
    check_program(EVERY, params, notes)
}

/// Checks the parameters that one program reads beside those.
///
/// # Errors
/// As [`check_common`].
pub fn check(program: &str, params: &Params<'_>, notes: &mut Vec<String>) -> Result<(), Fatal> {
    if let Some(bad) = params.entry().and_then(|entry| entry.bad_option.as_ref()) {
        return Err(Fatal(bad.to_string()));
    }
    if params.entry().is_some_and(|entry| !entry.overrides.is_empty()) {
        check_program(EVERY, params, notes)?;
    }
    check_program(program, params, notes)
}

fn check_program(program: &str, params: &Params<'_>, notes: &mut Vec<String>) -> Result<(), Fatal> {
    let overrides = params.entry().map_or(&[][..], |entry| &entry.overrides);
    // Built-in defaults are within their bounds, but for texts that must be set.
    let set = params.config().main.names().chain(overrides.iter().map(|(name, _)| name));
    let set = set.map(SmolStr::as_str).chain(MUST_BE_SET.iter().copied());
    let mut read: Vec<(usize, &str, Limit)> = set
        .filter_map(|name| {
            let limit = table().get(name)?.iter().find(|limit| limit.program == program)?;
            Some((limit.place, name, *limit))
        })
        .collect();
    read.sort_by_key(|(place, ..)| *place);
    read.iter().try_for_each(|(_, name, limit)| limit.check(name, params, notes))
}

impl Limit {
    fn check(self, name: &str, params: &Params<'_>, notes: &mut Vec<String>) -> Result<(), Fatal> {
        if self.kind == Kind::Raw {
            return Ok(());
        }
        params.expand_value(name).map_err(|error| malformed(&error, notes))?;
        if matches!(name, "myhostname" | "mydomain") {
            check_name(name, params, notes)?;
        }
        match self.kind {
            Kind::Int => {
                let value = number(name, params)?;
                let out = |sign: char, bound: i64| format!("invalid {name} parameter value {value} {sign} {bound}");
                self.bounds(value, |bound| out('<', bound), |bound| out('>', bound))
            }
            Kind::Bool => params.bool(name).map(|_| ()),
            Kind::Time => {
                let value = i64::try_from(params.time(name)?.as_secs()).unwrap_or(i64::MAX);
                let out = |which: &str, bound: i64| format!("invalid {name}: {value} ({which} {bound})");
                self.bounds(value, |bound| out("min", bound), |bound| out("max", bound))
            }
            Kind::Text => {
                let value = params.get(name);
                let length = value.len() as i64;
                let out =
                    |sign: char, bound: i64| format!("bad string length {length} {sign} {bound}: {name} = {value}");
                self.bounds(length, |bound| out('<', bound), |bound| out('>', bound))
            }
            Kind::Raw => Ok(()),
        }
    }

    fn bounds(self, value: i64, below: impl Fn(i64) -> String, above: impl Fn(i64) -> String) -> Result<(), Fatal> {
        match value {
            value if value < self.min => Err(Fatal(below(self.min))),
            value if self.max > 0 && value > self.max => Err(Fatal(above(self.max))),
            _ => Ok(()),
        }
    }
}

/// What a program says to a value that cannot be expanded.
fn malformed(error: &ExpandError, notes: &mut Vec<String>) -> Fatal {
    notes.push(format!("warning: {error}"));
    Fatal("dictionary mail_dict: macro processing error".to_owned())
}

fn check_name(name: &str, params: &Params<'_>, notes: &mut Vec<String>) -> Result<(), Fatal> {
    let value = params.get(name);
    if value.is_empty() {
        return Ok(());
    }
    hostname::check(&value).map_err(|error| {
        notes.push(format!("warning: valid_hostname: {error}"));
        let path = &params.config().main.path;
        Fatal(format!("file {path}: parameter {name}: bad parameter value: {value}"))
    })
}

/// A number as `strtol(3)` reads it.
fn number(name: &str, params: &Params<'_>) -> Result<i64, Fatal> {
    let value = params.get(name);
    let number = value.trim_start().parse::<i64>().ok();
    // The sizes are of type `long`, all others `int`.
    let wide = name.ends_with("_size_limit") || matches!(name, "virtual_mailbox_limit" | "lmdb_map_size");
    number
        .filter(|number| wide || i32::try_from(*number).is_ok())
        .ok_or_else(|| Fatal(format!("bad numerical configuration: {name} = {value}")))
}

/// Whether a parameter's value is only expanded when it is used, with names of that moment.
pub fn is_raw(name: &str) -> bool {
    table().get(name).is_some_and(|limits| limits.iter().any(|limit| limit.kind == Kind::Raw))
}

/// Checks that `default_privs`, `mail_owner` and `setgid_group` exist, have no privileges, and
/// share no identity.
///
/// # Errors
/// What is wrong, in Postfix's words.
pub fn check_accounts(params: &Params<'_>, accounts: &Accounts) -> Result<(), Fatal> {
    let file = &params.config().main.path;
    let fail = |name: &str, text: String| Err(Fatal(format!("file {file}: parameter {name}: {text}")));
    let mut ids = Vec::new();
    for name in ["default_privs", "mail_owner"] {
        let user_name = params.get(name);
        let Some(user) = accounts.user(&user_name) else {
            return fail(name, format!("unknown user name value: {user_name}"));
        };
        if user.uid == 0 {
            return fail(name, format!("user {user_name} has privileged user ID"));
        }
        if user.gid == 0 {
            return fail(name, format!("user {user_name} has privileged group ID"));
        }
        if let (true, Some(other)) = (name == "mail_owner", accounts.by_uid(user.uid))
            && other.name != user_name
        {
            return fail(name, format!("user {user_name} has same user ID as {}", other.name));
        }
        ids.push((user_name, user.uid, user.gid));
    }
    let group_name = params.get("setgid_group");
    let Some(group) = accounts.group(&group_name) else {
        return fail("setgid_group", format!("unknown group name: {group_name}"));
    };
    if group.gid == 0 {
        return fail("setgid_group", format!("group {group_name} has privileged group ID"));
    }
    let both = "parameters default_privs and mail_owner";
    let [(privs, privs_uid, privs_gid), (owner, owner_uid, owner_gid)] = &ids[..] else { return Ok(()) };
    let overlap = |text: String| Err(Fatal(format!("file {file}: {text}")));
    if privs == owner {
        return overlap(format!("{both} specify the same user {owner}"));
    }
    if privs_uid == owner_uid {
        return overlap(format!("{both}: users {privs} and {owner} have the same user ID: {owner_uid}"));
    }
    if privs_gid == owner_gid {
        return overlap(format!("{both}: users {privs} and {owner} have the same group ID: {owner_gid}"));
    }
    for (name, user, gid) in [("default_privs", privs, privs_gid), ("mail_owner", owner, owner_gid)] {
        if *gid == group.gid {
            return overlap(format!(
                "parameters {name} and setgid_group: user {user} and group {group_name} have the same group ID: {gid}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, MainCf, MasterCf};
    use super::*;

    fn config(main: &str, master: &str) -> Config {
        let main = MainCf::parse("/etc/postfix/main.cf", main, &mut Vec::new()).unwrap();
        let master = MasterCf::parse("/etc/postfix/master.cf", master, &mut Vec::new()).unwrap();
        Config { main, master, ..Config::default() }
    }

    #[test]
    fn every_program_refuses_common_values_out_of_bounds() {
        for (main, text) in [
            ("message_size_limit = 10MB", "bad numerical configuration: message_size_limit = 10MB"),
            ("hash_queue_depth = 0", "invalid hash_queue_depth parameter value 0 < 1"),
            ("delay_logging_resolution_limit = 9", "invalid delay_logging_resolution_limit parameter value 9 > 6"),
            ("max_idle = 0", "invalid max_idle: 0 (min 1)"),
            ("in_flow_delay = 1m", "invalid in_flow_delay: 60 (max 10)"),
            ("soft_bounce = maybe", "bad boolean configuration: soft_bounce = maybe"),
            ("syslog_name =", "bad string length 0 < 1: syslog_name = "),
            ("ipc_idle = 5x", "parameter ipc_idle: bad time value or unit: 5x"),
        ] {
            let config = config(main, "");
            let error = check_common(&config.global(), &mut Vec::new()).unwrap_err();
            assert_eq!(error.0, text);
        }
    }

    #[test]
    fn a_program_does_not_look_at_what_others_read() {
        let config = config("queue_run_delay = soon\nsmtpd_banner = ${myhostname\n", "smtp inet n - - - - smtpd\n");
        let mut notes = Vec::new();
        assert_eq!(check_common(&config.global(), &mut notes), Ok(()));
        assert_eq!(check("pickup", &config.global(), &mut notes), Ok(()));
        assert!(check("qmgr", &config.global(), &mut notes).is_err());
        let smtpd = config.service(&config.master.entries[0]);
        let error = check("smtpd", &smtpd, &mut notes).unwrap_err();
        assert_eq!(error.0, "dictionary mail_dict: macro processing error");
        assert_eq!(notes, ["warning: truncated macro reference: \"${myhostname\""]);
    }

    #[test]
    fn overrides_of_common_parameters_are_checked_too() {
        let config = config("", "smtp inet n - - - - smtpd -o soft_bounce=perhaps\n");
        let smtpd = config.service(&config.master.entries[0]);
        assert_eq!(check_common(&config.global(), &mut Vec::new()), Ok(()));
        assert!(check("smtpd", &smtpd, &mut Vec::new()).is_err());
    }

    #[test]
    fn the_users_of_postfix_must_differ() {
        let accounts = Accounts::default();
        let config = config("default_privs = nosuch\n", "");
        let error = check_accounts(&config.global(), &accounts).unwrap_err();
        assert_eq!(error.0, "file /etc/postfix/main.cf: parameter default_privs: unknown user name value: nosuch");
    }
}
