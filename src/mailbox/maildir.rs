//! The Maildir format: one file per message; a message is written into `tmp`, appears in `new`,
//! and moves to `cur` with its flags when a reader has seen it.

use bytes::Bytes;
use smol_str::SmolStr;

use super::copy::Copy;
use crate::host::vfs::{Content, Cred, Errno, Node, Vfs};

/// A message in a Maildir.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// File name without flags: the same as long as the message exists.
    pub unique: SmolStr,
    /// Flags, in order of letters: `D`raft, `F`lagged, `P`assed, `R`eplied, `S`een, `T`rashed.
    pub flags: SmolStr,
    /// Whether it is still in `new`.
    pub new: bool,
    /// Absolute path of the file.
    pub path: String,
}

/// What the device number of `/` is in file names; any number would do.
const DEVICE: u32 = 0xfe00;
/// Process number in names under `tmp`: a file there is gone before the next is made.
const WRITER: u32 = 1;

/// Puts a message into `new`, creating the directories that are missing (mode 0700). `name` is the
/// host's name. Returns the path of the file.
///
/// # Errors
/// The path that failed, and why; `FBig` if the message is longer than `limit` (zero: no limit).
pub fn deliver(
    vfs: &mut Vfs,
    maildir: &str,
    host: &str,
    copy: Copy,
    limit: u64,
    cred: &Cred,
) -> Result<String, (String, Errno)> {
    let top = maildir.trim_end_matches('/');
    let now = vfs.now;
    let tmp = format!("{top}/tmp/{}.P{WRITER}.{host}", now.secs());
    if !["tmp", "new"].iter().all(|sub| vfs.resolve(&format!("{top}/{sub}"), cred).is_ok()) {
        for sub in ["tmp", "new", "cur"] {
            let path = format!("{top}/{sub}");
            make_dirs(vfs, &path, cred).map_err(|error| (tmp.clone(), error))?;
        }
    }
    let too_long = limit > 0 && copy.len() > limit;
    let content = Content::Rope(copy.into_rope());
    let ino = vfs.create_new(&tmp, content, 0o600, cred).map_err(|error| (tmp.clone(), error))?;
    if too_long {
        let _ = vfs.unlink(&tmp, cred);
        return Err((tmp, Errno::FBig));
    }
    let mut target = format!("{top}/new/{}.V{DEVICE:x}I{:x}M{}.{host}", now.secs(), ino.0, now.subsec_micros());
    while vfs.exists(&target) {
        target.push('_');
    }
    match vfs.rename(&tmp, &target, cred) {
        Ok(()) => Ok(target),
        Err(error) => {
            let _ = vfs.unlink(&tmp, cred);
            Err((target, error))
        }
    }
}

