//! Who and where: id, whoami, groups, hostname, uname.

use bytes::Bytes;

use super::args::parse;
use crate::host::program::Env;
use crate::host::vfs::Cred;
use crate::sim::Time;

fn user_name(env: &Env<'_, '_>, uid: u32) -> Option<String> {
    env.ctx.host.accounts.by_uid(uid).map(|user| user.name.to_string())
}

fn group_name(env: &Env<'_, '_>, gid: u32) -> Option<String> {
    env.ctx.host.accounts.by_gid(gid).map(|group| group.name.to_string())
}

fn all_groups(cred: &Cred) -> Vec<u32> {
    std::iter::once(cred.gid).chain(cred.groups.iter().copied().filter(|gid| *gid != cred.gid)).collect()
}

/// `id`.
pub fn id(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "id", "ugnGr", &[("user", 'u'), ("group", 'g'), ("name", 'n'), ("groups", 'G')]);
    let cred = match args.operands.first() {
        None => env.cred.clone(),
        Some(name) => match env.ctx.host.accounts.user(name) {
            Some(user) => env.ctx.host.accounts.cred(user),
            None => {
                env.errln(format!("id: ‘{name}’: no such user"));
                return 1;
            }
        },
    };
    let (user, group) = (user_name(env, cred.uid), group_name(env, cred.gid));
    let pick = |number: u32, name: Option<String>| match name {
        Some(name) if args.has('n') => name,
        _ => number.to_string(),
    };
    let text = if args.has('u') {
        pick(cred.uid, user)
    } else if args.has('g') {
        pick(cred.gid, group)
    } else if args.has('G') {
        all_groups(&cred).iter().map(|gid| pick(*gid, group_name(env, *gid))).collect::<Vec<_>>().join(" ")
    } else {
        let with_name = |number: u32, name: Option<String>| match name {
            Some(name) => format!("{number}({name})"),
            None => number.to_string(),
        };
        let groups: Vec<String> = all_groups(&cred).iter().map(|gid| with_name(*gid, group_name(env, *gid))).collect();
        format!("uid={} gid={} groups={}", with_name(cred.uid, user), with_name(cred.gid, group), groups.join(","))
    };
    env.outln(text);
    0
}

/// The users who are logged in, with the moment of their login.
fn logins(env: &Env<'_, '_>) -> Vec<(String, Time)> {
    let shells = env.ctx.host.processes.values().filter(|process| process.command == "-bash");
    let uids: Vec<(u32, Time)> = shells.map(|process| (process.uid, process.started)).collect();
    uids.into_iter().map(|(uid, since)| (user_name(env, uid).unwrap_or_else(|| uid.to_string()), since)).collect()
}

/// `who` and `users`.
pub fn who(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let all = logins(env);
    if env.args.first().is_some_and(|name| name.ends_with("users")) {
        let names: Vec<String> = all.into_iter().map(|(name, _)| name).collect();
        env.outln(names.join(" "));
        return 0;
    }
    for (nth, (name, since)) in all.into_iter().enumerate() {
        let when = since.zoned(&env.ctx.host.zone).strftime("%Y-%m-%d %H:%M").to_string();
        env.outln(format!("{name:<8} {:<12} {when}", format!("pts/{nth}")));
    }
    0
}

/// `w`.
pub fn w(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    super::system::uptime(env, stdin);
    env.outln("USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT");
    for (nth, (name, since)) in logins(env).into_iter().enumerate() {
        let when = since.zoned(&env.ctx.host.zone).strftime("%H:%M").to_string();
        env.outln(format!("{name:<8} {:<8} {:<16} {when}    0.00s  0.00s  0.00s -bash", format!("pts/{nth}"), "-"));
    }
    0
}

/// `tty`.
pub fn tty(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let is_terminal = env.stdin.tty.as_ref().is_some_and(|tty| tty.is_stdin);
    env.outln(if is_terminal { "/dev/pts/0" } else { "not a tty" });
    u8::from(!is_terminal)
}

/// `nproc`.
pub fn nproc(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    env.outln("1");
    0
}

/// `whoami`.
pub fn whoami(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    if let Some(extra) = env.args.get(1).cloned() {
        env.errln(format!("whoami: extra operand ‘{extra}’"));
        env.errln("Try 'whoami --help' for more information.");
        return 1;
    }
    match user_name(env, env.cred.uid) {
        Some(name) => {
            env.outln(name);
            0
        }
        None => {
            env.errln(format!("whoami: cannot find name for user ID {}", env.cred.uid));
            1
        }
    }
}

/// `groups`.
pub fn groups(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let named = env.args.get(1).cloned();
    let cred = match &named {
        None => env.cred.clone(),
        Some(name) => match env.ctx.host.accounts.user(name) {
            Some(user) => env.ctx.host.accounts.cred(user),
            None => {
                env.errln(format!("groups: ‘{name}’: no such user"));
                return 1;
            }
        },
    };
    let names: Vec<String> =
        all_groups(&cred).iter().map(|gid| group_name(env, *gid).unwrap_or_else(|| gid.to_string())).collect();
    let prefix = named.map_or(String::new(), |name| format!("{name} : "));
    env.outln(format!("{prefix}{}", names.join(" ")));
    0
}

/// `hostname`.
pub fn hostname(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "hostname", "fdsiIAy", &[("fqdn", 'f'), ("domain", 'd'), ("short", 's')]);
    if let Some(name) = args.operands.first().cloned() {
        if env.cred.uid != 0 {
            env.errln("hostname: you must be root to change the host name");
            return 1;
        }
        env.ctx.host.hostname = name.into();
        return 0;
    }
    let host = &env.ctx.host;
    let text = if args.has('f') {
        host.fqdn.to_string()
    } else if args.has('d') {
        host.fqdn.split_once('.').map_or(String::new(), |(_, domain)| domain.to_owned())
    } else if args.has('i') || args.has('I') {
        host.addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    } else if args.has('s') {
        host.hostname.split('.').next().unwrap_or_default().to_owned()
    } else {
        host.hostname.to_string()
    };
    env.outln(text);
    0
}

/// `uname`.
pub fn uname(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "uname", "asnrvmpio", &[("all", 'a')]);
    let host = env.ctx.host.hostname.to_string();
    let version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.148-1 (2025-08-26)";
    let all =
        [('s', "Linux"), ('n', &host), ('r', "6.1.0-39-amd64"), ('v', version), ('m', "x86_64"), ('o', "GNU/Linux")];
    let none = all.iter().all(|(letter, _)| !args.has(*letter)) && !args.has('a');
    let parts: Vec<&str> = all
        .iter()
        .filter(|(letter, _)| args.has('a') || args.has(*letter) || (none && *letter == 's'))
        .map(|(_, text)| *text)
        .collect();
    env.outln(parts.join(" "));
    0
}
