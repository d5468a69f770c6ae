//! Names in directories: made, moved, linked and taken away.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Content, Cred, Errno, Ino, Node, Special, Vfs};

impl Vfs {
    /// Makes a directory.
    pub fn mkdir(&mut self, path: &str, mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        self.create(path, Node::Dir(BTreeMap::new()), mode, cred)
    }

    /// Makes a directory and all that are missing above it, as root, mode 0755.
    pub fn mkdir_all(&mut self, path: &str) -> Result<(), Errno> {
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            at.push('/');
            at.push_str(part);
            match self.mkdir(&at, 0o755, &Cred::ROOT) {
                Ok(_) | Err(Errno::Exist) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes a symbolic link.
    pub fn symlink(&mut self, target: &str, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        self.create(path, Node::Symlink(target.into()), 0o777, cred)
    }

    /// Makes a named pipe, a UNIX-domain socket or `/dev/null`.
    pub fn mknod(&mut self, path: &str, special: Special, mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        self.create(path, Node::Special(special), mode, cred)
    }

    /// Makes a new file; fails if the name exists (`O_EXCL`).
    pub fn create_new(
        &mut self,
        path: &str,
        content: impl Into<Content>,
        mode: u16,
        cred: &Cred,
    ) -> Result<Ino, Errno> {
        let ino = self.create(path, Node::File(content.into()), mode, cred)?;
        self.note_write(path);
        Ok(ino)
    }

    pub(super) fn create(&mut self, path: &str, node: Node, mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        let (dir, name) = self.locate(path, cred, false)?;
        if self.dir(dir)?.contains_key(&name) {
            return Err(Errno::Exist);
        }
        self.may_write_dir(dir, cred)?;
        self.create_in(dir, name, node, mode, cred)
    }

    /// Makes an entry in an open directory: the fast way for daemons that keep one open.
    pub fn create_in(&mut self, dir: Ino, name: SmolStr, node: Node, mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        if matches!(&node, Node::File(content) if content.size() > self.free_space()) {
            return Err(Errno::NoSpc);
        }
        let ino = self.allocate(node, mode, cred);
        self.link(dir, name, ino)?;
        Ok(ino)
    }

    /// Makes an entry in an open directory whose name depends on its inode number.
    pub fn create_in_named(
        &mut self,
        dir: Ino,
        name: impl FnOnce(Ino) -> SmolStr,
        node: Node,
        mode: u16,
        cred: &Cred,
    ) -> Result<(SmolStr, Ino), Errno> {
        self.dir(dir)?;
        let ino = self.allocate(node, mode, cred);
        let name = name(ino);
        self.link(dir, name.clone(), ino)?;
        Ok((name, ino))
    }

    /// Removes a name that is not a directory.
    pub fn unlink(&mut self, path: &str, cred: &Cred) -> Result<(), Errno> {
        let (dir, name) = self.locate(path, cred, false)?;
        self.remove_in(dir, &name, cred)
    }

    /// The same in an open directory.
    pub fn remove_in(&mut self, dir: Ino, name: &str, cred: &Cred) -> Result<(), Errno> {
        let ino = *self.dir(dir)?.get(name).ok_or(Errno::NoEnt)?;
        if matches!(self.inode(ino).map(|inode| &inode.node), Some(Node::Dir(_))) {
            return Err(Errno::IsDir);
        }
        self.may_remove(dir, ino, cred)?;
        self.unlink_in(dir, name)
    }

    /// Removes a name in an open directory, whoever owns it: the fast way for daemons that keep one open.
    pub fn unlink_in(&mut self, dir: Ino, name: &str) -> Result<(), Errno> {
        let ino = self.entries_mut(dir)?.remove(name).ok_or(Errno::NoEnt)?;
        let gone = self.inode_mut(ino)?;
        gone.nlink = gone.nlink.saturating_sub(1);
        if gone.nlink == 0 || matches!(gone.node, Node::Dir(_)) {
            self.release(ino);
        }
        Ok(())
    }

    pub(super) fn may_remove(&self, dir: Ino, ino: Ino, cred: &Cred) -> Result<(), Errno> {
        self.may_write_dir(dir, cred)?;
        let (parent, inode) = (self.inode(dir).ok_or(Errno::NoEnt)?, self.inode(ino).ok_or(Errno::NoEnt)?);
        let sticky = parent.mode & 0o1000 != 0;
        if sticky && cred.uid != 0 && cred.uid != inode.uid && cred.uid != parent.uid {
            return Err(Errno::Perm);
        }
        Ok(())
    }

    /// Removes an empty directory.
    pub fn rmdir(&mut self, path: &str, cred: &Cred) -> Result<(), Errno> {
        let (dir, name) = self.locate(path, cred, false)?;
        let ino = *self.dir(dir)?.get(&name).ok_or(Errno::NoEnt)?;
        if !self.dir(ino)?.is_empty() {
            return Err(Errno::NotEmpty);
        }
        self.may_remove(dir, ino, cred)?;
        self.unlink_in(dir, &name)
    }

    /// Gives a file another name, replacing what is there (`rename(2)`).
    pub fn rename(&mut self, from: &str, to: &str, cred: &Cred) -> Result<(), Errno> {
        let (from_dir, from_name) = self.locate(from, cred, false)?;
        let ino = *self.dir(from_dir)?.get(&from_name).ok_or(Errno::NoEnt)?;
        self.may_remove(from_dir, ino, cred)?;
        let (to_dir, to_name) = self.locate(to, cred, false)?;
        self.may_write_dir(to_dir, cred)?;
        let is_dir = self.dir(ino).is_ok();
        if is_dir && self.contains(ino, to_dir) {
            return Err(Errno::Inval);
        }
        if let Some(old) = self.dir(to_dir)?.get(&to_name).copied() {
            if old == ino {
                return Ok(());
            }
            match (self.dir(old), is_dir) {
                (Ok(entries), true) if !entries.is_empty() => return Err(Errno::NotEmpty),
                (Ok(_), false) => return Err(Errno::IsDir),
                (Err(_), true) => return Err(Errno::NotDir),
                _ => {}
            }
            self.may_remove(to_dir, old, cred)?;
            self.unlink_in(to_dir, &to_name)?;
        }
        self.move_in(from_dir, &from_name, to_dir, to_name)?;
        self.note_write(to);
        Ok(())
    }

    /// Moves an entry between open directories: the fast way for daemons that keep them open.
    pub fn move_in(&mut self, from: Ino, from_name: &str, to: Ino, to_name: SmolStr) -> Result<(), Errno> {
        let ino = self.entries_mut(from)?.remove(from_name).ok_or(Errno::NoEnt)?;
        self.link(to, to_name, ino)
    }

    /// Whether `below` is `top` or lies under it.
    pub(super) fn contains(&self, top: Ino, below: Ino) -> bool {
        top == below
            || self
                .dir(top)
                .is_ok_and(|entries| entries.values().any(|ino| self.dir(*ino).is_ok() && self.contains(*ino, below)))
    }

    /// Gives a file a further name (`link(2)`).
    pub fn hard_link(&mut self, from: &str, to: &str, cred: &Cred) -> Result<(), Errno> {
        let ino = self.resolve_link(from, cred)?;
        if self.dir(ino).is_ok() {
            return Err(Errno::Perm);
        }
        let (dir, name) = self.locate(to, cred, false)?;
        if self.dir(dir)?.contains_key(&name) {
            return Err(Errno::Exist);
        }
        self.may_write_dir(dir, cred)?;
        self.link(dir, name, ino)?;
        self.inode_mut(ino)?.nlink += 1;
        self.note_write(to);
        Ok(())
    }
}
