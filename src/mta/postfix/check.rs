//! `postfix check`: owners, modes and the files of the chroot (the `check-warn` part of
//! `postfix-script`).

use crate::host::Host;
use crate::host::vfs::{Cred, Errno, Inode, Node};
use crate::mta::postfix::config::Params;
use crate::mta::postfix::showq;

/// Directories under `queue_directory` that hold system files for chrooted daemons.
const CHROOT: [&str; 5] = ["bin", "etc", "lib", "sbin", "usr"];
/// Directories under `queue_directory` that belong to `mail_owner`.
const MAIL_OWNED: [&str; 11] =
    ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"];

/// The warnings, in the script's order, without `warning: `.
pub fn warnings(params: &Params<'_>, host: &Host) -> Vec<String> {
    let config = params.get("config_directory");
    let queue = params.get("queue_directory");
    let owner = params.get("mail_owner");
    let owner_uid = host.accounts.user(&owner).map(|user| user.uid);
    let group = params.get("setgid_group");
    let group_gid = host.accounts.group(&group).map(|group| group.gid);
    let mut all = Vec::new();
    for directory in [format!("{queue}/."), format!("{queue}/pid/.")] {
        if host.vfs.stat(&directory, &Cred::ROOT).is_ok_and(|inode| inode.uid != 0) {
            all.push(format!("not owned by root: {directory}"));
        }
    }
    let config_files = below(host, &config);
    let shown = |path: &str| format!("{config}/.{}", &path[config.len()..]);
    all.extend(
        config_files
            .iter()
            .filter(|(_, inode)| inode.uid != 0)
            .map(|(path, _)| format!("not owned by root: {}", shown(path))),
    );
    let writable = |inode: &Inode| inode.mode & 0o022 != 0 && matches!(inode.node, Node::File(_));
    all.extend(
        config_files
            .iter()
            .filter(|(_, inode)| writable(inode))
            .map(|(path, _)| format!("group or other writable: {}", shown(path))),
    );
    for directory in MAIL_OWNED {
        let files = below(host, &format!("{queue}/{directory}"));
        let foreign =
            files.iter().filter(|(_, inode)| !matches!(inode.node, Node::Special(_)) && Some(inode.uid) != owner_uid);
        all.extend(foreign.map(|(path, _)| format!("not owned by {owner}: {path}")));
    }
    for directory in ["public", "maildrop"] {
        let path = format!("{queue}/{directory}");
        if host.vfs.stat(&path, &Cred::ROOT).is_ok_and(|inode| Some(inode.gid) != group_gid) {
            all.push(format!("not owned by group {group}: {path}"));
        }
    }
    for directory in CHROOT {
        for (path, inode) in below(host, &format!("{queue}/{directory}")) {
            if inode.uid != 0 {
                all.push(format!("not owned by root: {path}"));
            }
            let system = &path[queue.len()..];
            let (Some(copy), Ok(original)) = (inode.content(), host.vfs.read(system, &Cred::ROOT)) else { continue };
            if copy.to_vec() != original.to_vec() {
                all.push(format!("{path} and {system} differ"));
            }
        }
    }
    for (path, inode) in below(host, &format!("{queue}/corrupt")) {
        if inode.content().is_some() {
            all.push(format!("damaged message: {path}"));
        }
    }
    all
}

/// Makes the queue directories that are missing (`post-install create-missing`).
///
/// # Errors
/// A name on the way is not a directory.
pub fn create_missing(params: &Params<'_>, host: &mut Host) -> Result<(), Errno> {
    let layout = showq::layout(params, host);
    layout.make(&mut host.vfs)
}

/// `postfix set-permissions`: gives the files of Postfix their owners and modes again.
pub fn set_permissions(params: &Params<'_>, host: &mut Host) {
    let queue = params.get("queue_directory");
    let owner = host.accounts.user(&params.get("mail_owner")).map(|user| user.uid);
    let group = host.accounts.group(&params.get("setgid_group")).map(|group| group.gid);
    // A path that is missing has nothing to mend.
    let mend = |host: &mut Host, path: &str, uid: Option<u32>, gid: Option<u32>| {
        let _ = host.vfs.chown(path, uid, gid, &Cred::ROOT);
    };
    for directory in MAIL_OWNED {
        mend(host, &format!("{queue}/{directory}"), owner, Some(0));
    }
    for directory in ["public", "maildrop"] {
        mend(host, &format!("{queue}/{directory}"), owner, group);
    }
    for file in ["main.cf", "master.cf"] {
        let path = format!("{}/{file}", params.get("config_directory"));
        mend(host, &path, Some(0), Some(0));
        let _ = host.vfs.chmod(&path, 0o644, &Cred::ROOT);
    }
}

/// A directory and everything in it, in order of names.
fn below<'a>(host: &'a Host, path: &str) -> Vec<(String, &'a Inode)> {
    let mut found = Vec::new();
    let Ok(ino) = host.vfs.resolve_link(path, &Cred::ROOT) else { return found };
    let Some(inode) = host.vfs.inode(ino) else { return found };
    found.push((path.to_owned(), inode));
    if let Node::Dir(entries) = &inode.node {
        for name in entries.keys() {
            found.extend(below(host, &format!("{path}/{name}")));
        }
    }
    found
}
