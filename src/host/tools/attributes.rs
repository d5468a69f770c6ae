//! chmod, chown, chgrp, touch, stat.

use bytes::Bytes;

use super::args::parse;
use super::date::parse_date;
use super::ls;
use crate::host::program::Env;
use crate::host::vfs::{Errno, Node};

/// A mode from its octal or symbolic form (chmod(1)), based on the present one.
pub fn mode(text: &str, present: u16, is_dir: bool) -> Option<u16> {
    if text.chars().all(|c| c.is_digit(8)) && !text.is_empty() {
        return u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut mode = present;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, mut rest) = clause.split_at(at);
        let mut mask = 0;
        for c in who.chars() {
            mask |= match c {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        // Without `who` the umask counts: what it takes away is not changed.
        let (mask, implied) = if mask == 0 { (0o7777 & !0o022, true) } else { (mask, false) };
        while let Some(op) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
            let mut bits = 0;
            for c in rest[1..end].chars() {
                bits |= match c {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if is_dir || present & 0o111 != 0 => 0o111,
                    'X' => 0,
                    's' => 0o6000,
                    't' => 0o1000,
                    'u' => (present >> 6 & 7) * 0o111,
                    'g' => (present >> 3 & 7) * 0o111,
                    'o' => (present & 7) * 0o111,
                    _ => return None,
                };
            }
            let bits = bits & if bits & 0o1000 != 0 { mask | 0o1000 } else { mask };
            match op {
                '+' => mode |= bits,
                '-' => mode &= !bits,
                _ => mode = (mode & !(if implied { 0o777 } else { mask & 0o777 })) | bits,
            }
            rest = &rest[end..];
        }
    }
    Some(mode)
}

/// A user id by name or number.
pub fn user_id(env: &Env<'_, '_>, name: &str) -> Option<u32> {
    env.ctx.host.accounts.user(name).map(|user| user.uid).or_else(|| name.parse().ok())
}

/// A group id by name or number.
pub fn group_id(env: &Env<'_, '_>, name: &str) -> Option<u32> {
    env.ctx.host.accounts.group(name).map(|group| group.gid).or_else(|| name.parse().ok())
}

/// The files that an operand means, with all below it if `recursive`.
fn affected(env: &Env<'_, '_>, path: &str, recursive: bool) -> Vec<String> {
    let mut all = Vec::new();
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        if recursive && all.len() < 100_000 {
            let vfs = &env.ctx.host.vfs;
            let is_dir = vfs
                .resolve_link(&path, env.cred)
                .is_ok_and(|ino| matches!(vfs.inode(ino).map(|inode| &inode.node), Some(Node::Dir(_))));
            if is_dir {
                let entries = vfs.list(&path, env.cred).unwrap_or_default();
                left.extend(entries.iter().map(|(name, _)| format!("{}/{name}", path.trim_end_matches('/'))));
            }
        }
        all.push(path);
    }
    all
}

/// `chmod`.
pub fn chmod(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    // A mode such as -x looks like an option.
    let mut args: Vec<String> = env.args.iter().skip(1).cloned().collect();
    let recursive = args.iter().any(|arg| arg == "-R" || arg == "--recursive");
    args.retain(|arg| !matches!(arg.as_str(), "-R" | "-v" | "-c" | "-f" | "--recursive" | "--"));
    let Some((text, names)) = args.split_first() else {
        env.errln("chmod: missing operand");
        env.errln("Try 'chmod --help' for more information.");
        return 1;
    };
    if names.is_empty() {
        env.errln(format!("chmod: missing operand after ‘{text}’"));
        env.errln("Try 'chmod --help' for more information.");
        return 1;
    }
    let mut status = 0;
    for name in names {
        for path in affected(env, &env.path(name), recursive) {
            let vfs = &mut env.ctx.host.vfs;
            let (present, is_dir) = match vfs.stat(&path, env.cred) {
                Ok(inode) => (inode.mode, matches!(inode.node, Node::Dir(_))),
                Err(error) => {
                    env.errln(format!("chmod: cannot access '{name}': {error}"));
                    status = 1;
                    continue;
                }
            };
            let Some(mode) = mode(text, present, is_dir) else {
                env.errln(format!("chmod: invalid mode: ‘{text}’"));
                env.errln("Try 'chmod --help' for more information.");
                return 1;
            };
            if let Err(error) = vfs.chmod(&path, mode, env.cred) {
                env.errln(format!("chmod: changing permissions of '{name}': {error}"));
                status = 1;
            }
        }
    }
    status
}

