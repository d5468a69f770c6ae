//! From paths to inodes: symbolic links, `..`, and the right to search directories
//! (path_resolution(7)).

use smol_str::SmolStr;

use super::{Cred, Errno, Ino, Node, SEARCH, Vfs};

/// Links followed before giving up, as in Linux.
const MAX_LINKS: u32 = 40;
/// Longest name and longest path, as in Linux.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4096;

/// Takes the next name off a path; empty names and `.` lead nowhere.
fn next_name<'a>(rest: &mut &'a str) -> Option<&'a str> {
    while !rest.is_empty() {
        let end = rest.bytes().position(|octet| octet == b'/').unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        *rest = tail.get(1..).unwrap_or_default();
        if !name.is_empty() && name != "." {
            return Some(name);
        }
    }
    None
}

/// The inodes that a path led to, with their versions at that time.
#[derive(Clone, Debug, Default)]
pub struct Trail(Vec<(Ino, u64)>);

/// Where a path led, for programs that come back to it again and again.
#[derive(Clone, Debug, Default)]
pub struct Place {
    path: SmolStr,
    /// The directories on the way with their versions.
    way: Vec<(Ino, u64)>,
    end: Option<Ino>,
}

impl Vfs {
    /// Finds the inode of an absolute path, following symbolic links.
    pub fn resolve(&self, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        self.walk(path, cred, true, &mut 0)
    }

    /// Finds the inode of an absolute path; a final symbolic link is not followed.
    pub fn resolve_link(&self, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        self.walk(path, cred, false, &mut 0)
    }

    /// An absolute path without links and dots; its last part need not exist.
    ///
    /// # Errors
    /// A part but the last does not exist, or the links do not end.
    pub fn canonical(&self, path: &str, cred: &Cred) -> Result<String, Errno> {
        let parts = |path: &str| -> Vec<String> {
            path.split('/').rev().filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
        };
        let (mut left, mut done, mut links) = (parts(path), String::new(), 0);
        while let Some(part) = left.pop() {
            if part == ".." {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            let next = format!("{done}/{part}");
            let ino = self.resolve_link(&next, cred).ok();
            match ino.and_then(|ino| self.inode(ino)).map(|inode| &inode.node) {
                Some(Node::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::Loop);
                    }
                    if target.starts_with('/') {
                        done.clear();
                    }
                    left.extend(parts(target));
                }
                Some(_) => done = next,
                None if left.is_empty() => done = next,
                None => return Err(Errno::NoEnt),
            }
        }
        Ok(if done.is_empty() { "/".into() } else { done })
    }

    fn walk(&self, path: &str, cred: &Cred, follow: bool, links: &mut u32) -> Result<Ino, Errno> {
        if path.len() > MAX_PATH {
            return Err(Errno::NameTooLong);
        }
        if path.is_empty() {
            return Err(Errno::NoEnt);
        }
        // The inodes from the root down to the present place, for `..`.
        let mut trail = Vec::with_capacity(8);
        trail.push(self.root);
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
        let mut rest = path;
        let wants_dir = path.ends_with('/');
        while let Some(part) = next_name(&mut rest) {
            let here = trail.last().and_then(|ino| self.inode(*ino)).ok_or(Errno::NoEnt)?;
            let Node::Dir(entries) = &here.node else { return Err(Errno::NotDir) };
            if !here.allows(cred, SEARCH) {
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
            match &self.inode(next).ok_or(Errno::NoEnt)?.node {
                Node::Symlink(target) if follow || wants_dir || next_name(&mut { rest }).is_some() => {
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

    /// Follows names from the root, without symbolic links, as far as they lead.
    pub fn trail(&self, names: &[&str]) -> Trail {
        let mut trail = Trail::default();
        let mut at = Some(self.root);
        let mut names = names.iter();
        while let Some((ino, inode)) = at.and_then(|ino| Some((ino, self.inode(ino)?))) {
            trail.0.push((ino, inode.version));
            at = match (&inode.node, names.next()) {
                (Node::Dir(entries), Some(name)) => entries.get(*name).copied(),
                _ => None,
            };
        }
        trail
    }

    /// Whether nothing has changed on a trail: the directories have the same entries, and the file
    /// at the end has the same content.
    pub fn is_unchanged(&self, trail: &Trail) -> bool {
        let same = |(ino, version): &(Ino, u64)| self.inode(*ino).is_some_and(|inode| inode.version == *version);
        !trail.0.is_empty() && trail.0.iter().all(same)
    }

    /// As [`Vfs::resolve`], and at once if `place` was used for the same path before and no
    /// directory on the way has changed.
    pub fn revisit(&self, place: &mut Place, path: &str, cred: &Cred) -> Result<Ino, Errno> {
        let same = |(ino, version): &(Ino, u64)| {
            self.inode(*ino).is_some_and(|inode| inode.version == *version && inode.allows(cred, SEARCH))
        };
        if let Some(end) = place.end.filter(|_| place.path == path && place.way.iter().all(same)) {
            return Ok(end);
        }
        let ino = self.resolve(path, cred)?;
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        let Trail(mut way) = self.trail(&names);
        // With links or `..` on the way it leads elsewhere, or nowhere.
        let end = way.pop().filter(|(end, _)| *end == ino && way.len() == names.len()).map(|(end, _)| end);
        *place = Place { path: path.into(), way, end };
        Ok(ino)
    }

    /// The inode of a name in an open directory.
    pub fn entry(&self, dir: Ino, name: &str, cred: &Cred) -> Result<Ino, Errno> {
        let inode = self.inode(dir).ok_or(Errno::NoEnt)?;
        let Node::Dir(entries) = &inode.node else { return Err(Errno::NotDir) };
        if !inode.allows(cred, SEARCH) {
            return Err(Errno::Access);
        }
        if name.len() > MAX_NAME {
            return Err(Errno::NameTooLong);
        }
        entries.get(name).copied().ok_or(Errno::NoEnt)
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
