//! The file system of a host: plain data, cheap to clone, with owners, modes, symlinks, times and
//! a size limit.
//!
//! Inodes are shared between clones and copied when written. A file's content is a rope of shared
//! chunks, so that one message body is stored once however many files hold it, or an object
//! (a queue file, a compiled table) that can show itself as bytes.

mod attributes;
mod content;
mod device;
mod entries;
mod inode;
mod paths;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::sim::Time;
pub use content::{Content, Object, Rope};
pub use device::Device;
pub use inode::{Cred, Inode, Node, Special};
pub use paths::{Place, Trail};

/// Number of an inode, as `ls -i` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ino(pub u64);

/// Error numbers of system calls, with the texts of `strerror(3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Errno {
    #[error("No such file or directory")]
    NoEnt,
    #[error("Permission denied")]
    Access,
    #[error("Operation not permitted")]
    Perm,
    #[error("Not a directory")]
    NotDir,
    #[error("Is a directory")]
    IsDir,
    #[error("File exists")]
    Exist,
    #[error("Directory not empty")]
    NotEmpty,
    #[error("Too many levels of symbolic links")]
    Loop,
    #[error("No space left on device")]
    NoSpc,
    #[error("File too large")]
    FBig,
    #[error("File name too long")]
    NameTooLong,
    #[error("Invalid argument")]
    Inval,
    #[error("No such device or address")]
    NxIo,
}

const READ: u16 = 4;
const WRITE: u16 = 2;
const SEARCH: u16 = 1;
/// The file system of one host.
#[derive(Clone, Debug)]
pub struct Vfs {
    inodes: Vec<Option<Arc<Inode>>>,
    free: Vec<u64>,
    base: u64,
    root: Ino,
    used: u64,
    /// Size of the disk in octets.
    pub capacity: u64,
    versions: u64,
    /// The clock that new times are taken from; the world sets it before each step.
    pub now: Time,
    /// Paths of files written by name, while somebody wants to know.
    journal: Option<Vec<String>>,
}

impl Vfs {
    /// An empty file system whose first free inode number is `base`.
    pub fn new(base: u64, now: Time) -> Vfs {
        let root = Inode {
            node: Node::Dir(BTreeMap::new()),
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: now,
            ctime: now,
            nlink: 2,
            version: 0,
            generation: 0,
        };
        Vfs {
            inodes: vec![Some(Arc::new(root))],
            free: Vec::new(),
            base,
            root: Ino(base),
            used: 0,
            capacity: 1 << 40,
            versions: 0,
            now,
            journal: None,
        }
    }

    /// The inode of this number.
    pub fn inode(&self, ino: Ino) -> Option<&Inode> {
        let slot = usize::try_from(ino.0.checked_sub(self.base)?).ok()?;
        self.inodes.get(slot)?.as_deref()
    }

    fn inode_mut(&mut self, ino: Ino) -> Result<&mut Inode, Errno> {
        let slot = ino.0.checked_sub(self.base).and_then(|slot| usize::try_from(slot).ok()).ok_or(Errno::NoEnt)?;
        self.inodes.get_mut(slot).and_then(Option::as_mut).map(Arc::make_mut).ok_or(Errno::NoEnt)
    }

    fn allocate(&mut self, node: Node, mode: u16, cred: &Cred) -> Ino {
        self.versions += 1;
        let nlink = if matches!(node, Node::Dir(_)) { 2 } else { 1 };
        let inode = Inode {
            node,
            mode,
            uid: cred.uid,
            gid: cred.gid,
            mtime: self.now,
            ctime: self.now,
            nlink,
            version: self.versions,
            generation: self.versions,
        };
        self.used += inode.size();
        match self.free.pop() {
            Some(slot) => {
                self.inodes[slot as usize] = Some(Arc::new(inode));
                Ino(self.base + slot)
            }
            None => {
                self.inodes.push(Some(Arc::new(inode)));
                Ino(self.base + self.inodes.len() as u64 - 1)
            }
        }
    }

    fn release(&mut self, ino: Ino) {
        let slot = ino.0 - self.base;
        if let Some(inode) = self.inodes[slot as usize].take() {
            self.used = self.used.saturating_sub(inode.size());
            self.free.push(slot);
        }
    }

    /// Octets in use.
    pub fn used_space(&self) -> u64 {
        self.used
    }

    /// What the next random octets of a device follow from; every call gives another.
    pub fn random_seed(&mut self) -> u64 {
        self.versions += 1;
        self.base ^ self.versions.rotate_left(32) ^ self.now.micros()
    }

