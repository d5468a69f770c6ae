//! Tools that make, name and remove files.

use bytes::Bytes;

use super::amount;
use super::args::parse;
use crate::host::program::Env;
use crate::host::shell::builtins::normal;
use crate::host::vfs::{Content, Errno, Node, Special};

/// Files that one command may touch.
pub(super) const MAX_FILES: usize = 100_000;

pub(super) fn is_dir(env: &Env<'_, '_>, path: &str) -> bool {
    env.ctx.host.vfs.stat(path, env.cred).is_ok_and(|inode| matches!(inode.node, Node::Dir(_)))
}

pub(super) fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Complains about a command line without operands.
pub(super) fn missing(env: &mut Env<'_, '_>, tool: &str) -> u8 {
    env.errln(format!("{tool}: missing operand"));
    env.errln(format!("Try '{tool} --help' for more information."));
    1
}

/// `mkdir`.
pub fn mkdir(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "mkdir", "pm:vZ", &[("parents", 'p'), ("mode", 'm'), ("verbose", 'v')]);
    if args.operands.is_empty() {
        return missing(env, "mkdir");
    }
    let mode = match args.value('m').map(|text| super::attributes::mode(text, 0o777, true)) {
        Some(None) => {
            env.errln(format!("mkdir: invalid mode ‘{}’", args.value('m').unwrap_or_default()));
            return 1;
        }
        Some(mode) => mode,
        None => None,
    };
    let mut status = 0;
    for name in &args.operands {
        let path = env.path(name);
        let vfs = &mut env.ctx.host.vfs;
        if args.has('p') {
            for (at, _) in path.match_indices('/').skip(1) {
                if vfs.mkdir(&path[..at], 0o755, env.cred).is_ok() && args.has('v') {
                    let shown = &path[..at];
                    let shown = shown.strip_prefix(&format!("{}/", env.cwd.trim_end_matches('/'))).unwrap_or(shown);
                    env.stdout.extend_from_slice(format!("mkdir: created directory '{shown}'\n").as_bytes());
                }
            }
        }
        match vfs.mkdir(&path, mode.unwrap_or(0o755), env.cred) {
            Ok(_) if args.has('v') => env.outln(format!("mkdir: created directory '{name}'")),
            Ok(_) => {}
            Err(Errno::Exist) if args.has('p') && is_dir(env, &path) => {}
            Err(error) => {
                env.errln(format!("mkdir: cannot create directory ‘{name}’: {error}"));
                status = 1;
            }
        }
    }
    status
}

/// `rmdir`.
pub fn rmdir(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "rmdir", "pv", &[("parents", 'p'), ("verbose", 'v')]);
    if args.operands.is_empty() {
        return missing(env, "rmdir");
    }
    let mut status = 0;
    for name in &args.operands {
        let mut name = name.trim_end_matches('/');
        loop {
            if args.has('v') {
                env.outln(format!("rmdir: removing directory, '{name}'"));
            }
            if let Err(error) = env.ctx.host.vfs.rmdir(&env.path(name), env.cred) {
                env.errln(format!("rmdir: failed to remove '{name}': {error}"));
                status = 1;
                break;
            }
            match name.rsplit_once('/').filter(|(parent, _)| args.has('p') && !parent.is_empty()) {
                Some((parent, _)) => name = parent,
                None => break,
            }
        }
    }
    status
}

/// `rm`.
pub fn rm(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let long = [("recursive", 'r'), ("force", 'f'), ("verbose", 'v'), ("dir", 'd'), ("no-preserve-root", 'P')];
    let args = parse!(env, "rm", "rRfiIvdP", &long);
    let (force, recursive) = (args.has('f'), args.has('r') || args.has('R'));
    if args.operands.is_empty() && !force {
        return missing(env, "rm");
    }
    let mut status = 0;
    for name in &args.operands {
        let path = env.path(name);
        if recursive && matches!(base(name), "." | "..") {
            env.errln(format!("rm: refusing to remove '.' or '..' directory: skipping '{name}'"));
            status = 1;
            continue;
        }
        if normal(&path) == "/" {
            env.errln("rm: it is dangerous to operate recursively on '/'");
            env.errln("rm: use --no-preserve-root to override this failsafe");
            status = 1;
            continue;
        }
        let removed = match is_dir(env, &path) && args.has('d') && !recursive {
            true => env.ctx.host.vfs.rmdir(&path, env.cred).map(|()| format!("removed directory '{name}'\n")),
            false => {
                let mut said = String::new();
                remove(env, &path, name, recursive, 0, &mut said).map(|()| said)
            }
        };
        match removed {
            Ok(said) if args.has('v') => env.stdout.extend_from_slice(said.as_bytes()),
            Ok(_) => {}
            Err(Errno::NoEnt) if force => {}
            Err(error) => {
                env.errln(format!("rm: cannot remove '{name}': {error}"));
                status = 1;
            }
        }
    }
    status
}

