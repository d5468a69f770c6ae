//! Folders of a user, as POP3 and IMAP servers see them: kept in an mbox file or in a Maildir of
//! the host.

use bytes::Bytes;

use super::{maildir, mbox};
use crate::host::Host;
use crate::host::accounts::User;
use crate::host::vfs::{Content, Cred, Errno, Object};
use crate::sim::Time;

/// Flags of a message (RFC 3501 section 2.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in RFC 3501 section 2.3.2")]
pub struct Flags {
    pub seen: bool,
    pub answered: bool,
    pub flagged: bool,
    pub deleted: bool,
    pub draft: bool,
    pub recent: bool,
}

/// A message in an open folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Unique id: never used twice in a folder.
    pub uid: u32,
    /// Its flags.
    pub flags: Flags,
    /// When it was stored.
    pub internal_date: Time,
    /// Its content; lines end with CRLF.
    pub content: Bytes,
}

/// A folder as it was when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// `UIDVALIDITY`.
    pub uid_validity: u32,
    /// `UIDNEXT`.
    pub uid_next: u32,
    /// The messages in order.
    pub mails: Vec<Mail>,
}

/// What a POP3 or IMAP server asks of whoever keeps the mail.
pub trait Store {
    /// Whether this is the user's password.
    fn login(&mut self, user: &str, password: &str) -> bool;
    /// The folders of a user in order; `INBOX` is always there.
    fn folders(&self, user: &str) -> Vec<String>;
    /// Opens a folder.
    ///
    /// # Errors
    /// It does not exist or cannot be read.
    fn open(&mut self, user: &str, folder: &str) -> Result<Folder, Errno>;
    /// Makes a folder.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    fn create(&mut self, user: &str, folder: &str) -> Result<(), Errno>;
    /// Removes a folder with its messages.
    ///
    /// # Errors
    /// It does not exist, or is `INBOX`.
    fn delete(&mut self, user: &str, folder: &str) -> Result<(), Errno>;
    /// Gives messages other flags.
    ///
    /// # Errors
    /// The folder cannot be written.
    fn set_flags(&mut self, user: &str, folder: &str, changes: &[(u32, Flags)]) -> Result<(), Errno>;
    /// Removes messages.
    ///
    /// # Errors
    /// The folder cannot be written.
    fn expunge(&mut self, user: &str, folder: &str, uids: &[u32]) -> Result<(), Errno>;
    /// Stores a message and returns its unique id.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written.
    fn append(&mut self, user: &str, folder: &str, flags: Flags, content: &[u8]) -> Result<u32, Errno>;
}

/// The mail of a host's users: `~/Maildir` if it exists, else `/var/mail/USER` and `~/mail/FOLDER`.
pub struct HostStore<'a> {
    /// The host.
    pub host: &'a mut Host,
}

/// Which messages of a folder have which unique ids; kept beside the folder, as Dovecot keeps its
/// index.
#[derive(Clone, Debug, Default)]
struct Index {
    uid_validity: u32,
    uid_next: u32,
    /// Unique id and key (mbox: digest of the content; Maildir: base name), in order.
    uids: Vec<(u32, String)>,
    /// Keys that some session has already seen: they are not `\Recent` any more.
    seen: u32,
}

impl Object for Index {
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("3 V{} N{}\n", self.uid_validity, self.uid_next);
        for (uid, key) in &self.uids {
            text.push_str(&format!("{uid} :{key}\n"));
        }
        text.into_bytes()
    }

    fn size(&self) -> u64 {
        self.bytes().len() as u64
    }
}

/// Where a folder lies.
enum Place {
    Mbox(String),
    Maildir(String),
}

/// A folder's place, its messages with their unique ids, its index, and the ids that are recent.
type Opened = (Place, Vec<(u32, Raw)>, Index, Vec<u32>);

