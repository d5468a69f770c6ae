//! Appending to a mailbox file as Postfix does (`safe_open(3)`, `mbox_open(3)`): checks, dot lock,
//! ownership, size limit; and the status codes and words for what goes wrong.

use crate::host::vfs::{Cred, Errno, Ino, Node, Special, Vfs};
use crate::mailbox::copy::Copy;
use crate::mailbox::{lock, maildir};
use crate::mta::postfix::config::{Fatal, Params};
use crate::sim::Duration;

/// A delivery that failed, with the DSN detail for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Enhanced status code: class 4 defers, class 5 bounces.
    pub dsn: &'static str,
    /// The reason.
    pub reason: String,
    /// The text for `Diagnostic-Code: x-unix`, if a system call gave it.
    pub unix: Option<&'static str>,
    /// Whether the mailbox is locked by another program: worth trying again shortly.
    pub locked: bool,
}

impl Failure {
    /// A failure of Postfix's own.
    pub fn new(dsn: &'static str, reason: impl Into<String>) -> Failure {
        Failure { dsn, reason: reason.into(), unix: None, locked: false }
    }
}

/// The status code for an error with a mailbox; `default` where no other fits.
pub fn mbox_dsn(error: Errno, default: &'static str) -> &'static str {
    match error {
        Errno::NoSpc => "4.3.0",
        Errno::FBig => "5.2.2",
        _ => default,
    }
}

/// How a mailbox is opened.
#[derive(Clone, Debug)]
pub struct Open<'a> {
    /// With whose rights the file is opened and locked.
    pub cred: &'a Cred,
    /// The file's directory, if the caller has found it already.
    pub dir: Option<Ino>,
    /// Who shall own a new file, if not `cred`.
    pub owner: Option<(u32, u32)>,
    /// Whether a dot lock is needed; `false` if failing to make one does not matter.
    pub lock: Locking,
    /// Only files of this user are delivered to (`strict_mailbox_ownership`).
    pub strict_owner: Option<u32>,
    /// Largest size of the file; zero for any.
    pub limit: u64,
    /// Refuse files that can be executed.
    pub refuse_executable: bool,
    /// The status code of errors that have none of their own.
    pub default_dsn: &'static str,
    /// `stale_lock_time`.
    pub stale: Duration,
}

/// Whether mailboxes are locked by a file beside them, as a parameter says (`mbox_lock_mask(3)`).
///
/// # Errors
/// The parameter names an unknown way to lock.
pub fn dot_locks(params: &Params<'_>, parameter: &str) -> Result<bool, Fatal> {
    Ok(params.mask(parameter, &["fcntl", "flock", "dotlock"])?.iter().any(|word| word == "dotlock"))
}

/// What dot locking means for a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// None (`mailbox_delivery_lock` without `dotlock`).
    None,
    /// The lock must be had.
    Required,
    /// A directory in which no lock can be made is no hindrance, only a warning.
    MayFail,
}

/// Appends a copy to a mailbox. The warnings for the log come with the result.
///
/// # Errors
/// The failure, with its reason as Postfix words it.
pub fn append(vfs: &mut Vfs, path: &str, copy: Copy, open: &Open<'_>) -> (Result<(), Failure>, Vec<String>) {
    let mut warnings = Vec::new();
    let result = try_append(vfs, path, copy, open, &mut warnings);
    (result, warnings)
}

