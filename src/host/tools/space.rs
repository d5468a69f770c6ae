//! Tools that measure: du and df.

use bytes::Bytes;

use super::args::parse;
use super::files::MAX_FILES;
use crate::host::program::Env;
use crate::host::vfs::Node;

/// Octets below a path.
pub(super) fn total(env: &Env<'_, '_>, path: &str, left: &mut usize) -> u64 {
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
    let heads = if human { ["Size", "Used", "Avail"] } else { ["1K-blocks", "Used", "Available"] };
    let percent = format!("{percent}%");
    let row = |name: &str, cells: [&str; 3], percent: &str, place: &str| {
        let widths: Vec<usize> =
            heads.iter().zip([&size, &used, &free]).map(|(head, value)| head.len().max(value.len()).max(5)).collect();
        let [a, b, c] = cells;
        format!(
            "{name:<14} {a:>w0$} {b:>w1$} {c:>w2$} {percent:>4} {place}",
            w0 = widths[0],
            w1 = widths[1],
            w2 = widths[2]
        )
    };
    env.outln(row("Filesystem", heads, "Use%", "Mounted on"));
    env.outln(row("/dev/vda1", [&size, &used, &free], &percent, "/"));
    0
}