impl HostStore<'_> {
    fn user(&self, name: &str) -> Result<(User, Cred), Errno> {
        let user = self.host.accounts.user(name).cloned().ok_or(Errno::NoEnt)?;
        let mut cred = self.host.accounts.cred(&user);
        // Dovecot's mail_privileged_group: mailboxes under /var/mail are locked with its rights.
        cred.groups.extend(self.host.accounts.group("mail").map(|group| group.gid));
        Ok((user, cred))
    }

    fn place(&self, user: &User, folder: &str) -> Result<Place, Errno> {
        let valid =
            !folder.is_empty() && folder.len() < 200 && !folder.contains("..") && !folder.starts_with(['/', '.', '~']);
        if !valid || folder.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Errno::Inval);
        }
        let inbox = folder.eq_ignore_ascii_case("INBOX");
        let root = format!("{}/Maildir", user.home);
        if self.host.vfs.exists(&root) {
            return Ok(Place::Maildir(if inbox { root } else { format!("{root}/.{}", folder.replace('/', ".")) }));
        }
        Ok(Place::Mbox(if inbox { format!("/var/mail/{}", user.name) } else { format!("{}/mail/{folder}", user.home) }))
    }

    fn index_path(user: &User, place: &Place) -> String {
        match place {
            Place::Maildir(path) => format!("{path}/dovecot-uidlist"),
            Place::Mbox(path) => {
                format!("{}/mail/.imap/{}/dovecot-uidlist", user.home, path.rsplit('/').next().unwrap_or("INBOX"))
            }
        }
    }

    /// The messages as they lie in the folder: key, flags, date, content with LF line ends.
    fn raw(&self, place: &Place, cred: &Cred) -> Result<Vec<Raw>, Errno> {
        match place {
            Place::Mbox(path) => {
                let (content, mtime) = match self.host.vfs.stat(path, cred) {
                    Ok(inode) => (Bytes::from(self.host.vfs.read(path, cred)?.to_vec()), inode.mtime),
                    Err(Errno::NoEnt) if path.starts_with("/var/mail/") => return Ok(Vec::new()),
                    Err(error) => return Err(error),
                };
                Ok(mbox::parse(&content).into_iter().map(|entry| Raw::of_mbox(entry, mtime)).collect())
            }
            Place::Maildir(path) => {
                let mut all = Vec::new();
                for entry in maildir::list(&self.host.vfs, path, cred)? {
                    let letter = |flag| entry.flags.contains(flag);
                    let flags = Flags {
                        seen: letter('S'),
                        answered: letter('R'),
                        flagged: letter('F'),
                        deleted: letter('T'),
                        draft: letter('D'),
                        recent: false,
                    };
                    let date = self.host.vfs.stat(&entry.path, cred)?.mtime;
                    let content = maildir::read(&self.host.vfs, &entry, cred)?;
                    all.push(Raw {
                        key: entry.unique.to_string(),
                        flags,
                        date,
                        content,
                        entry: None,
                        file: Some(entry),
                    });
                }
                Ok(all)
            }
        }
    }

    /// Reads a folder and brings its index up to date.
    fn load(&mut self, user: &User, cred: &Cred, folder: &str) -> Result<Opened, Errno> {
        let place = self.place(user, folder)?;
        let raw = self.raw(&place, cred)?;
        let path = Self::index_path(user, &place);
        let old = self.host.vfs.read(&path, &Cred::ROOT).ok().and_then(Content::object::<Index>);
        let now = self.host.vfs.now;
        let mut index = old.as_deref().cloned().unwrap_or_else(|| Index {
            uid_validity: now.secs() as u32,
            uid_next: 1,
            ..Index::default()
        });
        let before = std::mem::take(&mut index.uids);
        let mut known = before.iter().peekable();
        let mut mails = Vec::new();
        for message in raw {
            // Messages keep their order, so the next known key that matches is this message.
            let mut ahead = known.clone();
            let uid = match ahead.find(|(_, key)| *key == message.key) {
                Some((uid, _)) => {
                    known = ahead;
                    *uid
                }
                None => {
                    index.uid_next += 1;
                    index.uid_next - 1
                }
            };
            index.uids.push((uid, message.key.clone()));
            mails.push((uid, message));
        }
        let recent = index.uids.iter().map(|(uid, _)| *uid).filter(|uid| *uid >= index.seen.max(1)).collect();
        index.seen = index.uid_next;
        self.save_index(user, cred, &path, index.clone())?;
        Ok((place, mails, index, recent))
    }

    fn save_index(&mut self, user: &User, cred: &Cred, path: &str, index: Index) -> Result<(), Errno> {
        if let Some((directory, _)) = path.rsplit_once('/') {
            maildir::make_dirs(&mut self.host.vfs, directory, cred)?;
        }
        self.host.vfs.write(path, Content::Object(std::sync::Arc::new(index)), 0o600, &Cred::ROOT)?;
        self.host.vfs.chown(path, Some(user.uid), Some(user.gid), &Cred::ROOT)
    }

    fn rewrite_mbox(&mut self, path: &str, entries: &[mbox::Entry], cred: &Cred) -> Result<(), Errno> {
        self.host.vfs.write(path, mbox::render(entries), 0o600, cred).map(drop)
    }
}

/// A message as it lies in a folder.
struct Raw {
    key: String,
    flags: Flags,
    date: Time,
    content: Bytes,
    entry: Option<mbox::Entry>,
    file: Option<maildir::Entry>,
}

