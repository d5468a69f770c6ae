//! Owners, modes and times.

use super::{Cred, Errno, Ino, Vfs};
use crate::sim::Time;

impl Vfs {
    /// Sets the time of the last change of an open file.
    pub fn set_mtime_ino(&mut self, ino: Ino, mtime: Time) {
        if let Ok(inode) = self.inode_mut(ino) {
            inode.mtime = mtime;
        }
    }

    /// Sets the permission bits of an open file.
    pub fn set_mode_ino(&mut self, ino: Ino, mode: u16) {
        if let Ok(inode) = self.inode_mut(ino) {
            inode.mode = mode & 0o7777;
        }
    }

    /// Changes permission bits; only the owner and root may.
    pub fn chmod(&mut self, path: &str, mode: u16, cred: &Cred) -> Result<(), Errno> {
        let ino = self.owned(path, cred)?;
        let now = self.now;
        let inode = self.inode_mut(ino)?;
        inode.mode = mode & 0o7777;
        inode.ctime = now;
        Ok(())
    }

    /// Changes owner and group; only root may change the owner.
    pub fn chown(&mut self, path: &str, uid: Option<u32>, gid: Option<u32>, cred: &Cred) -> Result<(), Errno> {
        let ino = self.owned(path, cred)?;
        if cred.uid != 0 && (uid.is_some_and(|uid| uid != cred.uid) || gid.is_some_and(|gid| !cred.in_group(gid))) {
            return Err(Errno::Perm);
        }
        let now = self.now;
        let inode = self.inode_mut(ino)?;
        inode.uid = uid.unwrap_or(inode.uid);
        inode.gid = gid.unwrap_or(inode.gid);
        inode.ctime = now;
        Ok(())
    }

    /// Sets the time of the last change; only the owner and root may.
    pub fn set_mtime(&mut self, path: &str, mtime: Time, cred: &Cred) -> Result<(), Errno> {
        let ino = self.owned(path, cred)?;
        self.inode_mut(ino)?.mtime = mtime;
        Ok(())
    }

    pub(super) fn owned(&self, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        let ino = self.resolve(path, cred)?;
        let owner = self.inode(ino).ok_or(Errno::NoEnt)?.uid;
        if cred.uid == 0 || cred.uid == owner { Ok(ino) } else { Err(Errno::Perm) }
    }
}