fn try_append(
    vfs: &mut Vfs,
    path: &str,
    copy: Copy,
    open: &Open<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let (parent, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => ("", path),
    };
    let dir = open.dir.map_or_else(|| vfs.resolve(parent, open.cred), Ok);
    let there = match dir {
        Ok(dir) if !matches!(name, "" | "." | "..") => vfs.entry(dir, name, open.cred),
        _ => vfs.resolve_link(path, open.cred),
    };
    let regular = match there {
        Ok(ino) => vfs.inode(ino).is_none_or(|inode| matches!(inode.node, Node::File(_))),
        Err(error) => error == Errno::NoEnt,
    };
    if regular && open.lock != Locking::None {
        let locked = dir.and_then(|dir| lock::try_dot_lock(vfs, dir, name, open.stale, open.cred));
        locked.or_else(|error| not_locked(path, error, open, warnings))?;
    }
    let ino = match there {
        Ok(ino) => open_existing(vfs, path, ino, open)?,
        Err(Errno::NoEnt) => create(vfs, path, open)?,
        Err(error) => return Err(cannot("open file", error, open)),
    };
    let inode = vfs.inode(ino).ok_or_else(|| cannot("open file", Errno::NoEnt, open))?;
    if open.refuse_executable && matches!(inode.node, Node::File(_)) && inode.mode & 0o111 != 0 {
        return Err(Failure::new("5.7.1", "file is executable"));
    }
    if open.strict_owner.is_some_and(|uid| uid != inode.uid) {
        warnings.push("specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch".into());
        return Err(Failure::new("4.2.0", format!("destination {path} is not owned by recipient")));
    }
    if open.limit > 0 && inode.size() + copy.len() > open.limit {
        return Err(write_failure(Errno::FBig));
    }
    vfs.edit_ino(ino, |content| {
        copy.append_to(content.rope_mut());
        Ok(())
    })
    .map_err(write_failure)
}

/// What a lock that could not be had means.
fn not_locked(path: &str, error: Errno, open: &Open<'_>, warnings: &mut Vec<String>) -> Result<(), Failure> {
    let reason = format!("unable to create lock file {}: {error}", lock::dot_lock_path(path));
    match error {
        Errno::Exist => Err(Failure { locked: true, ..Failure::new("4.2.0", reason) }),
        _ if open.lock == Locking::MayFail => {
            warnings.push(reason);
            Ok(())
        }
        _ => Err(Failure::new(mbox_dsn(error, open.default_dsn), reason)),
    }
}

fn cannot(what: &str, error: Errno, open: &Open<'_>) -> Failure {
    Failure::new(mbox_dsn(error, open.default_dsn), format!("cannot {what}: {error}"))
}

fn write_failure(error: Errno) -> Failure {
    let reason = format!("error writing message: {error}");
    Failure { unix: Some("input/output error"), ..Failure::new(mbox_dsn(error, "5.3.0"), reason) }
}

fn open_existing(vfs: &mut Vfs, path: &str, link: Ino, open: &Open<'_>) -> Result<Ino, Failure> {
    let follows = vfs.inode(link).is_some_and(|inode| matches!(inode.node, Node::Symlink(_)));
    let trusted_link = follows && vfs.inode(link).is_some_and(|inode| inode.uid == 0);
    let ino =
        if follows { vfs.resolve(path, open.cred).map_err(|error| cannot("open file", error, open))? } else { link };
    let fail = |error: Errno| cannot("open file", error, open);
    let inode = vfs.inode(ino).ok_or_else(|| fail(Errno::NoEnt))?;
    match &inode.node {
        Node::Dir(_) => return Err(fail(Errno::IsDir)),
        Node::Special(Special::Device(_)) => return Ok(ino),
        Node::Special(_) => return Err(Failure::new("5.2.0", format!("destination {path} is not a regular file"))),
        Node::File(_) | Node::Symlink(_) => {}
    }
    let writable = if follows { vfs.access(path, open.cred, WRITE) } else { vfs.access_ino(ino, open.cred, WRITE) };
    writable.map_err(fail)?;
    if inode.nlink != 1 {
        return Err(Failure::new("5.2.0", format!("file has {} hard links", inode.nlink)));
    }
    if follows && !trusted_link {
        return Err(Failure::new("5.2.0", "file is a symbolic link"));
    }
    Ok(ino)
}

const WRITE: u16 = 2;