impl Raw {
    fn of_mbox(entry: mbox::Entry, date: Time) -> Raw {
        use sha2::{Digest as _, Sha256};
        let status = entry.field("Status").unwrap_or_default();
        let extra = entry.field("X-Status").unwrap_or_default();
        let flags = Flags {
            seen: status.contains('R'),
            answered: extra.contains('A'),
            flagged: extra.contains('F'),
            deleted: extra.contains('D'),
            draft: extra.contains('T'),
            recent: false,
        };
        let plain = without_status(&entry);
        let key = Sha256::digest(&plain).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Raw { key, flags, date, content: plain.into(), entry: Some(entry), file: None }
    }
}

/// The message without the fields in which mbox readers keep flags.
fn without_status(entry: &mbox::Entry) -> Vec<u8> {
    let content = entry.content();
    let end = content.windows(2).position(|pair| pair == b"\n\n").map_or(content.len(), |at| at + 1);
    let (header, rest) = content.split_at(end);
    let mut plain = Vec::with_capacity(content.len());
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let lower = line.to_ascii_lowercase();
        if !lower.starts_with(b"status:") && !lower.starts_with(b"x-status:") {
            plain.extend_from_slice(line);
        }
    }
    plain.extend_from_slice(rest);
    plain
}

/// Lines with CRLF, as POP3 and IMAP send them.
fn to_crlf(text: &[u8]) -> Bytes {
    let mut wire = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                wire.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                wire.extend_from_slice(b"\r\n");
            }
            None => wire.extend_from_slice(line),
        }
    }
    wire.into()
}

fn maildir_letters(flags: Flags) -> String {
    let letters =
        [('D', flags.draft), ('F', flags.flagged), ('R', flags.answered), ('S', flags.seen), ('T', flags.deleted)];
    letters.into_iter().filter(|(_, set)| *set).map(|(letter, _)| letter).collect()
}

fn write_mbox_status(entry: &mut mbox::Entry, flags: Flags) {
    entry.set_field("Status", if flags.seen { "RO" } else { "O" });
    let letters = [('A', flags.answered), ('F', flags.flagged), ('T', flags.draft), ('D', flags.deleted)];
    let extra: String = letters.into_iter().filter(|(_, set)| *set).map(|(letter, _)| letter).collect();
    if !extra.is_empty() || entry.field("X-Status").is_some() {
        entry.set_field("X-Status", &extra);
    }
}

