//! Tools that copy, move and link files.

use bytes::Bytes;

use super::args::parse;
use super::files::{base, is_dir};
use crate::host::program::Env;
use crate::host::shell::builtins::normal;
use crate::host::vfs::{Content, Errno, Node};

/// Sources with the place that each goes to.
pub(super) fn pairs(env: &mut Env<'_, '_>, tool: &str, operands: &[String]) -> Result<Vec<(String, String)>, u8> {
    let (target, sources) = match operands {
        [] => {
            env.errln(format!("{tool}: missing file operand"));
            env.errln(format!("Try '{tool} --help' for more information."));
            return Err(1);
        }
        [only] => {
            env.errln(format!("{tool}: missing destination file operand after '{only}'"));
            env.errln(format!("Try '{tool} --help' for more information."));
            return Err(1);
        }
        [sources @ .., target] => (target, sources),
    };
    let into = is_dir(env, &env.path(target));
    if sources.len() > 1 && !into {
        let why = match env.ctx.host.vfs.stat(&env.path(target), env.cred) {
            Ok(_) => Errno::NotDir,
            Err(error) => error,
        };
        env.errln(format!("{tool}: target '{target}': {why}"));
        return Err(1);
    }
    Ok(sources
        .iter()
        .map(|source| {
            let place =
                if into { format!("{}/{}", target.trim_end_matches('/'), base(source)) } else { target.clone() };
            (source.clone(), place)
        })
        .collect())
}

/// `cp`.
pub fn cp(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let long = [
        ("recursive", 'r'),
        ("archive", 'a'),
        ("preserve", 'p'),
        ("force", 'f'),
        ("verbose", 'v'),
        ("backup", 'b'),
        ("update", 'u'),
        ("no-clobber", 'n'),
    ];
    let args = parse!(env, "cp", "prRafivnuLPdbTt:", &long);
    let how = Copying {
        keep: args.has('p') || args.has('a'),
        recursive: args.has('r') || args.has('R') || args.has('a'),
        no_clobber: args.has('n'),
        update: args.has('u'),
    };
    let pairs = match pairs(env, "cp", &args.operands) {
        Ok(pairs) => pairs,
        Err(status) => return status,
    };
    let mut status = 0;
    for (from, to) in pairs {
        if args.has('b') && env.ctx.host.vfs.stat(&env.path(&to), env.cred).is_ok() {
            let (there, backup) = (env.path(&to), format!("{}~", env.path(&to)));
            // Without the right to rename it the copy fails, too, and says why.
            let _ = env.ctx.host.vfs.rename(&there, &backup, env.cred);
        }
        let mut said = String::new();
        let result = copy(env, &from, &to, how, 0, &mut said);
        if args.has('v') {
            env.stdout.extend_from_slice(said.as_bytes());
        }
        if let Err(text) = result {
            env.errln(format!("cp: {text}"));
            status = 1;
        }
    }
    status
}

/// How files are copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copying {
    /// With owner, mode and time.
    keep: bool,
    recursive: bool,
    no_clobber: bool,
    /// Only over older files.
    update: bool,
}

pub(super) fn copy(
    env: &mut Env<'_, '_>,
    from: &str,
    to: &str,
    how: Copying,
    depth: u32,
    said: &mut String,
) -> Result<(), String> {
    let Copying { keep, recursive, no_clobber, update } = how;
    let (source, target) = (env.path(from), env.path(to));
    let vfs = &mut env.ctx.host.vfs;
    let cannot_stat = |error: Errno| format!("cannot stat '{from}': {error}");
    let ino = if recursive { vfs.resolve_link(&source, env.cred) } else { vfs.resolve(&source, env.cred) };
    let inode = vfs.inode(ino.map_err(cannot_stat)?).ok_or_else(|| cannot_stat(Errno::NoEnt))?.clone();
    if depth > 100 {
        return Err(format!("'{from}': {}", Errno::NameTooLong));
    }
    match &inode.node {
        Node::Dir(entries) => {
            if !recursive {
                return Err(format!("-r not specified; omitting directory '{from}'"));
            }
            if normal(&target) == normal(&source) || normal(&target).starts_with(&format!("{}/", normal(&source))) {
                return Err(format!("cannot copy a directory, '{from}', into itself, '{to}'"));
            }
            match vfs.mkdir(&target, inode.mode & 0o755, env.cred) {
                Ok(_) => said.push_str(&format!("'{from}' -> '{to}'\n")),
                Err(Errno::Exist) => {}
                Err(error) => return Err(format!("cannot create directory '{to}': {error}")),
            }
            for name in entries.keys().cloned().collect::<Vec<_>>() {
                copy(env, &format!("{from}/{name}"), &format!("{to}/{name}"), how, depth + 1, said)?;
            }
        }
        Node::Symlink(link) => {
            let _ = vfs.unlink(&target, env.cred);
            vfs.symlink(link, &target, env.cred)
                .map_err(|error| format!("cannot create symbolic link '{to}': {error}"))?;
            return Ok(());
        }
        Node::File(content) => {
            vfs.access(&source, env.cred, 4).map_err(|error| format!("cannot open '{from}' for reading: {error}"))?;
            if vfs.resolve(&target, env.cred).is_ok_and(|there| Ok(there) == ino) {
                return Err(format!("'{from}' and '{to}' are the same file"));
            }
            let there = vfs.stat(&target, env.cred);
            if there.is_ok_and(|there| no_clobber || (update && there.mtime >= inode.mtime)) {
                return Ok(());
            }
            if to.ends_with('/') {
                return Err(format!("cannot create regular file '{to}': {}", Errno::NotDir));
            }
            said.push_str(&format!("'{from}' -> '{to}'\n"));
            let content: Content = content.clone();
            vfs.write(&target, content, inode.mode & 0o755, env.cred)
                .map_err(|error| format!("cannot create regular file '{to}': {error}"))?;
        }
        Node::Special(_) => {
            vfs.write(&target, Vec::new(), 0o644, env.cred)
                .map_err(|error| format!("cannot create regular file '{to}': {error}"))?;
        }
    }
    if keep {
        // Without the right to give files away only mode and time are kept, silently.
        let vfs = &mut env.ctx.host.vfs;
        let _ = vfs.chown(&target, Some(inode.uid), Some(inode.gid), env.cred);
        let _ = vfs.chmod(&target, inode.mode, env.cred);
        let _ = vfs.set_mtime(&target, inode.mtime, env.cred);
    }
    Ok(())
}