/// `chown`.
pub fn chown(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    change_owner(env, "chown")
}

/// `chgrp`.
pub fn chgrp(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    change_owner(env, "chgrp")
}

fn change_owner(env: &mut Env<'_, '_>, tool: &str) -> u8 {
    let args = parse!(env, tool, "RhvcfHLP", &[("recursive", 'R'), ("no-dereference", 'h')]);
    let Some((owner, names)) = args.operands.split_first() else {
        env.errln(format!("{tool}: missing operand"));
        env.errln(format!("Try '{tool} --help' for more information."));
        return 1;
    };
    if names.is_empty() {
        env.errln(format!("{tool}: missing operand after ‘{owner}’"));
        env.errln(format!("Try '{tool} --help' for more information."));
        return 1;
    }
    let (user, group) =
        if tool == "chgrp" { ("", owner.as_str()) } else { owner.split_once([':', '.']).unwrap_or((owner, "")) };
    let uid = user_id(env, user);
    let mut gid = group_id(env, group);
    if (!user.is_empty() && uid.is_none()) || (!group.is_empty() && gid.is_none()) {
        let what = if uid.is_none() && !user.is_empty() { "user" } else { "group" };
        env.errln(format!("{tool}: invalid {what}: ‘{owner}’"));
        return 1;
    }
    if owner.ends_with(':') {
        gid = env.ctx.host.accounts.user(user).map(|user| user.gid);
    }
    let mut status = 0;
    for name in names {
        for path in affected(env, &env.path(name), args.has('R')) {
            match env.ctx.host.vfs.chown(&path, uid, gid, env.cred) {
                Ok(()) => {}
                Err(error @ (Errno::NoEnt | Errno::NotDir)) => {
                    env.errln(format!("{tool}: cannot access '{name}': {error}"));
                    status = 1;
                }
                Err(error) => {
                    let what = if tool == "chgrp" { "group" } else { "ownership" };
                    env.errln(format!("{tool}: changing {what} of '{name}': {error}"));
                    status = 1;
                }
            }
        }
    }
    status
}

/// `touch`.
pub fn touch(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "touch", "acmd:t:r:h", &[("date", 'd'), ("no-create", 'c'), ("reference", 'r')]);
    if args.operands.is_empty() {
        env.errln("touch: missing file operand");
        env.errln("Try 'touch --help' for more information.");
        return 1;
    }
    let now = env.ctx.now;
    let mut time = now;
    if let Some(text) = args.value('d') {
        match parse_date(text, now, &env.ctx.host.zone) {
            Some(parsed) => time = parsed,
            None => {
                env.errln(format!("touch: invalid date format ‘{text}’"));
                return 1;
            }
        }
    } else if let Some(text) = args.value('t') {
        match super::date::parse_stamp(text, now, &env.ctx.host.zone) {
            Some(parsed) => time = parsed,
            None => {
                env.errln(format!("touch: invalid date format ‘{text}’"));
                return 1;
            }
        }
    } else if let Some(name) = args.value('r') {
        match env.ctx.host.vfs.stat(&env.path(name), env.cred) {
            Ok(inode) => time = inode.mtime,
            Err(error) => {
                env.errln(format!("touch: failed to get attributes of '{name}': {error}"));
                return 1;
            }
        }
    }
    let mut status = 0;
    for name in &args.operands {
        let path = env.path(name);
        let vfs = &mut env.ctx.host.vfs;
        let exists = vfs.stat(&path, env.cred).is_ok();
        if !exists && args.has('c') {
            continue;
        }
        let made = if exists { Ok(()) } else { vfs.write(&path, Vec::new(), 0o644, env.cred).map(drop) };
        // Who may write may also set the present time, without owning the file.
        let given = args.value('d').or(args.value('t')).or(args.value('r')).is_some();
        let result = made.and_then(|()| match vfs.set_mtime(&path, time, env.cred) {
            Err(Errno::Perm) if !given => {
                vfs.access(&path, env.cred, 2).and_then(|()| vfs.set_mtime(&path, time, &crate::host::vfs::Cred::ROOT))
            }
            other => other,
        });
        if let Err(error) = result {
            let what = if exists { "setting times of" } else { "cannot touch" };
            env.errln(format!("touch: {what} '{name}': {error}"));
            status = 1;
        }
    }
    status
}

