//! A store in memory: for tests and for fuzzing the servers.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::store::{Flags, Folder, Mail, Store};
use crate::host::vfs::Errno;
use crate::sim::Time;

/// One user's folders.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    user: String,
    password: String,
    folders: BTreeMap<String, Folder>,
}

impl MemoryStore {
    /// A user with these messages in the inbox, with unique ids from 1.
    pub fn with(user: &str, password: &str, contents: &[&str]) -> MemoryStore {
        let mail = |(uid, text): (u32, &&str)| Mail {
            uid,
            flags: Flags { recent: true, ..Flags::default() },
            internal_date: Time::from_secs(1_795_262_400),
            content: Bytes::copy_from_slice(text.as_bytes()),
        };
        let mails: Vec<Mail> = (1..).zip(contents).map(mail).collect();
        let uid_next = mails.len() as u32 + 1;
        let inbox = Folder { uid_validity: 7, uid_next, mails };
        MemoryStore { user: user.into(), password: password.into(), folders: BTreeMap::from([("INBOX".into(), inbox)]) }
    }

    fn folder(&mut self, folder: &str) -> Result<&mut Folder, Errno> {
        let name = if folder.eq_ignore_ascii_case("INBOX") { "INBOX" } else { folder };
        self.folders.get_mut(name).ok_or(Errno::NoEnt)
    }
}

impl Store for MemoryStore {
    fn login(&mut self, user: &str, password: &str) -> bool {
        user == self.user && password == self.password
    }

    fn folders(&self, _user: &str) -> Vec<String> {
        self.folders.keys().cloned().collect()
    }

    fn open(&mut self, _user: &str, folder: &str) -> Result<Folder, Errno> {
        self.folder(folder).cloned()
    }

    fn create(&mut self, _user: &str, folder: &str) -> Result<(), Errno> {
        if folder.is_empty() || self.folders.len() > 100 {
            return Err(Errno::Inval);
        }
        if self.folders.contains_key(folder) {
            return Err(Errno::Exist);
        }
        self.folders.insert(folder.into(), Folder { uid_validity: 8, uid_next: 1, mails: Vec::new() });
        Ok(())
    }

    fn delete(&mut self, _user: &str, folder: &str) -> Result<(), Errno> {
        if folder.eq_ignore_ascii_case("INBOX") {
            return Err(Errno::Perm);
        }
        self.folders.remove(folder).map(drop).ok_or(Errno::NoEnt)
    }

    fn set_flags(&mut self, _user: &str, folder: &str, changes: &[(u32, Flags)]) -> Result<(), Errno> {
        for mail in &mut self.folder(folder)?.mails {
            if let Some((_, flags)) = changes.iter().find(|(uid, _)| *uid == mail.uid) {
                mail.flags = *flags;
            }
        }
        Ok(())
    }

    fn expunge(&mut self, _user: &str, folder: &str, uids: &[u32]) -> Result<(), Errno> {
        self.folder(folder)?.mails.retain(|mail| !uids.contains(&mail.uid));
        Ok(())
    }

    fn append(&mut self, _user: &str, folder: &str, flags: Flags, content: &[u8]) -> Result<u32, Errno> {
        let folder = self.folder(folder)?;
        let uid = folder.uid_next;
        folder.uid_next += 1;
        let content = Bytes::copy_from_slice(content);
        folder.mails.push(Mail { uid, flags, internal_date: Time::from_secs(1_795_262_400), content });
        Ok(uid)
    }
}
