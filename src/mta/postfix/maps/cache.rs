//! Tables that are parsed from a text file, and parsed again when it changes.

use std::sync::{Arc, Mutex, PoisonError};

use crate::host::Host;
use crate::host::vfs::{Cred, Errno, Inode};
use crate::mta::postfix::config::tokens;

/// What a file was parsed into, and the state of the file at that time.
///
/// The inode is compared by identity: it is never changed while it is held here, so that worlds
/// which were one once and share this cache do not mistake each other's files.
#[derive(Debug)]
pub(super) struct Parsed<T> {
    path: Box<str>,
    parse: fn(path: &str, text: &str) -> T,
    current: Mutex<Option<(Arc<Inode>, Arc<T>)>>,
    /// The value of a table that stands in the parameter itself: `{{line}, {line}}`.
    inline: Option<Arc<T>>,
}

impl<T> Parsed<T> {
    pub(super) fn new(path: &str, parse: fn(&str, &str) -> T) -> Parsed<T> {
        let inline = path.starts_with('{').then(|| Arc::new(parse(path, &inline_text(path))));
        Parsed { path: path.into(), parse, current: Mutex::new(None), inline }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The file's value as it is now.
    pub(super) fn get(&self, host: &Host) -> Result<Arc<T>, Errno> {
        if let Some(value) = &self.inline {
            return Ok(Arc::clone(value));
        }
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

/// The lines of a table that stands in a parameter, each in braces.
fn inline_text(spec: &str) -> String {
    let inner = tokens::strip_braces(spec).unwrap_or_default();
    let lines = tokens::list(inner).into_iter().filter_map(|line| tokens::strip_braces(line).ok());
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_inline_tables_stand_in_braces() {
        assert_eq!(inline_text("{{/^[^A-Z]/ Thrash}}"), "/^[^A-Z]/ Thrash\n");
        assert_eq!(inline_text("{ {a b}, {c d} }"), "a b\nc d\n");
    }
}