/// Makes a directory and those above it that are missing, with the rights of `cred`.
///
/// # Errors
/// What `mkdir(2)` fails with.
pub fn make_dirs(vfs: &mut Vfs, path: &str, cred: &Cred) -> Result<(), Errno> {
    let ends = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        let part = &path[..end];
        if vfs.resolve(part, cred).is_ok() {
            continue;
        }
        match vfs.mkdir(part, 0o700, cred) {
            Ok(_) | Err(Errno::Exist) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The messages, those in `cur` and `new` together, in order of arrival.
///
/// # Errors
/// The directory cannot be read.
pub fn list(vfs: &Vfs, maildir: &str, cred: &Cred) -> Result<Vec<Entry>, Errno> {
    let top = maildir.trim_end_matches('/');
    let mut found = Vec::new();
    for (sub, new) in [("cur", false), ("new", true)] {
        let dir = format!("{top}/{sub}");
        for (name, ino) in vfs.list(&dir, cred)? {
            if name.starts_with('.') || !matches!(vfs.inode(ino).map(|inode| &inode.node), Some(Node::File(_))) {
                continue;
            }
            let (unique, flags) = name.split_once(":2,").unwrap_or((&name, ""));
            let entry = Entry { unique: unique.into(), flags: flags.into(), new, path: format!("{dir}/{name}") };
            found.push((arrival(unique), entry));
        }
    }
    found.sort_by(|(at, left), (other, right)| at.cmp(other).then_with(|| left.unique.cmp(&right.unique)));
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

/// Seconds and microseconds in a unique name; zero where it has other forms.
fn arrival(unique: &str) -> (u64, u64) {
    let mut parts = unique.split('.');
    let secs = parts.next().and_then(|secs| secs.parse().ok()).unwrap_or(0);
    let micros = parts.next().and_then(|middle| middle.rsplit_once('M')).and_then(|(_, micros)| micros.parse().ok());
    (secs, micros.unwrap_or(0))
}

/// Gives a message other flags; it moves to `cur`. Returns the entry as it is now.
///
/// # Errors
/// What `rename(2)` fails with.
pub fn set_flags(vfs: &mut Vfs, maildir: &str, entry: &Entry, flags: &str, cred: &Cred) -> Result<Entry, Errno> {
    let mut letters: Vec<char> = flags.chars().filter(|flag| "DFPRST".contains(*flag)).collect();
    letters.sort_unstable();
    letters.dedup();
    let flags: SmolStr = letters.into_iter().collect();
    let path = format!("{}/cur/{}:2,{flags}", maildir.trim_end_matches('/'), entry.unique);
    vfs.rename(&entry.path, &path, cred)?;
    Ok(Entry { unique: entry.unique.clone(), flags, new: false, path })
}

/// The octets of a message.
///
/// # Errors
/// The file cannot be read.
pub fn read(vfs: &Vfs, entry: &Entry, cred: &Cred) -> Result<Bytes, Errno> {
    vfs.read(&entry.path, cred).map(|content| content.to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    fn world() -> (Vfs, Cred) {
        let mut vfs = Vfs::new(1, Time::from_secs(1000));
        vfs.mkdir_all("/home/bob").unwrap();
        vfs.chown("/home/bob", Some(1001), Some(1001), &Cred::ROOT).unwrap();
        (vfs, Cred { uid: 1001, gid: 1001, groups: vec![] })
    }

    #[test]
    fn messages_are_listed_in_order_of_arrival_and_keep_their_name_when_flagged() {
        let (mut vfs, bob) = world();
        let put = |vfs: &mut Vfs, text: &'static str| {
            deliver(vfs, "/home/bob/Maildir/", "mx", Copy::starting(text), 0, &bob).unwrap()
        };
        let first = put(&mut vfs, "one\n");
        vfs.now = Time::from_micros(1_000_000_005);
        put(&mut vfs, "two\n");
        let entries = list(&vfs, "/home/bob/Maildir", &bob).unwrap();
        assert_eq!(entries[0].path, first);
        let seen = set_flags(&mut vfs, "/home/bob/Maildir", &entries[0], "SRx", &bob).unwrap();
        assert_eq!(seen.flags, "RS");
        let again = list(&vfs, "/home/bob/Maildir", &bob).unwrap();
        assert_eq!((again[0].new, &again[0].unique), (false, &entries[0].unique));
        assert_eq!(&read(&vfs, &again[1], &bob).unwrap()[..], b"two\n");
    }

    #[test]
    fn a_message_beyond_the_limit_leaves_nothing_behind() {
        let (mut vfs, bob) = world();
        let result = deliver(&mut vfs, "/home/bob/Maildir/", "mx", Copy::starting("four\n"), 4, &bob);
        assert_eq!(result.map_err(|(_, error)| error), Err(Errno::FBig));
        assert!(list(&vfs, "/home/bob/Maildir", &bob).unwrap().is_empty());
        assert!(vfs.list("/home/bob/Maildir/tmp", &bob).unwrap().is_empty());
    }

    #[test]
    fn directories_are_not_made_without_the_right_to() {
        let (mut vfs, _) = world();
        let carol = Cred { uid: 1002, gid: 1002, groups: vec![] };
        let result = deliver(&mut vfs, "/home/bob/Maildir/", "mx", Copy::starting("x"), 0, &carol);
        assert_eq!(result.map_err(|(_, error)| error), Err(Errno::Access));
    }
}