/// `stat`.
pub fn stat(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "stat", "c:Lft", &[("format", 'c'), ("printf", 'c')]);
    let mut status = 0;
    for name in &args.operands {
        let path = env.path(name);
        let vfs = &env.ctx.host.vfs;
        let ino = if args.has('L') { vfs.resolve(&path, env.cred) } else { vfs.resolve_link(&path, env.cred) };
        let inode = ino.and_then(|ino| vfs.inode(ino).cloned().ok_or(Errno::NoEnt).map(|inode| (ino, inode)));
        let (ino, inode) = match inode {
            Ok(found) => found,
            Err(error) => {
                env.errln(format!("stat: cannot statx '{name}': {error}"));
                status = 1;
                continue;
            }
        };
        let accounts = &env.ctx.host.accounts;
        let user = accounts.by_uid(inode.uid).map_or("UNKNOWN".into(), |user| user.name.to_string());
        let group = accounts.by_gid(inode.gid).map_or("UNKNOWN".into(), |group| group.name.to_string());
        let kind = match &inode.node {
            Node::Dir(_) => "directory",
            Node::File(content) if content.size() == 0 => "regular empty file",
            Node::File(_) => "regular file",
            Node::Symlink(_) => "symbolic link",
            Node::Special(_) => "character special file",
        };
        let zone = env.ctx.host.zone.clone();
        let time = |time: crate::sim::Time| {
            let zoned = time.zoned(&zone);
            format!(
                "{}.{:09} {}",
                zoned.strftime("%F %T"),
                u64::from(time.subsec_micros()) * 1000,
                zoned.strftime("%z")
            )
        };
        let field = |letter: char| match letter {
            'n' => name.clone(),
            'N' => format!("'{name}'"),
            'a' => format!("{:o}", inode.mode),
            'A' => ls::mode_text(&inode),
            'u' => inode.uid.to_string(),
            'U' => user.clone(),
            'g' => inode.gid.to_string(),
            'G' => group.clone(),
            's' => inode.size().to_string(),
            'h' => inode.nlink.to_string(),
            'i' => ino.0.to_string(),
            'F' => kind.to_owned(),
            'y' | 'x' => time(inode.mtime),
            'z' => time(inode.ctime),
            'Y' | 'X' => inode.mtime.secs().to_string(),
            'Z' => inode.ctime.secs().to_string(),
            other => format!("%{other}"),
        };
        if let Some(format) = args.value('c') {
            let mut text = String::new();
            let mut chars = format.chars();
            while let Some(c) = chars.next() {
                match c {
                    '%' => text.push_str(&chars.next().map_or("%".into(), field)),
                    c => text.push(c),
                }
            }
            env.outln(text);
            continue;
        }
        let (size, blocks) = (inode.size(), inode.size().div_ceil(4096) * 8);
        let (mode, letters, links) = (inode.mode, ls::mode_text(&inode), inode.nlink);
        let (uid, gid) = (inode.uid, inode.gid);
        env.outln(format!("  File: {name}"));
        env.outln(format!("  Size: {size:<10}\tBlocks: {blocks:<10} IO Block: 4096   {kind}"));
        env.outln(format!("Device: 254,1\tInode: {:<10}  Links: {links}", ino.0));
        env.outln(format!("Access: ({mode:04o}/{letters})  Uid: ({uid:5}/{user:>8})   Gid: ({gid:5}/{group:>8})"));
        env.outln(format!("Access: {}", time(inode.mtime)));
        env.outln(format!("Modify: {}", time(inode.mtime)));
        env.outln(format!("Change: {}", time(inode.ctime)));
        env.outln(" Birth: -");
    }
    status
}

#[cfg(test)]
mod tests {
    use super::mode;

    #[test]
    fn symbolic_modes_change_what_they_name() {
        for (text, present, result) in [
            ("644", 0o755, Some(0o644)),
            ("u+x", 0o644, Some(0o744)),
            ("go-rwx", 0o755, Some(0o700)),
            ("a=r", 0o777, Some(0o444)),
            ("+x", 0o644, Some(0o755)),
            ("g+s,o-r", 0o755, Some(0o2751)),
            ("u=rw,g=r,o=", 0o777, Some(0o640)),
            ("zz", 0o644, None),
        ] {
            assert_eq!(mode(text, present, false), result, "{text}");
        }
    }
}
