//! Where queue files lie under `queue_directory`, hashed as by `mail_queue_dir()`.

use smol_str::SmolStr;

use super::id;
use crate::host::vfs::{Cred, Errno, Ino, Node, Vfs};

/// Directories that qmgr(8), cleanup(8) and bounce(8) need.
const DIRECTORIES: [(&str, u16); 11] = [
    ("active", 0o700),
    ("bounce", 0o700),
    ("corrupt", 0o700),
    ("defer", 0o700),
    ("deferred", 0o700),
    ("flush", 0o700),
    ("hold", 0o700),
    ("incoming", 0o700),
    ("maildrop", 0o1730),
    ("saved", 0o700),
    ("trace", 0o700),
];

/// The places of queue files, and who owns them.
#[derive(Clone, Debug)]
pub struct Layout {
    /// `queue_directory`.
    pub directory: SmolStr,
    /// `hash_queue_names`.
    pub hashed: Vec<SmolStr>,
    /// `hash_queue_depth`.
    pub depth: usize,
    /// The user `mail_owner`, whom the files belong to.
    pub owner: Cred,
}

impl Layout {
    /// Postfix's default layout.
    pub fn new(directory: &str, owner: Cred) -> Layout {
        Layout { directory: directory.into(), hashed: vec!["deferred".into(), "defer".into()], depth: 1, owner }
    }

    fn is_hashed(&self, queue: &str) -> bool {
        self.hashed.iter().any(|name| name == queue)
    }

    /// The subdirectories between a queue's directory and the file: `5`, or `5/A` at depth 2.
    fn forest(&self, queue: &str, id: &str) -> Vec<SmolStr> {
        if !self.is_hashed(queue) {
            return Vec::new();
        }
        let digits = id::hash_digits(id);
        let digits = digits.bytes().chain(std::iter::repeat(b'_')).take(self.depth);
        digits.map(|digit| SmolStr::new_inline((digit as char).encode_utf8(&mut [0; 4]))).collect()
    }

    /// The path of a file relative to the queue directory: `deferred/5/5ABCD4321`.
    pub fn relative(&self, queue: &str, id: &str) -> String {
        let mut path = queue.to_owned();
        for part in self.forest(queue, id) {
            path.push('/');
            path.push_str(&part);
        }
        path.push('/');
        path.push_str(id);
        path
    }

    /// The absolute path of a file.
    pub fn path(&self, queue: &str, id: &str) -> String {
        format!("{}/{}", self.directory, self.relative(queue, id))
    }

