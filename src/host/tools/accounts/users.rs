//! useradd(8), usermod(8), userdel(8) and deluser(8).

use bytes::Bytes;

use super::database::{self, NewUser, Table};
use crate::host::program::Env;
use crate::host::tools::args::Args;
use crate::host::vfs::{Cred, Errno};

/// Exit statuses of shadow-utils.
mod status {
    pub const CANNOT_UPDATE: u8 = 1;
    pub const SYNTAX: u8 = 2;
    pub const BAD_ARGUMENT: u8 = 3;
    pub const NO_SUCH: u8 = 6;
    pub const IN_USE: u8 = 9;
}

/// Only root may; says so otherwise.
fn is_root(env: &mut Env<'_, '_>, tool: &str) -> bool {
    if env.cred.uid != 0 {
        env.errln(format!("{tool}: Permission denied."));
        env.errln(format!("{tool}: cannot lock /etc/passwd; try again later."));
    }
    env.cred.uid == 0
}

fn report(env: &mut Env<'_, '_>, tool: &str, done: Result<(), Errno>) -> u8 {
    match done {
        Ok(()) => 0,
        Err(error) => {
            env.errln(format!("{tool}: {error}"));
            status::CANNOT_UPDATE
        }
    }
}

const LONG: &[(&str, char)] = &[
    ("append", 'a'),
    ("comment", 'c'),
    ("create-home", 'm'),
    ("gid", 'g'),
    ("groups", 'G'),
    ("home", 'd'),
    ("home-dir", 'd'),
    ("lock", 'L'),
    ("login", 'l'),
    ("move-home", 'm'),
    ("no-create-home", 'M'),
    ("no-user-group", 'N'),
    ("password", 'p'),
    ("remove", 'r'),
    ("force", 'f'),
    ("shell", 's'),
    ("system", 'r'),
    ("uid", 'u'),
    ("unlock", 'U'),
    ("user-group", 'U'),
];

fn parse(env: &mut Env<'_, '_>, tool: &str, spec: &str) -> Result<(Args, String), u8> {
    let args = match Args::parse(env.args, spec, LONG) {
        Ok(args) => args,
        Err(text) => {
            env.errln(format!("{tool}: {text}"));
            env.errln(format!("Usage: {tool} [options] LOGIN"));
            return Err(status::SYNTAX);
        }
    };
    match args.operands.as_slice() {
        [name] => {
            let name = name.clone();
            Ok((args, name))
        }
        _ => {
            env.errln(format!("Usage: {tool} [options] LOGIN"));
            Err(status::SYNTAX)
        }
    }
}

/// The groups of `-G`, or a message about one that is not there.
fn groups(env: &mut Env<'_, '_>, tool: &str, args: &Args) -> Result<Vec<String>, u8> {
    let names: Vec<String> =
        args.value('G').unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| env.ctx.host.accounts.group(name).is_none()) {
        Some(unknown) => {
            env.errln(format!("{tool}: group '{unknown}' does not exist"));
            Err(status::NO_SUCH)
        }
        None => Ok(names),
    }
}