fn create(vfs: &mut Vfs, path: &str, open: &Open<'_>) -> Result<Ino, Failure> {
    let fail = |error: Errno| cannot("create file exclusively", error, open);
    let ino = vfs.create_new(path, "", 0o600, open.cred).map_err(fail)?;
    if let Some((uid, gid)) = open.owner {
        vfs.chown(path, Some(uid), Some(gid), &Cred::ROOT).map_err(fail)?;
    }
    Ok(ino)
}

/// Delivers into a Maildir.
///
/// # Errors
/// The failure, its reason as local(8) and virtual(8) word it.
pub fn maildir(
    vfs: &mut Vfs,
    path: &str,
    host: &str,
    copy: Copy,
    limit: u64,
    default_dsn: &'static str,
    cred: &Cred,
) -> (Result<(), Failure>, Vec<String>) {
    let Err((at, error)) = maildir::deliver(vfs, path, host, copy, limit, cred) else { return (Ok(()), Vec::new()) };
    let mut warnings = Vec::new();
    if error == Errno::Access {
        warnings.push(format!(
            "maildir access problem for UID/GID={}/{}: create maildir file {at}: {error}",
            cred.uid, cred.gid
        ));
        warnings.push("perhaps you need to create the maildirs in advance".into());
    }
    let failure = match error {
        Errno::FBig | Errno::NoSpc => write_failure(error),
        _ => Failure::new(mbox_dsn(error, default_dsn), format!("create maildir file {at}: {error}")),
    };
    let reason = format!("maildir delivery failed: {}", failure.reason);
    (Err(Failure { reason, ..failure }), warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    static ALICE: Cred = Cred { uid: 1000, gid: 8, groups: Vec::new() };

    fn world() -> Vfs {
        let mut vfs = Vfs::new(1, Time::from_secs(10_000));
        vfs.mkdir_all("/var/mail").unwrap();
        vfs.chown("/var/mail", None, Some(8), &Cred::ROOT).unwrap();
        vfs.chmod("/var/mail", 0o2775, &Cred::ROOT).unwrap();
        vfs
    }

    fn open(limit: u64) -> Open<'static> {
        Open {
            cred: &ALICE,
            dir: None,
            owner: None,
            lock: Locking::Required,
            strict_owner: Some(1000),
            limit,
            refuse_executable: false,
            default_dsn: "5.2.0",
            stale: Duration::from_secs(500),
        }
    }

    #[test]
    fn a_new_mailbox_belongs_to_its_user_and_grows() {
        let mut vfs = world();
        for _ in 0..2 {
            assert_eq!(append(&mut vfs, "/var/mail/alice", Copy::starting("mail\n"), &open(0)), (Ok(()), vec![]));
        }
        let inode = vfs.stat("/var/mail/alice", &Cred::ROOT).unwrap();
        assert_eq!((inode.uid, inode.mode, inode.size()), (1000, 0o600, 10));
    }

    #[test]
    fn failures_carry_postfix_words_and_codes() {
        let reason = |vfs: &mut Vfs, path: &str, limit| {
            let (result, _) = append(vfs, path, Copy::starting("mail\n"), &open(limit));
            result.map_err(|failure| (failure.dsn, failure.reason)).unwrap_err()
        };
        let mut vfs = world();
        vfs.write("/var/mail/bob", "", 0o600, &Cred::ROOT).unwrap();
        assert_eq!(reason(&mut vfs, "/var/mail/bob", 0), ("5.2.0", "cannot open file: Permission denied".into()));
        assert_eq!(reason(&mut vfs, "/var/mail/alice", 4), ("5.2.2", "error writing message: File too large".into()));
        vfs.write("/var/mail/alice.lock", "", 0o600, &Cred::ROOT).unwrap();
        assert_eq!(
            reason(&mut vfs, "/var/mail/alice", 0),
            ("4.2.0", "unable to create lock file /var/mail/alice.lock: File exists".into())
        );
        vfs.write("/var/mail/carol", "", 0o666, &Cred::ROOT).unwrap();
        assert_eq!(
            reason(&mut vfs, "/var/mail/carol", 0),
            ("4.2.0", "destination /var/mail/carol is not owned by recipient".into())
        );
    }
}
