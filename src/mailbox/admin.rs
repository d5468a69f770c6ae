//! doveconf(1) and doveadm(1): `doveconf [-n|-a|-h] [NAME…]`, `doveadm user`, `auth test`,
//! `mailbox list`, `mailbox status`, `reload`. Both look at the host's files and accounts as the
//! running server does.

use bytes::Bytes;

use super::dovecot::{CONFIG, DEFAULTS, settings};
use super::store::{HostStore, Store};
use crate::host::program::{Entry, Env, Programs};
use crate::host::{Signal, password};
use crate::sim::ProcId;

/// Name and build of the server.
const VERSION: &str = "2.3.19.1 (9b53102964)";

/// Exit statuses (sysexits(3), as doveadm and doveconf use them).
mod status {
    pub const USAGE: u8 = 64;
    pub const NO_USER: u8 = 67;
    pub const TEMPORARY: u8 = 75;
    pub const DENIED: u8 = 77;
    pub const FATAL: u8 = 89;
}

/// Installs both commands.
pub fn install(programs: &mut Programs) {
    programs.install("doveconf", Entry::Filter { run: doveconf, reads: |_| false });
    programs.install("doveadm", Entry::Filter { run: doveadm, reads: |_| false });
    programs.install("testsaslauthd", Entry::Filter { run: testsaslauthd, reads: |_| false });
}

fn doveconf(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (mut changed, mut bare, mut file, mut names) = (false, false, CONFIG.to_owned(), Vec::new());
    let mut args = env.args.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-n" => changed = true,
            "-a" | "-S" | "-P" => {}
            "-h" => bare = true,
            "-c" => file = args.next().map(|name| env.path(name)).unwrap_or_default(),
            option if option.starts_with('-') => {
                env.errln(format!("doveconf: invalid option -- '{}'", option.trim_start_matches('-')));
                env.errln("usage: doveconf [-n|-a|-h] [-c <config file>] [<setting name> ...]");
                return status::USAGE;
            }
            name => names.push(name),
        }
    }
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        env.outln(format!("# {VERSION}: {file}\n# Pigeonhole version 0.5.19 (4eae2f79)"));
    }
    let Ok(text) = env.ctx.host.vfs.read_text(&file, env.cred) else {
        env.errln(format!("doveconf: Fatal: open({file}) failed: No such file or directory"));
        return status::FATAL;
    };
    let own = match settings(&text) {
        Ok(own) => own,
        Err((line, name)) => {
            env.errln(format!(
                "doveconf: Fatal: Error in configuration file {file} line {line}: Unknown setting: {name}"
            ));
            return status::FATAL;
        }
    };
    if names.is_empty() {
        env.outln(format!("# OS: Linux 6.1.0-37-amd64 x86_64 Debian 12.11 \n# Hostname: {}", env.ctx.host.fqdn));
    }
    for (name, default) in DEFAULTS {
        let value = own.get(*name).map_or(*default, |value| value.as_str());
        let is_wanted =
            if names.is_empty() { !changed || value != *default } else { names.iter().any(|own| own == name) };
        if !is_wanted {
            continue;
        }
        let value = if *name == "ssl_key" && !value.is_empty() { "# hidden, use -P to show it" } else { value };
        env.outln(if bare { value.to_owned() } else { format!("{name} = {value}") });
    }
    0
}

/// The running server's process.
fn server(env: &Env<'_, '_>) -> Option<ProcId> {
    let mut processes = env.ctx.host.processes.iter();
    processes.find(|(_, info)| info.command.starts_with("/usr/sbin/dovecot")).map(|(proc, _)| *proc)
}

fn doveadm(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let mut words: Vec<String> = env.args.iter().skip(1).cloned().collect();
    let mut user = None;
    if let Some(at) = words.iter().position(|word| word == "-u").filter(|at| at + 1 < words.len()) {
        user = Some(words.remove(at + 1));
        words.remove(at);
    }
    let line: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(proc) = server(env) else {
        env.errln("doveadm: Fatal: net_connect_unix(/run/dovecot/anvil) failed: No such file or directory");
        return status::TEMPORARY;
    };
    match line.as_slice() {
        ["reload"] => {
            env.ctx.signal(proc, Signal::Hup);
            0
        }
        ["stop"] => {
            env.ctx.signal(proc, Signal::Term);
            0
        }
        ["user", name] => account(env, name),
        ["auth", "test", name, given] => {
            let good = password::verify(&env.ctx.host.vfs, name, given);
            let word = if good { "succeeded" } else { "failed" };
            env.outln(format!("passdb: {name} auth {word}\nextra fields:\n  user={name}"));
            if good { 0 } else { status::DENIED }
        }
        ["auth", "test", _] => {
            env.errln("doveadm: Fatal: Password is read from the terminal only: name it after the user");
            status::USAGE
        }
        ["mailbox", "list"] => folders(env, user, None),
        ["mailbox", "status", fields, names @ ..] if !names.is_empty() => {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            folders(env, user, Some(((*fields).to_owned(), names)))
        }
        _ => {
            env.errln(
                "usage: doveadm [-Dv] [-f <formatter>] <command> [<args>]\n\n  auth         test <user> <password>\n  \
                 mailbox      list|status\n  reload\n  stop\n  user         <user>",
            );
            status::USAGE
        }
    }
}