impl Store for HostStore<'_> {
    fn login(&mut self, user: &str, password: &str) -> bool {
        self.host.accounts.user(user).is_some() && crate::host::password::verify(&self.host.vfs, user, password)
    }

    fn folders(&self, user: &str) -> Vec<String> {
        let mut all = vec!["INBOX".to_owned()];
        let Ok((user, cred)) = self.user(user) else { return all };
        let root = format!("{}/Maildir", user.home);
        if let Ok(names) = self.host.vfs.list(&root, &cred) {
            let folders = names.iter().filter_map(|(name, _)| name.strip_prefix('.'));
            all.extend(folders.filter(|name| !name.is_empty()).map(|name| name.replace('.', "/")));
        } else if let Ok(names) = self.host.vfs.list(&format!("{}/mail", user.home), &cred) {
            all.extend(names.iter().filter(|(name, _)| !name.starts_with('.')).map(|(name, _)| name.to_string()));
        }
        all
    }

    fn open(&mut self, user: &str, folder: &str) -> Result<Folder, Errno> {
        let (user, cred) = self.user(user)?;
        let (_, mails, index, recent) = self.load(&user, &cred, folder)?;
        let mails = mails.into_iter().map(|(uid, raw)| {
            let flags = Flags { recent: recent.contains(&uid), ..raw.flags };
            Mail { uid, flags, internal_date: raw.date, content: to_crlf(&raw.content) }
        });
        Ok(Folder { uid_validity: index.uid_validity, uid_next: index.uid_next, mails: mails.collect() })
    }

    fn create(&mut self, user: &str, folder: &str) -> Result<(), Errno> {
        let (user, cred) = self.user(user)?;
        match self.place(&user, folder)? {
            Place::Mbox(path) => {
                maildir::make_dirs(&mut self.host.vfs, &format!("{}/mail", user.home), &cred)?;
                self.host.vfs.create_new(&path, Vec::new(), 0o600, &cred).map(drop)
            }
            Place::Maildir(path) if self.host.vfs.exists(&path) => Err(Errno::Exist),
            Place::Maildir(path) => ["cur", "new", "tmp"]
                .iter()
                .try_for_each(|part| maildir::make_dirs(&mut self.host.vfs, &format!("{path}/{part}"), &cred)),
        }
    }

    fn delete(&mut self, user: &str, folder: &str) -> Result<(), Errno> {
        let (user, cred) = self.user(user)?;
        if folder.eq_ignore_ascii_case("INBOX") {
            return Err(Errno::Perm);
        }
        match self.place(&user, folder)? {
            Place::Mbox(path) => self.host.vfs.unlink(&path, &cred),
            Place::Maildir(path) => {
                for part in ["cur", "new", "tmp"] {
                    let directory = format!("{path}/{part}");
                    for (name, _) in self.host.vfs.list(&directory, &cred)? {
                        self.host.vfs.unlink(&format!("{directory}/{name}"), &cred)?;
                    }
                    self.host.vfs.rmdir(&directory, &cred)?;
                }
                let _ = self.host.vfs.unlink(&format!("{path}/dovecot-uidlist"), &cred);
                self.host.vfs.rmdir(&path, &cred)
            }
        }
    }

    fn set_flags(&mut self, user: &str, folder: &str, changes: &[(u32, Flags)]) -> Result<(), Errno> {
        let (user, cred) = self.user(user)?;
        let (place, mails, ..) = self.load(&user, &cred, folder)?;
        let change = |uid: u32| changes.iter().find(|(changed, _)| *changed == uid).map(|(_, flags)| *flags);
        match place {
            Place::Mbox(path) => {
                let mut entries = Vec::new();
                for (uid, raw) in mails {
                    let Some(mut entry) = raw.entry else { continue };
                    if let Some(flags) = change(uid) {
                        write_mbox_status(&mut entry, flags);
                    }
                    entries.push(entry);
                }
                self.rewrite_mbox(&path, &entries, &cred)
            }
            Place::Maildir(path) => {
                for (uid, raw) in mails {
                    if let (Some(flags), Some(file)) = (change(uid), raw.file) {
                        maildir::set_flags(&mut self.host.vfs, &path, &file, &maildir_letters(flags), &cred)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn expunge(&mut self, user: &str, folder: &str, uids: &[u32]) -> Result<(), Errno> {
        let (user, cred) = self.user(user)?;
        let (place, mails, ..) = self.load(&user, &cred, folder)?;
        match place {
            Place::Mbox(path) => {
                let kept = mails.into_iter().filter(|(uid, _)| !uids.contains(uid)).filter_map(|(_, raw)| raw.entry);
                let kept: Vec<mbox::Entry> = kept.collect();
                self.rewrite_mbox(&path, &kept, &cred)
            }
            Place::Maildir(_) => {
                let gone = mails.into_iter().filter(|(uid, _)| uids.contains(uid)).filter_map(|(_, raw)| raw.file);
                for file in gone.collect::<Vec<_>>() {
                    self.host.vfs.unlink(&file.path, &cred)?;
                }
                Ok(())
            }
        }
    }

    fn append(&mut self, user: &str, folder: &str, flags: Flags, content: &[u8]) -> Result<u32, Errno> {
        let (account, cred) = self.user(user)?;
        let text: Vec<u8> = content.split(|byte| *byte == b'\r').collect::<Vec<_>>().concat();
        match self.place(&account, folder)? {
            Place::Mbox(path) => {
                if !folder.eq_ignore_ascii_case("INBOX") && !self.host.vfs.exists(&path) {
                    return Err(Errno::NoEnt);
                }
                let date = self.host.vfs.now.zoned(&self.host.zone).strftime("%a %b %e %H:%M:%S %Y").to_string();
                let mut message = mbox::from_line(user, &date).into_bytes();
                message.extend_from_slice(&mbox::quote_from(&Bytes::from(text)));
                if !message.ends_with(b"\n") {
                    message.push(b'\n');
                }
                message.push(b'\n');
                self.host.vfs.append(&path, message, 0o600, &cred)?;
            }
            Place::Maildir(path) => {
                if !self.host.vfs.exists(&path) {
                    return Err(Errno::NoEnt);
                }
                let hostname = self.host.hostname.clone();
                let copy = super::copy::Copy::starting(text);
                maildir::deliver(&mut self.host.vfs, &path, &hostname, copy, 0, &cred).map_err(|(_, errno)| errno)?;
            }
        }
        let uid = self.open(user, folder)?.mails.last().map_or(0, |mail| mail.uid);
        if flags != Flags::default() {
            self.set_flags(user, folder, &[(uid, flags)])?;
        }
        Ok(uid)
    }
}
