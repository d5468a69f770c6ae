//! Compiled tables: what postmap(1) and postalias(1) make of a source file (`hash:`, `btree:`,
//! `lmdb:`, `cdb:`).

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Answer, Dict, Unavailable};
use crate::host::Host;
use crate::host::vfs::{Cred, Object};
use crate::trace::Source;

/// An entry of a compiled table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: SmolStr,
    /// The line of the source file; 0 if it did not come from there.
    pub line: u32,
}

/// The content of a compiled table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashDb {
    /// The source file it was made of.
    pub source: SmolStr,
    /// The entries by key.
    pub entries: BTreeMap<SmolStr, Entry>,
}

impl HashDb {
    /// The place of an entry in the source.
    fn place(&self, entry: &Entry) -> Option<Source> {
        (entry.line > 0).then(|| Source { file: self.source.clone(), line: entry.line })
    }
}

/// Smallest file that Berkeley DB makes, and its page size.
const EMPTY_SIZE: u64 = 12_288;
const PAGE: u64 = 4096;

impl Object for HashDb {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, entry) in &self.entries {
            for text in [key, &entry.value] {
                bytes.extend_from_slice(text.as_bytes());
                bytes.push(0);
            }
        }
        bytes.resize(bytes.len().max(usize::try_from(self.size()).unwrap_or(0)), 0);
        bytes
    }

    fn size(&self) -> u64 {
        let content: u64 = self.entries.iter().map(|(key, entry)| (key.len() + entry.value.len() + 8) as u64).sum();
        EMPTY_SIZE + content / PAGE * PAGE
    }
}

/// The bucket of a key in a small table of Berkeley DB, which begins with two: the last bit of the
/// key's FNV hash. Keys of one bucket are sorted.
fn bucket(key: &str) -> u8 {
    key.bytes().fold(0, |hash, octet| hash ^ octet) & 1
}

/// File name suffix of a compiled type; `None` if the type is not compiled.
pub fn suffix(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "hash" | "btree" => ".db",
        "lmdb" => ".lmdb",
        "cdb" => ".cdb",
        _ => return None,
    })
}

/// An open compiled table.
#[derive(Debug)]
pub(super) struct Compiled {
    name: SmolStr,
    source: SmolStr,
    path: SmolStr,
}

impl Compiled {
    pub(super) fn new(kind: &str, source: &str, suffix: &str) -> Compiled {
        Compiled {
            name: smol_str::format_smolstr!("{kind}:{source}"),
            source: source.into(),
            path: smol_str::format_smolstr!("{source}{suffix}"),
        }
    }

    fn content(&self, host: &Host) -> Result<std::sync::Arc<HashDb>, String> {
        let content =
            host.vfs.read(&self.path, &Cred::ROOT).map_err(|errno| format!("open database {}: {errno}", self.path))?;
        // A text file under this name, or a queue file, is no database.
        content.object::<HashDb>().ok_or_else(|| format!("open database {}: Invalid argument", self.path))
    }
}

impl Dict for Compiled {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let content = self
            .content(host)
            .map_err(|reason| Unavailable(vec![format!("warning: {} is unavailable. {reason}", self.name)]))?;
        Ok(content.entries.get(key).map(|entry| (entry.value.clone(), content.place(entry))))
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        if let Err(reason) = self.content(host) {
            return vec![format!("error: {reason}")];
        }
        let mtime = |path: &str| host.vfs.stat(path, &Cred::ROOT).map(|inode| inode.mtime);
        match (mtime(&self.path), mtime(&self.source)) {
            (Ok(db), Ok(source)) if source.secs() > db.secs() && source.secs() + 100 < host.vfs.now.secs() => {
                vec![format!("warning: database {} is older than source file {}", self.path, self.source)]
            }
            _ => Vec::new(),
        }
    }

    fn entries(&self, host: &Host) -> Option<Vec<(SmolStr, SmolStr)>> {
        let content = self.content(host).ok()?;
        let mut entries: Vec<(SmolStr, SmolStr)> =
            content.entries.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect();
        if self.name.starts_with("hash:") {
            entries.sort_by_key(|(key, _)| bucket(key));
        }
        Some(entries)
    }

    fn file(&self) -> Option<&str> {
        Some(&self.path)
    }
}