/// `useradd`.
pub fn useradd(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (args, name) = match parse(env, "useradd", "c:d:e:f:g:G:k:mMNop:rs:u:U") {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if !is_root(env, "useradd") {
        return status::CANNOT_UPDATE;
    }
    if !database::is_valid_name(&name) {
        env.errln(format!("useradd: invalid user name '{name}': use --badname to ignore"));
        return status::BAD_ARGUMENT;
    }
    if env.ctx.host.accounts.user(&name).is_some() {
        env.errln(format!("useradd: user '{name}' already exists"));
        return status::IN_USE;
    }
    let groups = match groups(env, "useradd", &args) {
        Ok(groups) => groups,
        Err(status) => return status,
    };
    let uid = match args.value('u').map(str::parse::<u32>) {
        None => database::free_id(env.ctx.host, args.has('r')),
        Some(Ok(uid)) if env.ctx.host.accounts.by_uid(uid).is_some() => {
            env.errln(format!("useradd: UID {uid} is not unique"));
            return 4;
        }
        Some(Ok(uid)) => uid,
        Some(Err(_)) => {
            env.errln(format!("useradd: invalid user ID '{}'", args.value('u').unwrap_or_default()));
            return status::BAD_ARGUMENT;
        }
    };
    let own_group = args.value('g').is_none() && !args.has('N');
    let gid = match args.value('g') {
        Some(group) => match database::gid(env.ctx.host, group) {
            Some(gid) => gid,
            None => {
                env.errln(format!("useradd: group '{group}' does not exist"));
                return status::NO_SUCH;
            }
        },
        None if own_group && env.ctx.host.accounts.group(&name).is_some() => {
            env.errln(format!("useradd: group {name} exists - if you want to add this user to that group, use -g."));
            return status::IN_USE;
        }
        None if own_group => uid,
        None => 100,
    };
    let user = NewUser {
        uid,
        gid,
        comment: args.value('c').unwrap_or_default().to_owned(),
        home: args.value('d').map_or_else(|| format!("/home/{name}"), str::to_owned),
        shell: args.value('s').unwrap_or("/bin/sh").to_owned(),
        name,
    };
    if args.has('m') && env.ctx.host.vfs.exists(&user.home) {
        env.errln(format!("useradd: warning: the home directory {} already exists.", user.home));
        env.errln("useradd: Not copying any file from skel directory into it.");
    }
    let done = create(env, &user, own_group, args.has('m'), &groups);
    report(env, "useradd", done)
}

fn create(env: &mut Env<'_, '_>, user: &NewUser, own_group: bool, home: bool, groups: &[String]) -> Result<(), Errno> {
    let host = &mut *env.ctx.host;
    database::add_user(host, user)?;
    if own_group {
        database::add_group(host, &user.name, user.gid)?;
    }
    for group in groups {
        database::join(host, &user.name, group)?;
    }
    if home && !host.vfs.exists(&user.home) {
        database::make_home(host, user)?;
    }
    Ok(())
}

/// `usermod`.
pub fn usermod(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (args, name) = match parse(env, "usermod", "ac:d:e:f:g:G:l:Lmop:s:u:U") {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if !is_root(env, "usermod") {
        return status::CANNOT_UPDATE;
    }
    if env.ctx.host.accounts.user(&name).is_none() {
        env.errln(format!("usermod: user '{name}' does not exist"));
        return status::NO_SUCH;
    }
    if args.has('a') && args.value('G').is_none() {
        env.errln("usermod: -a flag is only allowed with the -G flag");
        return status::SYNTAX;
    }
    let groups = match groups(env, "usermod", &args) {
        Ok(groups) => groups,
        Err(status) => return status,
    };
    let gid = match args.value('g').map(|group| (group, database::gid(env.ctx.host, group))) {
        Some((group, None)) => {
            env.errln(format!("usermod: group '{group}' does not exist"));
            return status::NO_SUCH;
        }
        Some((_, gid)) => gid,
        None => None,
    };
    let done = modify(env, &args, &name, gid, &groups);
    report(env, "usermod", done)
}

fn modify(env: &mut Env<'_, '_>, args: &Args, name: &str, gid: Option<u32>, groups: &[String]) -> Result<(), Errno> {
    let host = &mut *env.ctx.host;
    if args.value('G').is_some() {
        if !args.has('a') {
            let kept: Vec<&str> = groups.iter().map(String::as_str).collect();
            database::leave_groups(host, name, &kept)?;
        }
        for group in groups {
            database::join(host, name, group)?;
        }
    }
    let old_home = host.accounts.user(name).map(|user| user.home.to_string()).unwrap_or_default();
    if let (Some(new), true) = (args.value('d'), args.has('m')) {
        host.vfs.rename(&old_home, new, &Cred::ROOT)?;
    }
    if args.has('L') || args.has('U') || args.value('p').is_some() {
        let (lock, password) = (args.has('L'), args.value('p').map(str::to_owned));
        database::change(host, Table::Shadow, name, |fields| {
            if let Some(field) = fields.get_mut(1) {
                let open = password.unwrap_or_else(|| field.trim_start_matches('!').to_owned());
                *field = if lock { format!("!{open}") } else { open };
            }
        })?;
    }
    let value = |letter: char| args.value(letter).map(str::to_owned);
    let edits = [(0, value('l')), (2, value('u')), (3, gid.map(|gid| gid.to_string()))];
    let edits = edits.into_iter().chain([(4, value('c')), (5, value('d')), (6, value('s'))]);
    let edits: Vec<(usize, String)> = edits.filter_map(|(place, value)| Some((place, value?))).collect();
    database::change(host, Table::Passwd, name, |fields| {
        for (place, value) in edits {
            if let Some(field) = fields.get_mut(place) {
                *field = value;
            }
        }
    })?;
    if let Some(new) = args.value('l') {
        database::change(host, Table::Shadow, name, |fields| fields[0] = new.to_owned())?;
    }
    Ok(())
}

/// `userdel`.
pub fn userdel(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (args, name) = match parse(env, "userdel", "fr") {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if !is_root(env, "userdel") {
        return status::CANNOT_UPDATE;
    }
    let Some(user) = env.ctx.host.accounts.user(&name).cloned() else {
        env.errln(format!("userdel: user '{name}' does not exist"));
        return status::NO_SUCH;
    };
    let done = forget(env, &name);
    if args.has('r') {
        let spool = format!("/var/mail/{name}");
        if env.ctx.host.vfs.unlink(&spool, &Cred::ROOT).is_err() {
            env.errln(format!("userdel: {name} mail spool ({spool}) not found"));
        }
        remove_tree(env, &user.home, 0);
    }
    report(env, "userdel", done)
}

/// `deluser`, Debian's: a user, or a user out of a group.
pub fn deluser(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let operands: Vec<String> = env.args[1..].iter().filter(|arg| !arg.starts_with('-')).cloned().collect();
    let with_home = env.args.iter().any(|arg| arg == "--remove-home");
    if env.cred.uid != 0 {
        env.errln("deluser: Only root may remove a user or group from the system.");
        return 1;
    }
    match operands.as_slice() {
        [name] => {
            let Some(user) = env.ctx.host.accounts.user(name).cloned() else {
                env.errln(format!("deluser: The user `{name}' does not exist."));
                return 2;
            };
            env.outln(format!("Removing user `{name}' ..."));
            let done = forget(env, name);
            if with_home {
                remove_tree(env, &user.home, 0);
            }
            env.outln("Done.");
            report(env, "deluser", done)
        }
        [name, group] => {
            let member = env.ctx.host.accounts.group(group).is_some_and(|own| own.members.iter().any(|m| m == name));
            if !member {
                env.errln(format!("deluser: The user `{name}' is not a member of group `{group}'."));
                return 6;
            }
            env.outln(format!("Removing user `{name}' from group `{group}' ..."));
            let others: Vec<String> = env.ctx.host.accounts.groups().iter().map(|own| own.name.to_string()).collect();
            let others: Vec<&str> = others.iter().map(String::as_str).filter(|other| other != group).collect();
            let done = database::leave_groups(env.ctx.host, name, &others);
            env.outln("Done.");
            report(env, "deluser", done)
        }
        _ => {
            env.errln("deluser: Only one or two names allowed.");
            1
        }
    }
}

fn forget(env: &mut Env<'_, '_>, name: &str) -> Result<(), Errno> {
    let host = &mut *env.ctx.host;
    database::leave_groups(host, name, &[])?;
    database::remove(host, Table::Passwd, name)?;
    database::remove(host, Table::Shadow, name)?;
    database::remove(host, Table::Group, name)?;
    Ok(())
}

fn remove_tree(env: &mut Env<'_, '_>, path: &str, depth: u32) {
    const MAX_DEPTH: u32 = 64;
    let vfs = &mut env.ctx.host.vfs;
    if depth < MAX_DEPTH && vfs.unlink(path, &Cred::ROOT).is_err() {
        for (name, _) in vfs.list(path, &Cred::ROOT).unwrap_or_default() {
            remove_tree(env, &format!("{path}/{name}"), depth + 1);
        }
        // What is left of it belongs to nobody any more, as in reality.
        let _ = env.ctx.host.vfs.rmdir(path, &Cred::ROOT);
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, run_as, text};

    #[test]
    fn accounts_come_and_go_with_the_words_of_the_real_tools() {
        let mut host = host();
        for (line, stdout, stderr, status) in [
            (
                "useradd -m -c 'Carol C' -s /bin/bash carol; getent passwd carol",
                "carol:x:1002:1002:Carol C:/home/carol:/bin/bash\n",
                "",
                0,
            ),
            ("stat -c '%U %G' /home/carol", "carol carol\n", "", 0),
            ("useradd dora; ls -d /home/dora", "", "ls: cannot access '/home/dora': No such file or directory\n", 2),
            ("useradd carol", "", "useradd: user 'carol' already exists\n", 9),
            ("useradd -G nosuch eve", "", "useradd: group 'nosuch' does not exist\n", 6),
            ("useradd 9bad", "", "useradd: invalid user name '9bad': use --badname to ignore\n", 3),
            (
                "groupadd staffers; usermod -aG staffers,mail carol; id carol",
                "uid=1002(carol) gid=1002(carol) groups=1002(carol),8(mail),1004(staffers)\n",
                "",
                0,
            ),
            ("usermod -G mail carol; id -Gn carol", "carol mail\n", "", 0),
            ("usermod -s /usr/sbin/nologin carol; getent passwd carol | cut -d: -f7", "/usr/sbin/nologin\n", "", 0),
            ("usermod nobodyhere -s /bin/sh", "", "usermod: user 'nobodyhere' does not exist\n", 6),
            (
                "userdel -r carol; ls -d /home/carol; getent group carol",
                "",
                "userdel: carol mail spool (/var/mail/carol) not found\nls: cannot access '/home/carol': No such file or directory\n",
                2,
            ),
            ("userdel carol", "", "userdel: user 'carol' does not exist\n", 6),
        ] {
            assert_eq!(text(&run(&mut host, line)), (stdout.into(), stderr.into(), status), "{line}");
        }
        let (_, stderr, status) = text(&run_as(&mut host, "alice", "useradd x", "", false));
        assert_eq!(stderr, "useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n");
        assert_eq!(status, 1);
    }
}