    /// Free octets of the disk.
    pub fn free_space(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }

    fn dir(&self, ino: Ino) -> Result<&BTreeMap<SmolStr, Ino>, Errno> {
        match &self.inode(ino).ok_or(Errno::NoEnt)?.node {
            Node::Dir(entries) => Ok(entries),
            _ => Err(Errno::NotDir),
        }
    }

    fn may_write_dir(&self, dir: Ino, cred: &Cred) -> Result<(), Errno> {
        let inode = self.inode(dir).ok_or(Errno::NoEnt)?;
        if inode.allows(cred, WRITE | SEARCH) { Ok(()) } else { Err(Errno::Access) }
    }

    fn link(&mut self, dir: Ino, name: SmolStr, ino: Ino) -> Result<(), Errno> {
        self.entries_mut(dir)?.insert(name, ino);
        Ok(())
    }

    /// The entries of a directory, to be changed.
    fn entries_mut(&mut self, dir: Ino) -> Result<&mut BTreeMap<SmolStr, Ino>, Errno> {
        self.versions += 1;
        let (now, version) = (self.now, self.versions);
        let inode = self.inode_mut(dir)?;
        let Node::Dir(entries) = &mut inode.node else { return Err(Errno::NotDir) };
        inode.mtime = now;
        inode.version = version;
        Ok(entries)
    }

    /// Whether a path leads anywhere, seen by root.
    pub fn exists(&self, path: &str) -> bool {
        self.resolve(path, &Cred::ROOT).is_ok()
    }

    /// Metadata and content of what a path leads to.
    pub fn stat(&self, path: &str, cred: &Cred) -> Result<&Inode, Errno> {
        self.inode(self.resolve(path, cred)?).ok_or(Errno::NoEnt)
    }

    /// The same, shared: whoever holds it can tell by identity whether the file was changed.
    pub fn stat_shared(&self, path: &str, cred: &Cred) -> Result<Arc<Inode>, Errno> {
        let ino = self.resolve(path, cred)?;
        let slot = ino.0.checked_sub(self.base).and_then(|slot| usize::try_from(slot).ok());
        slot.and_then(|slot| self.inodes.get(slot)?.clone()).ok_or(Errno::NoEnt)
    }

    /// Whether these rights (`4` read, `2` write, `1` execute or search) are granted.
    pub fn access(&self, path: &str, cred: &Cred, want: u16) -> Result<(), Errno> {
        if self.stat(path, cred)?.allows(cred, want) { Ok(()) } else { Err(Errno::Access) }
    }

    /// The same for an open file or directory.
    pub fn access_ino(&self, ino: Ino, cred: &Cred, want: u16) -> Result<(), Errno> {
        if self.inode(ino).ok_or(Errno::NoEnt)?.allows(cred, want) { Ok(()) } else { Err(Errno::Access) }
    }

    /// The content of a regular file.
    pub fn read(&self, path: &str, cred: &Cred) -> Result<&Content, Errno> {
        let inode = self.stat(path, cred)?;
        if !inode.allows(cred, READ) {
            return Err(Errno::Access);
        }
        match &inode.node {
            Node::File(content) => Ok(content),
            Node::Dir(_) => Err(Errno::IsDir),
            _ => Err(Errno::NxIo),
        }
    }

    /// The content of a regular file as text; octets that are not UTF-8 are replaced.
    pub fn read_text(&self, path: &str, cred: &Cred) -> Result<String, Errno> {
        if self.stat(path, cred).is_ok_and(|inode| matches!(inode.node, Node::Special(Special::Device(_)))) {
            return Ok(String::new());
        }
        Ok(String::from_utf8_lossy(&self.read(path, cred)?.to_vec()).into_owned())
    }

    /// The names in a directory, in order.
    pub fn list(&self, path: &str, cred: &Cred) -> Result<Vec<(SmolStr, Ino)>, Errno> {
        let ino = self.resolve(path, cred)?;
        let entries = self.dir(ino)?;
        if !self.inode(ino).is_some_and(|inode| inode.allows(cred, READ)) {
            return Err(Errno::Access);
        }
        Ok(entries.iter().map(|(name, ino)| (name.clone(), *ino)).collect())
    }

