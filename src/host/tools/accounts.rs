//! getent(1), useradd(8), userdel(8).

use bytes::Bytes;

use crate::host::layout::{UserSpec, add_user};
use crate::host::program::Env;
use crate::host::vfs::Cred;

/// `getent`.
pub fn getent(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (database, keys) = match env.args.get(1..) {
        Some([database, keys @ ..]) => (database.clone(), keys.to_vec()),
        _ => {
            env.errln("getent: wrong number of arguments");
            return 1;
        }
    };
    if !matches!(database.as_str(), "passwd" | "group" | "hosts" | "services" | "shadow") {
        env.errln(format!("Unknown database: {database}"));
        return 1;
    }
    let text = match env.ctx.host.vfs.read_text(&format!("/etc/{database}"), env.cred) {
        Ok(text) => text,
        Err(_) => return 2,
    };
    if keys.is_empty() {
        text.lines().filter(|line| !line.is_empty()).for_each(|line| env.outln(line));
        return 0;
    }
    let mut status = 0;
    for key in keys {
        let line = text.lines().find(|line| match database.as_str() {
            "hosts" | "services" => line.split_whitespace().any(|word| word == key),
            _ => {
                let mut fields = line.split(':');
                fields.next() == Some(&key) || fields.nth(1) == Some(&key)
            }
        });
        match line {
            Some(line) => env.outln(line),
            None => status = 2,
        }
    }
    status
}

/// `useradd` and `adduser`.
pub fn useradd(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let tool = env.args[0].rsplit('/').next().unwrap_or_default().to_owned();
    let mut name = None;
    let mut full_name = None;
    let mut args = env.args.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-c" | "--gecos" | "--comment" => full_name = args.next().cloned(),
            "-s" | "-d" | "-u" | "-g" | "-G" | "--shell" | "--home" | "--uid" | "--ingroup" => drop(args.next()),
            arg if arg.starts_with('-') => {}
            arg => name = Some(arg.to_owned()),
        }
    }
    let Some(name) = name else {
        env.errln(format!("Usage: {tool} [options] LOGIN"));
        return 2;
    };
    if env.cred.uid != 0 {
        env.errln(format!("{tool}: Permission denied."));
        return 1;
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)) {
        env.errln(format!("{tool}: invalid user name '{name}'"));
        return 3;
    }
    if env.ctx.host.accounts.user(&name).is_some() {
        env.errln(format!("{tool}: user '{name}' already exists"));
        return 9;
    }
    let uid =
        env.ctx.host.accounts.users().iter().map(|user| user.uid).filter(|uid| (1000..60_000).contains(uid)).max();
    let spec = UserSpec { name: name.into(), password: None, full_name: full_name.map(Into::into) };
    let vfs = &mut env.ctx.host.vfs;
    match add_user(vfs, &spec, uid.map_or(1000, |uid| uid + 1)) {
        Ok(()) => {
            env.ctx.host.accounts.refresh(&env.ctx.host.vfs);
            0
        }
        Err(error) => {
            env.errln(format!("{tool}: {error}"));
            1
        }
    }
}

/// `userdel`.
pub fn userdel(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let Some(name) = env.args.iter().skip(1).find(|arg| !arg.starts_with('-')).cloned() else {
        env.errln("Usage: userdel [options] LOGIN");
        return 2;
    };
    if env.cred.uid != 0 {
        env.errln("userdel: Permission denied.");
        return 1;
    }
    if env.ctx.host.accounts.user(&name).is_none() {
        env.errln(format!("userdel: user '{name}' does not exist"));
        return 6;
    }
    for file in ["/etc/passwd", "/etc/shadow", "/etc/group"] {
        let text = env.ctx.host.vfs.read_text(file, &Cred::ROOT).unwrap_or_default();
        let kept: String =
            text.lines().filter(|line| line.split(':').next() != Some(&name)).map(|line| format!("{line}\n")).collect();
        let _ = env.ctx.host.vfs.write(file, kept, 0o644, &Cred::ROOT);
    }
    env.ctx.host.accounts.refresh(&env.ctx.host.vfs);
    0
}
