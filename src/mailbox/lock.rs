//! Dot-lock files: `MAILBOX.lock` beside a mailbox keeps other programs out of it.

use smol_str::format_smolstr;

use crate::host::vfs::{Cred, Errno, Ino, Vfs};
use crate::sim::Duration;

/// The lock file of a mailbox. It exists while the mailbox is being changed.
pub fn dot_lock_path(mailbox: &str) -> String {
    format!("{mailbox}.lock")
}

/// Whether the dot lock of the mailbox `name` in a directory could be had now. A lock file older
/// than `stale` is taken for a left-over and removed.
///
/// # Errors
/// `Exist` if somebody holds the lock, or what creating a file in that directory fails with.
/// Nothing is created: in one step of the world a lock would be set and removed unseen.
pub fn try_dot_lock(vfs: &mut Vfs, dir: Ino, name: &str, stale: Duration, cred: &Cred) -> Result<(), Errno> {
    let lock = format_smolstr!("{name}.lock");
    let Ok(ino) = vfs.entry(dir, &lock, cred) else { return vfs.access_ino(dir, cred, WRITE_SEARCH) };
    let born = vfs.inode(ino).map_or(vfs.now, |inode| inode.ctime);
    if vfs.now.since(born) <= stale {
        return Err(Errno::Exist);
    }
    vfs.remove_in(dir, &lock, cred)
}

const WRITE_SEARCH: u16 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    #[test]
    fn a_fresh_lock_file_keeps_others_out_and_a_stale_one_is_removed() {
        let mut vfs = Vfs::new(1, Time::from_secs(1000));
        vfs.mkdir_all("/var/mail").unwrap();
        let stale = Duration::from_secs(500);
        let dir = vfs.resolve("/var/mail", &Cred::ROOT).unwrap();
        assert_eq!(try_dot_lock(&mut vfs, dir, "alice", stale, &Cred::ROOT), Ok(()));
        vfs.write("/var/mail/alice.lock", "", 0o600, &Cred::ROOT).unwrap();
        assert_eq!(try_dot_lock(&mut vfs, dir, "alice", stale, &Cred::ROOT), Err(Errno::Exist));
        vfs.now = Time::from_secs(1501);
        assert_eq!(try_dot_lock(&mut vfs, dir, "alice", stale, &Cred::ROOT), Ok(()));
        assert!(!vfs.exists("/var/mail/alice.lock"));
    }

    #[test]
    fn who_may_not_write_into_the_directory_cannot_lock() {
        let mut vfs = Vfs::new(1, Time::default());
        vfs.mkdir_all("/var/mail").unwrap();
        let alice = Cred { uid: 1000, gid: 1000, groups: vec![] };
        let dir = vfs.resolve("/var/mail", &Cred::ROOT).unwrap();
        let result = try_dot_lock(&mut vfs, dir, "alice", Duration::ZERO, &alice);
        assert_eq!(result, Err(Errno::Access));
    }
}