/// `doveadm user`: the fields of the user database.
fn account(env: &mut Env<'_, '_>, name: &str) -> u8 {
    let Some(user) = env.ctx.host.accounts.user(name).cloned() else {
        env.errln(format!("userdb lookup: user {name} doesn't exist\nfield\tvalue"));
        return status::NO_USER;
    };
    let text = env.ctx.host.vfs.read_text(CONFIG, env.cred).unwrap_or_default();
    let location = settings(&text).ok().and_then(|own| own.get("mail_location").cloned()).unwrap_or_default();
    let location = location.replace("%u", name).replace("%n", name);
    env.outln(format!("field\tvalue\nuid\t{}\ngid\t{}\nhome\t{}", user.uid, user.gid, user.home));
    if !location.is_empty() {
        env.outln(format!("mail\t{location}"));
    }
    env.outln(format!("system_groups_user\t{name}"));
    0
}

/// `doveadm mailbox list` and `status`.
fn folders(env: &mut Env<'_, '_>, user: Option<String>, status: Option<(String, Vec<String>)>) -> u8 {
    let user = user.or_else(|| env.ctx.host.accounts.by_uid(env.cred.uid).map(|user| user.name.to_string()));
    let user = user.unwrap_or_default();
    if env.ctx.host.accounts.user(&user).is_none() {
        env.errln(format!("doveadm({user}): Error: User doesn't exist"));
        return self::status::NO_USER;
    }
    let mut store = HostStore { host: env.ctx.host };
    let names = store.folders(&user);
    let mut lines = Vec::new();
    match status {
        None => lines = names,
        Some((fields, wanted)) => {
            for name in wanted {
                let Ok(folder) = store.open(&user, &name) else {
                    env.errln(format!("doveadm({user}): Error: Mailbox {name}: Mailbox doesn't exist: {name}"));
                    return self::status::NO_USER + 1;
                };
                let unseen = folder.mails.iter().filter(|mail| !mail.flags.seen).count();
                let size: usize = folder.mails.iter().map(|mail| mail.content.len()).sum();
                let values = fields.split(' ').filter_map(|field| match field {
                    "messages" => Some(format!("messages={}", folder.mails.len())),
                    "unseen" => Some(format!("unseen={unseen}")),
                    "uidnext" => Some(format!("uidnext={}", folder.uid_next)),
                    "uidvalidity" => Some(format!("uidvalidity={}", folder.uid_validity)),
                    "vsize" => Some(format!("vsize={size}")),
                    _ => None,
                });
                lines.push(format!("{name} {}", values.collect::<Vec<_>>().join(" ")));
            }
        }
    }
    lines.iter().for_each(|line| env.outln(line));
    0
}

/// testsaslauthd(8): asks saslauthd, if it listens.
fn testsaslauthd(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let value = |letter: &str| {
        let at = env.args.iter().position(|arg| arg == letter)?;
        env.args.get(at + 1).cloned()
    };
    let (Some(user), Some(given)) = (value("-u"), value("-p")) else {
        env.errln(
            "testsaslauthd: usage: testsaslauthd -u username -p password\n              [-r realm] [-s servicename]\n              \
             [-f socket path] [-R repeatnum]",
        );
        return 1;
    };
    let path = value("-f").unwrap_or_else(|| "/var/run/saslauthd/mux".to_owned());
    let listens = env.ctx.host.listeners.keys().any(|listener| {
        matches!(listener, crate::sim::Listener::Unix(own)
            if *own == path || own.trim_start_matches("/run") == path.trim_start_matches("/var/run"))
    });
    if !listens {
        env.errln("connect() : No such file or directory");
        env.stdout.extend_from_slice(b"0: ");
        return 255;
    }
    let good = password::verify(&env.ctx.host.vfs, &user, &given);
    env.outln(if good { "0: OK \"Success.\"" } else { "0: NO \"authentication failed\"" });
    if good { 0 } else { 255 }
}