/// `mv`.
pub fn mv(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "mv", "finvuTb", &[("force", 'f'), ("verbose", 'v'), ("no-clobber", 'n')]);
    let pairs = match pairs(env, "mv", &args.operands) {
        Ok(pairs) => pairs,
        Err(status) => return status,
    };
    let mut status = 0;
    for (from, to) in pairs {
        let (source, target) = (env.path(&from), env.path(&to));
        let vfs = &mut env.ctx.host.vfs;
        let text = match vfs.resolve_link(source.trim_end_matches('/'), env.cred) {
            Err(error) => format!("cannot stat '{from}': {error}"),
            Ok(ino) if vfs.resolve_link(&target, env.cred) == Ok(ino) => {
                format!("'{from}' and '{to}' are the same file")
            }
            Ok(_) if args.has('n') && vfs.resolve_link(&target, env.cred).is_ok() => continue,
            Ok(_) => match vfs.rename(&source, &target, env.cred) {
                Ok(()) => {
                    if args.has('v') {
                        env.outln(format!("renamed '{from}' -> '{to}'"));
                    }
                    continue;
                }
                Err(Errno::Inval) => format!("cannot move '{from}' to a subdirectory of itself, '{to}'"),
                Err(error) => format!("cannot move '{from}' to '{to}': {error}"),
            },
        };
        env.errln(format!("mv: {text}"));
        status = 1;
    }
    status
}

/// `ln`.
pub fn ln(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let long = [("symbolic", 's'), ("force", 'f'), ("no-dereference", 'n'), ("verbose", 'v')];
    let args = parse!(env, "ln", "sfnvTr", &long);
    let mut operands = args.operands.clone();
    if operands.len() == 1 {
        operands.push(".".into());
    }
    let pairs = match pairs(env, "ln", &operands) {
        Ok(pairs) => pairs,
        Err(status) => return status,
    };
    let mut status = 0;
    for (target, name) in pairs {
        let place = env.path(&name);
        let source = env.path(&target);
        let vfs = &mut env.ctx.host.vfs;
        if !args.has('s') {
            let refused = match vfs.stat(&source, env.cred) {
                Err(error) => Some(format!("failed to access '{target}': {error}")),
                Ok(inode) if matches!(inode.node, Node::Dir(_)) => {
                    Some(format!("{target}: hard link not allowed for directory"))
                }
                Ok(_) => None,
            };
            if let Some(text) = refused {
                env.errln(format!("ln: {text}"));
                status = 1;
                continue;
            }
        }
        if args.has('f') {
            let _ = vfs.unlink(&place, env.cred);
        }
        let (kind, result) = if args.has('s') {
            ("symbolic", vfs.symlink(&target, &place, env.cred).map(drop))
        } else {
            ("hard", vfs.hard_link(&source, &place, env.cred))
        };
        if result.is_ok() && args.has('v') {
            let arrow = if args.has('s') { "->" } else { "=>" };
            env.outln(format!("'{name}' {arrow} '{target}'"));
        }
        if let Err(error) = result {
            env.errln(format!("ln: failed to create {kind} link '{name}': {error}"));
            status = 1;
        }
    }
    status
}

/// `install`: copies with a mode, or makes directories (`-d`).
pub fn install(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args =
        parse!(env, "install", "dm:o:g:pDv", &[("directory", 'd'), ("mode", 'm'), ("owner", 'o'), ("group", 'g')]);
    let mode = args.value('m').and_then(|text| u16::from_str_radix(text, 8).ok()).unwrap_or(0o755);
    let owner = args.value('o').and_then(|name| super::attributes::user_id(env, name));
    let group = args.value('g').and_then(|name| super::attributes::group_id(env, name));
    let mut places = Vec::new();
    if args.has('d') {
        for name in &args.operands {
            let path = env.path(name);
            if env.cred.uid == 0 {
                let _ = env.ctx.host.vfs.mkdir_all(&path);
            }
            places.push(path);
        }
    } else {
        let pairs = match pairs(env, "install", &args.operands) {
            Ok(pairs) => pairs,
            Err(status) => return status,
        };
        for (from, to) in pairs {
            let how = Copying { keep: false, recursive: false, no_clobber: false, update: false };
            if let Err(text) = copy(env, &from, &to, how, 0, &mut String::new()) {
                env.errln(format!("install: {text}"));
                return 1;
            }
            places.push(env.path(&to));
        }
    }
    for path in places {
        let vfs = &mut env.ctx.host.vfs;
        let result = vfs.chown(&path, owner, group, env.cred).and_then(|()| vfs.chmod(&path, mode, env.cred));
        if let Err(error) = result {
            env.errln(format!("install: cannot change permissions of '{path}': {error}"));
            return 1;
        }
    }
    0
}
