//! Tools that make, copy, move and remove files.

use bytes::Bytes;

use super::args::parse;
use crate::host::program::Env;
use crate::host::shell::builtins::normal;
use crate::host::vfs::{Content, Errno, Node, Special};

/// Files that one command may touch.
const MAX_FILES: usize = 100_000;

fn is_dir(env: &Env<'_, '_>, path: &str) -> bool {
    env.ctx.host.vfs.stat(path, env.cred).is_ok_and(|inode| matches!(inode.node, Node::Dir(_)))
}

fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Sources with the place that each goes to.
fn pairs(env: &mut Env<'_, '_>, tool: &str, operands: &[String]) -> Result<Vec<(String, String)>, u8> {
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

/// Complains about a command line without operands.
fn missing(env: &mut Env<'_, '_>, tool: &str) -> u8 {
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
struct Copying {
    /// With owner, mode and time.
    keep: bool,
    recursive: bool,
    no_clobber: bool,
    /// Only over older files.
    update: bool,
}

fn copy(
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

/// `truncate`.
pub fn truncate(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "truncate", "s:c", &[("size", 's')]);
    let Some(size) = args.value('s').and_then(|text| text.parse::<usize>().ok()).filter(|size| *size < 1 << 26) else {
        env.errln("truncate: you must specify either ‘--size’ or ‘--reference’");
        return 1;
    };
    for name in &args.operands {
        let path = env.path(name);
        let result = env.ctx.host.vfs.edit(&path, 0o644, env.cred, |content| {
            let mut all = content.to_vec();
            all.resize(size, 0);
            *content = Content::from(all);
            Ok(())
        });
        if let Err(error) = result {
            env.errln(format!("truncate: cannot open '{name}' for writing: {error}"));
            return 1;
        }
    }
    0
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
            Some(Node::Special(Special::Null)) => "character special (1/3)".into(),
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

/// Octets below a path.
fn total(env: &Env<'_, '_>, path: &str, left: &mut usize) -> u64 {
    let vfs = &env.ctx.host.vfs;
    *left = left.saturating_sub(1);
    let Some(inode) = vfs.resolve_link(path, env.cred).ok().and_then(|ino| vfs.inode(ino)) else { return 0 };
    let own = inode.size().div_ceil(4096) * 4;
    let below: u64 = match vfs.list(path, env.cred) {
        Ok(entries) if matches!(inode.node, Node::Dir(_)) && *left > 0 => {
            entries.iter().map(|(name, _)| total(env, &format!("{}/{name}", path.trim_end_matches('/')), left)).sum()
        }
        _ => 0,
    };
    own + below
}

/// `du`, one line for each operand.
pub fn du(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args = parse!(env, "du", "shkacb", &[]);
    let names = if args.operands.is_empty() { vec![".".to_owned()] } else { args.operands.clone() };
    for name in names {
        let kilobytes = total(env, &env.path(&name), &mut MAX_FILES.clone());
        let size = if args.has('h') { super::ls::human(kilobytes * 1024) } else { kilobytes.to_string() };
        env.outln(format!("{size}\t{name}"));
    }
    0
}

/// `df`.
pub fn df(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let human = env.args.iter().any(|arg| arg == "-h");
    let vfs = &env.ctx.host.vfs;
    let (size, free) = (vfs.capacity, vfs.free_space());
    let used = size - free;
    let percent = (used * 100).div_ceil(size.max(1));
    let show = |octets: u64| if human { super::ls::human(octets) } else { (octets / 1024).to_string() };
    let (size, used, free) = (show(size), show(used), show(free));
    let unit = if human { "Size  Used Avail" } else { "1K-blocks  Used Available" };
    env.outln(format!("Filesystem     {unit} Use% Mounted on"));
    env.outln(format!("/dev/vda1      {size} {used} {free} {percent}% /"));
    0
}