/// Removes a file or a tree, and tells of each as `-v` does.
fn remove(
    env: &mut Env<'_, '_>,
    path: &str,
    name: &str,
    recursive: bool,
    depth: u32,
    said: &mut String,
) -> Result<(), Errno> {
    if depth > 200 {
        return Err(Errno::NameTooLong);
    }
    let vfs = &mut env.ctx.host.vfs;
    let ino = vfs.resolve_link(path.trim_end_matches('/'), env.cred)?;
    if !matches!(vfs.inode(ino).map(|inode| &inode.node), Some(Node::Dir(_))) {
        vfs.unlink(path, env.cred)?;
        said.push_str(&format!("removed '{name}'\n"));
        return Ok(());
    }
    if !recursive {
        return Err(Errno::IsDir);
    }
    for (entry, _) in vfs.list(path, env.cred)? {
        let below = |parent: &str| format!("{}/{entry}", parent.trim_end_matches('/'));
        remove(env, &below(path), &below(name), true, depth + 1, said)?;
    }
    env.ctx.host.vfs.rmdir(path, env.cred)?;
    said.push_str(&format!("removed directory '{}'\n", name.trim_end_matches('/')));
    Ok(())
}

/// `mkfifo`.
pub fn mkfifo(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "mkfifo", "m:", &[]);
    for name in &args.operands {
        let path = env.path(name);
        if let Err(error) = env.ctx.host.vfs.mknod(&path, Special::Fifo, 0o644, env.cred) {
            env.errln(format!("mkfifo: cannot create fifo '{name}': {error}"));
            return 1;
        }
    }
    0
}

/// `mktemp`.
pub fn mktemp(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "mktemp", "dqtp:u", &[]);
    let template = args.operands.first().cloned().unwrap_or_else(|| "/tmp/tmp.XXXXXXXXXX".into());
    let stem = template.trim_end_matches('X').to_owned();
    let count = template.len() - stem.len();
    if count < 3 {
        env.errln(format!("mktemp: too few X's in template ‘{template}’"));
        return 1;
    }
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut name = stem;
    for _ in 0..count {
        let at = env.ctx.host.dice.below(LETTERS.len() as u64) as usize;
        name.push(char::from(LETTERS[at]));
    }
    let path = env.path(&name);
    let vfs = &mut env.ctx.host.vfs;
    let result = if args.has('d') {
        vfs.mkdir(&path, 0o700, env.cred)
    } else {
        vfs.create_new(&path, Vec::new(), 0o600, env.cred)
    };
    match result {
        Ok(_) => {
            env.outln(name);
            0
        }
        Err(error) => {
            env.errln(format!("mktemp: failed to create file via template ‘{template}’: {error}"));
            1
        }
    }
}

/// `readlink`.
pub fn readlink(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = parse!(env, "readlink", "femnqsv", &[]);
    if args.has('f') || args.has('e') || args.has('m') {
        return realpath(env, stdin);
    }
    let mut status = 0;
    for name in &args.operands {
        let path = env.path(name);
        let vfs = &env.ctx.host.vfs;
        let inode = vfs.resolve_link(&path, env.cred).ok().and_then(|ino| vfs.inode(ino));
        match inode.map(|inode| inode.node.clone()) {
            Some(Node::Symlink(target)) => env.outln(target),
            _ => status = 1,
        }
    }
    status
}

/// `realpath`.
pub fn realpath(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let mut status = 0;
    for name in env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect::<Vec<_>>() {
        match env.ctx.host.vfs.canonical(&env.path(&name), env.cred) {
            Ok(path) => env.outln(path),
            Err(error) => {
                env.errln(format!("realpath: {name}: {error}"));
                status = 1;
            }
        }
    }
    status
}

