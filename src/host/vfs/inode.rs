//! Files with their metadata, and who may do what with them.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::Ino;
use super::content::Content;
use super::device::Device;
use crate::sim::Time;

/// Who asks: user, group and further groups. [`Cred::ROOT`] may do everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cred {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl Cred {
    /// The super-user.
    pub const ROOT: Cred = Cred { uid: 0, gid: 0, groups: Vec::new() };

    /// Whether this is one of the groups.
    pub(super) fn in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }
}

/// What an inode is.
#[derive(Clone, Debug)]
pub enum Node {
    /// A regular file.
    File(Content),
    /// A directory: names and inodes, in order of names.
    Dir(BTreeMap<SmolStr, Ino>),
    /// A symbolic link.
    Symlink(SmolStr),
    /// A named pipe, or a UNIX-domain socket.
    Special(Special),
}

/// Kinds of special files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A UNIX-domain socket.
    Socket,
    /// A character device.
    Device(Device),
}

/// A file with its metadata.
#[derive(Clone, Debug)]
pub struct Inode {
    /// What it is.
    pub node: Node,
    /// Permission bits, with set-uid, set-gid and sticky.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of the last change of content.
    pub mtime: Time,
    /// Time of the last change of the inode.
    pub ctime: Time,
    /// Number of names.
    pub nlink: u32,
    /// Raised at every change of content, of a directory's entries too: a cheap way to notice one.
    pub version: u64,
    /// Tells this inode from an earlier one with the same number, for who keeps a file open.
    pub generation: u64,
}

impl Inode {
    /// The content of a regular file.
    pub fn content(&self) -> Option<&Content> {
        match &self.node {
            Node::File(content) => Some(content),
            _ => None,
        }
    }

    /// The size that `stat` shows.
    pub fn size(&self) -> u64 {
        match &self.node {
            Node::File(content) => content.size(),
            Node::Dir(_) => 4096,
            Node::Symlink(target) => target.len() as u64,
            Node::Special(_) => 0,
        }
    }

    /// Whether these rights are granted: `4` read, `2` write, `1` execute or search.
    pub(super) fn allows(&self, cred: &Cred, want: u16) -> bool {
        if cred.uid == 0 {
            return true;
        }
        let shift = if cred.uid == self.uid {
            6
        } else if cred.in_group(self.gid) {
            3
        } else {
            0
        };
        (self.mode >> shift) & want == want
    }
}
