//! ls(1).

use bytes::Bytes;

use super::args::parse;
use crate::host::program::Env;
use crate::host::vfs::{Errno, Ino, Inode, Node, Special};

/// `drwxr-xr-x`.
pub fn mode_text(inode: &Inode) -> String {
    let kind = match &inode.node {
        Node::File(_) => '-',
        Node::Dir(_) => 'd',
        Node::Symlink(_) => 'l',
        Node::Special(Special::Fifo) => 'p',
        Node::Special(Special::Socket) => 's',
        Node::Special(Special::Device(_)) => 'c',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = inode.mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (inode.mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// `1.5K`, `23M`.
pub fn human(octets: u64) -> String {
    let mut value = octets as f64;
    for unit in ["", "K", "M", "G", "T"] {
        if value < 1024.0 {
            return match unit {
                "" => format!("{octets}"),
                unit if value < 10.0 => format!("{:.1}{unit}", (value * 10.0).ceil() / 10.0),
                unit => format!("{:.0}{unit}", value.ceil()),
            };
        }
        value /= 1024.0;
    }
    format!("{value:.0}P")
}

/// Kilobytes that a file occupies; directories are free, as on tmpfs and overlays.
fn blocks(inode: &Inode) -> u64 {
    match &inode.node {
        Node::File(content) => content.size().div_ceil(4096) * 4,
        _ => 0,
    }
}

struct Entry {
    name: String,
    ino: Ino,
    inode: Inode,
}

/// `ls`.
pub fn ls(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let long = [
        ("all", 'a'),
        ("almost-all", 'A'),
        ("directory", 'd'),
        ("inode", 'i'),
        ("recursive", 'R'),
        ("human-readable", 'h'),
        ("reverse", 'r'),
        ("numeric-uid-gid", 'n'),
        ("color", 'k'),
        ("classify", 'F'),
        ("full-time", 'E'),
        ("time-style", 'T'),
    ];
    let args = parse!(env, "ls", "laAndi1trhRFSgokpCLHqGsxXcuUT:E", &long);
    let operands = if args.operands.is_empty() { vec![".".to_owned()] } else { args.operands.clone() };
    let details = "lngoE".chars().any(|letter| args.has(letter));
    let (mut files, mut dirs, mut status) = (Vec::new(), Vec::new(), 0);
    for name in &operands {
        let path = env.path(name);
        let vfs = &env.ctx.host.vfs;
        // A link on the command line is followed unless details are wanted.
        let stay = (details || args.has('d')) && !args.has('L') && !args.has('H') && !name.ends_with('/');
        let ino = if stay { vfs.resolve_link(&path, env.cred) } else { vfs.resolve(&path, env.cred) };
        let ino = ino.or_else(|_| vfs.resolve_link(&path, env.cred));
        match ino.and_then(|ino| vfs.inode(ino).cloned().ok_or(Errno::NoEnt).map(|inode| (ino, inode))) {
            Ok((_, inode)) if matches!(inode.node, Node::Dir(_)) && !args.has('d') => dirs.push(name.clone()),
            Ok((ino, inode)) => files.push(Entry { name: name.clone(), ino, inode }),
            Err(error) => {
                env.errln(format!("ls: cannot access '{name}': {error}"));
                status = 2;
            }
        }
    }
    let only_one = operands.len() == 1 && !args.has('R');
    let shows_files = !files.is_empty();
    sort(&mut files, &args);
    show(&files, &args, details, env);
    let mut first = !shows_files;
    dirs.sort();
    dirs.reverse();
    let mut budget = 10_000;
    while let Some(name) = dirs.pop() {
        let path = env.path(&name);
        let vfs = &env.ctx.host.vfs;
        let listed = match vfs.list(&path, env.cred) {
            Ok(listed) => listed,
            Err(error) => {
                env.errln(format!("ls: cannot open directory '{name}': {error}"));
                status = 2;
                continue;
            }
        };
        let searchable = vfs.access(&path, env.cred, 1).is_ok();
        let mut entries = Vec::new();
        if args.has('a') {
            for dot in [".", ".."] {
                let ino = vfs.resolve(&format!("{path}/{dot}"), env.cred);
                if let Some((ino, inode)) = ino.ok().and_then(|ino| Some((ino, vfs.inode(ino)?.clone()))) {
                    entries.push(Entry { name: dot.into(), ino, inode });
                }
            }
        }
        for (entry, ino) in listed {
            if (entry.starts_with('.') && !args.has('a') && !args.has('A')) || !searchable && details {
                continue;
            }
            if let Some(inode) = vfs.inode(ino) {
                entries.push(Entry { name: entry.to_string(), ino, inode: inode.clone() });
            }
        }
        sort(&mut entries, &args);
        if !only_one {
            let gap = if first { "" } else { "\n" };
            env.stdout.extend_from_slice(format!("{gap}{name}:\n").as_bytes());
        }
        first = false;
        if details {
            let blocks: u64 = entries.iter().map(|entry| blocks(&entry.inode)).sum();
            env.outln(format!("total {}", if args.has('h') { human(blocks * 1024) } else { blocks.to_string() }));
        }
        show(&entries, &args, details, env);
        if args.has('R') && budget > 0 {
            budget -= 1;
            let below = entries
                .iter()
                .rev()
                .filter(|entry| matches!(entry.inode.node, Node::Dir(_)) && entry.name != "." && entry.name != "..");
            dirs.extend(below.map(|entry| format!("{}/{}", name.trim_end_matches('/'), entry.name)));
        }
    }
    status
}

fn sort(entries: &mut [Entry], args: &super::args::Args) {
    if args.has('t') {
        entries.sort_by(|a, b| b.inode.mtime.cmp(&a.inode.mtime).then_with(|| a.name.cmp(&b.name)));
    } else if args.has('S') {
        entries.sort_by(|a, b| b.inode.size().cmp(&a.inode.size()).then_with(|| a.name.cmp(&b.name)));
    } else {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
    }
    if args.has('r') {
        entries.reverse();
    }
}

fn show(entries: &[Entry], args: &super::args::Args, details: bool, env: &mut Env<'_, '_>) {
    let mark = |entry: &Entry| {
        let sign = match &entry.inode.node {
            Node::Dir(_) if args.has('F') || args.has('p') => "/",
            Node::Symlink(_) if args.has('F') && !details => "@",
            Node::File(_) if args.has('F') && entry.inode.mode & 0o111 != 0 => "*",
            _ => "",
        };
        format!("{}{sign}", entry.name)
    };
    if !details {
        let names: Vec<String> = entries
            .iter()
            .map(|entry| if args.has('i') { format!("{} {}", entry.ino.0, mark(entry)) } else { mark(entry) })
            .collect();
        if env.tty && !args.has('1') {
            columns(&names, env);
        } else {
            names.iter().for_each(|name| env.outln(name));
        }
        return;
    }
    let accounts = &env.ctx.host.accounts;
    let numeric = args.has('n');
    let rows: Vec<[String; 8]> = entries
        .iter()
        .map(|entry| {
            let inode = &entry.inode;
            let user =
                accounts.by_uid(inode.uid).filter(|_| !numeric).map_or(inode.uid.to_string(), |u| u.name.to_string());
            let group =
                accounts.by_gid(inode.gid).filter(|_| !numeric).map_or(inode.gid.to_string(), |g| g.name.to_string());
            let size = match &inode.node {
                Node::Special(Special::Device(device)) => {
                    let (major, minor) = device.numbers();
                    format!("{major}, {minor}")
                }
                _ if args.has('h') => human(inode.size()),
                _ => inode.size().to_string(),
            };
            let zoned = inode.mtime.zoned(&env.ctx.host.zone);
            // Half a year back the time of day gives way to the year.
            let recent = env.ctx.now.since(inode.mtime).as_secs() < 15_778_476 && inode.mtime <= env.ctx.now;
            let time = if args.has('E') {
                zoned.strftime("%F %T.000000000 %z").to_string()
            } else {
                zoned.strftime(if recent { "%b %e %H:%M" } else { "%b %e  %Y" }).to_string()
            };
            let mut name = mark(entry);
            if let Node::Symlink(target) = &inode.node {
                name.push_str(&format!(" -> {target}"));
            }
            let ino = if args.has('i') { format!("{} ", entry.ino.0) } else { String::new() };
            [ino, mode_text(inode), inode.nlink.to_string(), user, group, size, time, name]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (links, users, groups, sizes) = (width(2), width(3), width(4), width(5));
    for [ino, mode, link, user, group, size, time, name] in rows {
        let who = match (args.has('g'), args.has('o')) {
            (true, _) => format!("{group:<groups$}"),
            (_, true) => format!("{user:<users$}"),
            _ if numeric => format!("{user:>users$} {group:>groups$}"),
            _ => format!("{user:<users$} {group:<groups$}"),
        };
        env.outln(format!("{ino}{mode} {link:>links$} {who} {size:>sizes$} {time} {name}"));
    }
}

/// Names in columns of an 80 column terminal, filled from top to bottom.
fn columns(names: &[String], env: &mut Env<'_, '_>) {
    for rows in 1..=names.len() {
        let widths: Vec<usize> = names
            .chunks(rows)
            .map(|column| column.iter().map(|name| name.chars().count()).max().unwrap_or(0) + 2)
            .collect();
        if widths.iter().sum::<usize>() > 82 && rows < names.len() {
            continue;
        }
        for row in 0..rows {
            let mut line = String::new();
            for (column, width) in widths.iter().enumerate() {
                if let Some(name) = names.get(column * rows + row) {
                    line.push_str(&format!("{name:<width$}"));
                }
            }
            env.outln(line.trim_end());
        }
        return;
    }
}