    /// Begins to keep the paths of files that are written, made, linked or renamed by name.
    pub fn begin_journal(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// The paths kept since the beginning or the last call.
    pub fn take_journal(&mut self) -> Vec<String> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Stops keeping paths.
    pub fn end_journal(&mut self) {
        self.journal = None;
    }

    fn note_write(&mut self, path: &str) {
        if let Some(journal) = &mut self.journal
            && journal.last().is_none_or(|last| last != path)
            && !path.starts_with("/dev/")
        {
            journal.push(path.to_owned());
        }
    }

    /// Replaces a file's content, creating it with `mode` if it does not exist (`open` with
    /// `O_CREAT|O_TRUNC`).
    pub fn write(&mut self, path: &str, content: impl Into<Content>, mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        let content = content.into();
        self.edit(path, mode, cred, |old| {
            *old = content;
            Ok(())
        })
    }

    /// Appends to a file, creating it with `mode` if it does not exist.
    pub fn append(&mut self, path: &str, bytes: impl Into<Bytes>, mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        let bytes = bytes.into();
        self.edit(path, mode, cred, |content| {
            content.rope_mut().push(bytes);
            Ok(())
        })
    }

    /// Appends a copy to a file, creating it with `mode` if it does not exist.
    pub fn append_slice(&mut self, path: &str, slice: &[u8], mode: u16, cred: &Cred) -> Result<Ino, Errno> {
        self.edit(path, mode, cred, |content| {
            content.rope_mut().push_slice(slice);
            Ok(())
        })
    }

    /// Appends a copy to an open file.
    pub fn append_ino(&mut self, ino: Ino, slice: &[u8]) -> Result<(), Errno> {
        self.edit_ino(ino, |content| {
            content.rope_mut().push_slice(slice);
            Ok(())
        })
    }

    /// Changes a file's content in place, creating it with `mode` if it does not exist.
    pub fn edit(
        &mut self,
        path: &str,
        mode: u16,
        cred: &Cred,
        change: impl FnOnce(&mut Content) -> Result<(), Errno>,
    ) -> Result<Ino, Errno> {
        let ino = match self.resolve(path, cred) {
            Ok(ino) => ino,
            Err(Errno::NoEnt) => {
                let (dir, name) = self.locate(path, cred, true)?;
                if path.ends_with('/') {
                    return Err(Errno::IsDir);
                }
                self.may_write_dir(dir, cred)?;
                let ino = self.allocate(Node::File(Content::from(Vec::new())), mode, cred);
                self.link(dir, name, ino)?;
                ino
            }
            Err(error) => return Err(error),
        };
        if !self.inode(ino).is_some_and(|inode| inode.allows(cred, WRITE)) {
            return Err(Errno::Access);
        }
        self.edit_ino(ino, change)?;
        self.note_write(path);
        Ok(ino)
    }

    /// Changes the content of an open file: no permission is checked any more.
    pub fn edit_ino(&mut self, ino: Ino, change: impl FnOnce(&mut Content) -> Result<(), Errno>) -> Result<(), Errno> {
        self.versions += 1;
        let (now, version, free) = (self.now, self.versions, self.free_space());
        let inode = self.inode_mut(ino)?;
        match &mut inode.node {
            Node::File(content) => {
                let before = content.size();
                let undo = if free < 1 << 24 { Some(content.clone()) } else { None };
                change(content)?;
                let after = content.size();
                if let Some(old) = undo.filter(|_| after > before && after - before > free) {
                    *content = old;
                    return Err(Errno::NoSpc);
                }
                inode.mtime = now;
                inode.ctime = now;
                inode.version = version;
                self.used = (self.used + after).saturating_sub(before);
                Ok(())
            }
            Node::Dir(_) => Err(Errno::IsDir),
            Node::Special(Special::Device(Device::Full)) => Err(Errno::NoSpc),
            Node::Special(Special::Device(_)) => Ok(()),
            Node::Special(_) | Node::Symlink(_) => Err(Errno::NxIo),
        }
    }

    /// Shows every inode with one of its absolute paths, directories before what is in them, in
    /// order of names.
    pub fn visit(&self, show: &mut impl FnMut(&str, &Inode)) {
        self.visit_below("", self.root, show);
    }

    fn visit_below(&self, path: &str, ino: Ino, show: &mut impl FnMut(&str, &Inode)) {
        let Some(inode) = self.inode(ino) else { return };
        show(if path.is_empty() { "/" } else { path }, inode);
        if let Node::Dir(entries) = &inode.node {
            for (name, below) in entries {
                self.visit_below(&format!("{path}/{name}"), *below, show);
            }
        }
    }
}
