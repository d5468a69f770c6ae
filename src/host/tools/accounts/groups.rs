//! groupadd(8) and groupdel(8).

use bytes::Bytes;

use super::database::{self, Table};
use crate::host::program::Env;
use crate::host::tools::args::Args;

fn begin(env: &mut Env<'_, '_>, tool: &str, spec: &str) -> Result<(Args, String), u8> {
    let args = match Args::parse(env.args, spec, &[("gid", 'g'), ("system", 'r'), ("force", 'f')]) {
        Ok(args) if args.operands.len() == 1 => args,
        _ => {
            env.errln(format!("Usage: {tool} [options] GROUP"));
            return Err(2);
        }
    };
    if env.cred.uid != 0 {
        env.errln(format!("{tool}: Permission denied."));
        env.errln(format!("{tool}: cannot lock /etc/group; try again later."));
        return Err(10);
    }
    let name = args.operands[0].clone();
    Ok((args, name))
}

/// `groupadd`, and `addgroup`.
pub fn groupadd(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (args, name) = match begin(env, "groupadd", "fg:or") {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    if !database::is_valid_name(&name) {
        env.errln(format!("groupadd: '{name}' is not a valid group name"));
        return 3;
    }
    if env.ctx.host.accounts.group(&name).is_some() {
        if args.has('f') {
            return 0;
        }
        env.errln(format!("groupadd: group '{name}' already exists"));
        return 9;
    }
    let gid = match args.value('g').map(str::parse::<u32>) {
        None => database::free_id(env.ctx.host, args.has('r')),
        Some(Ok(gid)) if env.ctx.host.accounts.by_gid(gid).is_none() => gid,
        Some(Ok(gid)) => {
            env.errln(format!("groupadd: GID '{gid}' already exists"));
            return 4;
        }
        Some(Err(_)) => {
            env.errln(format!("groupadd: invalid group ID '{}'", args.value('g').unwrap_or_default()));
            return 3;
        }
    };
    match database::add_group(env.ctx.host, &name, gid) {
        Ok(()) => 0,
        Err(error) => {
            env.errln(format!("groupadd: {error}"));
            1
        }
    }
}

/// `groupdel`, and `delgroup`.
pub fn groupdel(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (_, name) = match begin(env, "groupdel", "f") {
        Ok(begun) => begun,
        Err(status) => return status,
    };
    let accounts = &env.ctx.host.accounts;
    let Some(gid) = accounts.group(&name).map(|group| group.gid) else {
        env.errln(format!("groupdel: group '{name}' does not exist"));
        return 6;
    };
    if let Some(user) = accounts.users().iter().find(|user| user.gid == gid).map(|user| user.name.clone()) {
        env.errln(format!("groupdel: cannot remove the primary group of user '{user}'"));
        return 8;
    }
    match database::remove(env.ctx.host, Table::Group, &name) {
        Ok(_) => 0,
        Err(error) => {
            env.errln(format!("groupdel: {error}"));
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, text};

    #[test]
    fn groups_are_added_and_removed() {
        let mut host = host();
        for (line, stdout, stderr, status) in [
            ("groupadd -g 2000 lab; getent group lab", "lab:x:2000:\n", "", 0),
            ("groupadd lab", "", "groupadd: group 'lab' already exists\n", 9),
            ("groupadd -g 2000 other", "", "groupadd: GID '2000' already exists\n", 4),
            ("groupdel lab; getent group lab", "", "", 2),
            ("groupdel lab", "", "groupdel: group 'lab' does not exist\n", 6),
            ("groupdel alice", "", "groupdel: cannot remove the primary group of user 'alice'\n", 8),
        ] {
            assert_eq!(text(&run(&mut host, line)), (stdout.into(), stderr.into(), status), "{line}");
        }
    }
}