    /// Makes the directories that are missing, as `postfix start` does.
    ///
    /// # Errors
    /// A name on the way is not a directory.
    pub fn make(&self, vfs: &mut Vfs) -> Result<(), Errno> {
        vfs.mkdir_all(&self.directory)?;
        for (name, mode) in DIRECTORIES {
            let path = format!("{}/{name}", self.directory);
            match vfs.mkdir(&path, mode, &Cred::ROOT) {
                Ok(_) => vfs.chown(&path, Some(self.owner.uid), None, &Cred::ROOT)?,
                Err(Errno::Exist) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The directory that a file of this queue lies in, if it exists. `top` is the inode of the
    /// queue's own directory.
    pub fn find_dir(&self, vfs: &Vfs, top: Ino, queue: &str, id: &str) -> Option<Ino> {
        if !self.is_hashed(queue) {
            return Some(top);
        }
        if matches!(&vfs.inode(top)?.node, Node::Dir(entries) if entries.is_empty()) {
            return None;
        }
        self.forest(queue, id).iter().try_fold(top, |dir, part| entry(vfs, dir, part))
    }

    /// The same; missing hash directories are made.
    pub fn dir(&self, vfs: &mut Vfs, top: Ino, queue: &str, id: &str) -> Result<Ino, Errno> {
        let mut dir = top;
        if self.is_hashed(queue) {
            for part in self.forest(queue, id) {
                dir = match entry(vfs, dir, &part) {
                    Some(next) => next,
                    None => vfs.create_in(dir, part, Node::Dir(Default::default()), 0o700, &self.owner)?,
                };
            }
        }
        Ok(dir)
    }

    /// Whether a queue has no file, in hashed directories neither.
    pub fn is_empty(&self, vfs: &Vfs, root: Ino, queue: &str) -> bool {
        entry(vfs, root, queue).is_none_or(|top| !has_file(vfs, top, 8))
    }

    /// The directories of the queues, as they are now.
    pub fn tops(&self, vfs: &Vfs, root: Ino) -> Tops {
        let version = vfs.inode(root).map_or(0, |inode| inode.version);
        Tops { root, version, dirs: DIRECTORIES.map(|(name, _)| entry(vfs, root, name)) }
    }

    /// All files of a queue, hashed directories included, in order of directory and name.
    pub fn scan(&self, vfs: &Vfs, queue: &str) -> Result<Vec<(SmolStr, Ino)>, Errno> {
        let root = vfs.resolve(&self.directory, &Cred::ROOT)?;
        let mut found = Vec::new();
        let top = entry(vfs, root, queue).ok_or(Errno::NoEnt)?;
        collect(vfs, top, 8, &mut found);
        Ok(found)
    }
}

/// The directories right below the queue directory, which change rarely.
#[derive(Clone, Debug)]
pub struct Tops {
    root: Ino,
    /// Version of the queue directory when they were found.
    version: u64,
    /// In the order of [`DIRECTORIES`].
    dirs: [Option<Ino>; DIRECTORIES.len()],
}

impl Tops {
    /// Whether they are still the same.
    pub fn is_current(&self, vfs: &Vfs) -> bool {
        vfs.inode(self.root).is_some_and(|inode| inode.version == self.version)
    }

    /// The directory of a queue, if it exists.
    pub fn find(&self, vfs: &Vfs, queue: &str) -> Option<Ino> {
        match place(queue) {
            Some(place) if self.is_current(vfs) => self.dirs[place],
            _ => entry(vfs, self.root, queue),
        }
    }
}

/// The place of a name in [`DIRECTORIES`].
fn place(name: &str) -> Option<usize> {
    Some(match name {
        "active" => 0,
        "bounce" => 1,
        "corrupt" => 2,
        "defer" => 3,
        "deferred" => 4,
        "flush" => 5,
        "hold" => 6,
        "incoming" => 7,
        "maildrop" => 8,
        "saved" => 9,
        "trace" => 10,
        _ => return None,
    })
}

/// An entry of a directory.
pub fn entry(vfs: &Vfs, dir: Ino, name: &str) -> Option<Ino> {
    match &vfs.inode(dir)?.node {
        Node::Dir(entries) => entries.get(name).copied(),
        _ => None,
    }
}

fn has_file(vfs: &Vfs, dir: Ino, depth: u32) -> bool {
    let Some(Node::Dir(entries)) = vfs.inode(dir).map(|inode| &inode.node) else { return false };
    entries.values().any(|ino| match vfs.inode(*ino).map(|inode| &inode.node) {
        Some(Node::Dir(_)) => depth > 0 && has_file(vfs, *ino, depth - 1),
        Some(Node::File(_)) => true,
        _ => false,
    })
}

fn collect(vfs: &Vfs, dir: Ino, depth: u32, found: &mut Vec<(SmolStr, Ino)>) {
    let Some(Node::Dir(entries)) = vfs.inode(dir).map(|inode| &inode.node) else { return };
    for (name, ino) in entries {
        match vfs.inode(*ino).map(|inode| &inode.node) {
            Some(Node::Dir(_)) if depth > 0 => collect(vfs, *ino, depth - 1, found),
            Some(Node::File(_)) => found.push((name.clone(), *ino)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directory_has_its_place() {
        for (index, (name, _)) in DIRECTORIES.iter().enumerate() {
            assert_eq!(place(name), Some(index), "{name}");
        }
    }
}
