//! From paths to inodes: symbolic links, `..`, and the right to search directories
//! (path_resolution(7)).

use smol_str::SmolStr;

use super::{Cred, Errno, Ino, Node, SEARCH, Vfs};

/// Links followed before giving up, as in Linux.
const MAX_LINKS: u32 = 40;
/// Longest name and longest path, as in Linux.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4096;

impl Vfs {
    /// Finds the inode of an absolute path, following symbolic links.
    pub fn resolve(&self, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        self.walk(path, cred, true, &mut 0)
    }

    /// Finds the inode of an absolute path; a final symbolic link is not followed.
    pub fn resolve_link(&self, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        self.walk(path, cred, false, &mut 0)
    }

    fn walk(&self, path: &str, cred: &Cred, follow: bool, links: &mut u32) -> Result<Ino, Errno> {
        if path.len() > MAX_PATH {
            return Err(Errno::NameTooLong);
        }
        if path.is_empty() {
            return Err(Errno::NoEnt);
        }
        // The inodes from the root down to the present place, for `..`.
        let mut trail = vec![self.root];
        self.walk_from(&mut trail, path, cred, follow, links)?;
        trail.last().copied().ok_or(Errno::NoEnt)
    }

    fn walk_from(
        &self,
        trail: &mut Vec<Ino>,
        path: &str,
        cred: &Cred,
        follow: bool,
        links: &mut u32,
    ) -> Result<(), Errno> {
        if path.starts_with('/') {
            trail.truncate(1);
        }
        let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
        let wants_dir = path.ends_with('/');
        while let Some(part) = parts.next() {
            let here = *trail.last().ok_or(Errno::NoEnt)?;
            let entries = self.dir(here)?;
            if !self.inode(here).is_some_and(|inode| inode.allows(cred, SEARCH)) {
                return Err(Errno::Access);
            }
            if part == ".." {
                if trail.len() > 1 {
                    trail.pop();
                }
                continue;
            }
            if part.len() > MAX_NAME {
                return Err(Errno::NameTooLong);
            }
            let next = *entries.get(part).ok_or(Errno::NoEnt)?;
            let last = parts.peek().is_none();
            match &self.inode(next).ok_or(Errno::NoEnt)?.node {
                Node::Symlink(target) if !last || follow || wants_dir => {
                    *links += 1;
                    if *links > MAX_LINKS {
                        return Err(Errno::Loop);
                    }
                    self.walk_from(trail, target, cred, true, links)?;
                }
                _ => trail.push(next),
            }
        }
        if wants_dir {
            self.dir(*trail.last().ok_or(Errno::NoEnt)?)?;
        }
        Ok(())
    }

    /// Splits a path into the inode of its directory and its last name. A final symbolic link is
    /// replaced by where it points, when `follow` is set.
    pub(super) fn locate(&self, path: &str, cred: &Cred, follow: bool) -> Result<(Ino, SmolStr), Errno> {
        let mut path = path.trim_end_matches('/').to_owned();
        for _ in 0..MAX_LINKS {
            let (dir, name) = match path.rsplit_once('/') {
                Some(("", name)) => ("/", name),
                Some((dir, name)) => (dir, name),
                None => return Err(Errno::NoEnt),
            };
            if name.is_empty() || name == "." || name == ".." {
                return Err(Errno::Exist);
            }
            if name.len() > MAX_NAME {
                return Err(Errno::NameTooLong);
            }
            let parent = self.resolve(dir, cred)?;
            let entries = self.dir(parent)?;
            if !self.inode(parent).is_some_and(|inode| inode.allows(cred, SEARCH)) {
                return Err(Errno::Access);
            }
            let target = entries.get(name).and_then(|ino| self.inode(*ino)).and_then(|inode| match &inode.node {
                Node::Symlink(target) if follow => Some(target.clone()),
                _ => None,
            });
            match target {
                None => return Ok((parent, name.into())),
                Some(target) if target.starts_with('/') => path = target.to_string(),
                Some(target) => path = format!("{dir}/{target}"),
            }
        }
        Err(Errno::Loop)
    }
}
