//! Tables that are parsed from a text file, and parsed again when it changes.

use std::sync::{Arc, Mutex, PoisonError};

use crate::host::Host;
use crate::host::vfs::{Cred, Errno, Inode};

/// What a file was parsed into, and the state of the file at that time.
///
/// The inode is compared by identity: it is never changed while it is held here, so that worlds
/// which were one once and share this cache do not mistake each other's files.
#[derive(Debug)]
pub(super) struct Parsed<T> {
    path: Box<str>,
    parse: fn(path: &str, text: &str) -> T,
    current: Mutex<Option<(Arc<Inode>, Arc<T>)>>,
}

impl<T> Parsed<T> {
    pub(super) fn new(path: &str, parse: fn(&str, &str) -> T) -> Parsed<T> {
        Parsed { path: path.into(), parse, current: Mutex::new(None) }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The file's value as it is now.
    pub(super) fn get(&self, host: &Host) -> Result<Arc<T>, Errno> {
        let inode = host.vfs.stat_shared(&self.path, &Cred::ROOT)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = current.as_ref()
            && Arc::ptr_eq(known, &inode)
        {
            return Ok(Arc::clone(value));
        }
        let text = host.vfs.read_text(&self.path, &Cred::ROOT)?;
        let value = Arc::new((self.parse)(&self.path, &text));
        *current = Some((inode, Arc::clone(&value)));
        Ok(value)
    }
}