/// `truncate` (truncate(1)): sets a length, or changes it by `+N` or `-N`.
pub fn truncate(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "truncate", "s:cr:", &[("size", 's'), ("no-create", 'c'), ("reference", 'r')]);
    let by = |text: &str| text.strip_prefix(['+', '-', '<', '>']).map_or(text, str::trim_start).to_owned();
    let reference = match args.value('r') {
        None => None,
        Some(name) => match env.ctx.host.vfs.stat(&env.path(name), env.cred) {
            Ok(inode) => Some(inode.size().to_string()),
            Err(error) => {
                env.errln(format!("truncate: cannot stat '{name}': {error}"));
                return 1;
            }
        },
    };
    let Some(text) = reference.or_else(|| args.value('s').map(str::to_owned)) else {
        env.errln("truncate: you must specify either ‘--size’ or ‘--reference’");
        return 1;
    };
    let Some(size) = amount::parse(&by(&text)) else {
        env.errln(format!("truncate: Invalid number: ‘{text}’"));
        return 1;
    };
    let mut status = 0;
    for name in &args.operands {
        let path = env.path(name);
        if args.has('c') && env.ctx.host.vfs.stat(&path, env.cred).is_err() {
            continue;
        }
        let result = env.ctx.host.vfs.edit(&path, 0o666, env.cred, |content| {
            let mut all = content.to_vec();
            let now = all.len();
            let size = match text.as_bytes().first() {
                Some(b'+') => now.saturating_add(size),
                Some(b'-') => now.saturating_sub(size),
                Some(b'<') => now.min(size),
                Some(b'>') => now.max(size),
                _ => size,
            };
            if size > amount::MOST {
                return Err(Errno::FBig);
            }
            all.resize(size, 0);
            *content = Content::from(all);
            Ok(())
        });
        if let Err(error) = result {
            let what = if error == Errno::FBig { "failed to truncate" } else { "cannot open" };
            let purpose = if error == Errno::FBig { "" } else { " for writing" };
            env.errln(format!("truncate: {what} '{name}'{purpose}: {error}"));
            status = 1;
        }
    }
    status
}

/// `fallocate -l SIZE FILE` (fallocate(1)).
pub fn fallocate(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "fallocate", "l:nv", &[("length", 'l'), ("verbose", 'v')]);
    let [name] = args.operands.as_slice() else {
        env.errln("fallocate: no filename specified");
        return 1;
    };
    let Some(size) = args.value('l').and_then(amount::parse).filter(|size| *size > 0) else {
        env.errln("fallocate: no length argument specified");
        return 1;
    };
    let path = env.path(name);
    let result = env.ctx.host.vfs.edit(&path, 0o666, env.cred, |content| {
        if size > amount::MOST {
            return Err(Errno::FBig);
        }
        let mut all = content.to_vec();
        all.resize(all.len().max(size), 0);
        *content = Content::from(all);
        Ok(())
    });
    match result {
        Ok(_) => 0,
        Err(error @ (Errno::FBig | Errno::NoSpc)) => {
            env.errln(format!("fallocate: fallocate failed: {error}"));
            1
        }
        Err(error) => {
            env.errln(format!("fallocate: cannot open {name}: {error}"));
            1
        }
    }
}

/// `file`.
pub fn file(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    for name in env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect::<Vec<_>>() {
        let path = env.path(&name);
        let vfs = &env.ctx.host.vfs;
        let inode = vfs.resolve_link(&path, env.cred).ok().and_then(|ino| vfs.inode(ino));
        let kind = match inode.map(|inode| &inode.node) {
            None => format!("cannot open `{name}' (No such file or directory)"),
            Some(Node::Dir(_)) => "directory".into(),
            Some(Node::Symlink(target)) => format!("symbolic link to {target}"),
            Some(Node::Special(Special::Fifo)) => "fifo (named pipe)".into(),
            Some(Node::Special(Special::Socket)) => "socket".into(),
            Some(Node::Special(Special::Device(device))) => {
                let (major, minor) = device.numbers();
                format!("character special ({major}/{minor})")
            }
            Some(Node::File(content)) => content_kind(&content.to_vec()).into(),
        };
        env.outln(format!("{name}: {kind}"));
    }
    0
}

fn content_kind(octets: &[u8]) -> &'static str {
    match octets {
        [] => "empty",
        octets if octets.starts_with(b"#!/bin/sh") => "POSIX shell script, ASCII text executable",
        octets if octets.starts_with(b"\x7fELF") => "ELF 64-bit LSB pie executable, x86-64",
        octets if octets.starts_with(b"From ") => "mbox mail folder",
        octets if octets.is_ascii() => "ASCII text",
        octets if std::str::from_utf8(octets).is_ok() => "Unicode text, UTF-8 text",
        _ => "data",
    }
}
