//! `texthash:`: a source file as for postmap(1), read as it is.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::cache::Parsed;
use super::hash::Entry;
use super::{Answer, Dict, Unavailable};
use crate::host::Host;
use crate::mta::postfix::config::lines::logical_lines;
use crate::trace::Source;

/// What a source file holds, and what reading it logs.
#[derive(Debug, Default)]
pub struct SourceTable {
    /// The entries by key, folded to lower case; the first of equal keys counts.
    pub entries: BTreeMap<SmolStr, Entry>,
    /// Warnings.
    pub notes: Vec<String>,
    /// The later values of keys that were there already; the last of each.
    pub replaced: BTreeMap<SmolStr, Entry>,
    /// Entries left out because their key was there already.
    pub duplicates: u64,
}

/// Splits a line `key value` at the first white space. A key may have parts in double quotes,
/// which stay; a backslash protects the next character there. `None` if the quotes do not match.
pub fn split_entry(line: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    let mut end = line.len();
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if c.is_ascii_whitespace() && !quoted => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    (!quoted).then(|| (&line[..end], line[end..].trim_ascii()))
}

/// What is said about a line that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As postmap(1) says it.
    Compile,
    /// As a `texthash:` table says it.
    Read,
}

/// Reads a source file as a `texthash:` table does.
pub fn read_source(path: &str, text: &str) -> SourceTable {
    parse_source(path, path, text, Manner::Read, true)
}

/// Reads a whole source file. `table` is what duplicate entries are reported for.
pub fn parse_source(path: &str, table: &str, text: &str, manner: Manner, fold: bool) -> SourceTable {
    let mut found = SourceTable::default();
    for line in logical_lines(path, text, &mut found.notes) {
        let mut warn = |text: String| found.notes.push(format!("warning: {path}, line {}: {text}", line.first));
        let Some((key, value)) = split_entry(&line.text) else {
            warn(format!("unbalanced '\"' in '{}' -- ignoring this line", line.text));
            continue;
        };
        if key.is_empty() || value.is_empty() {
            warn(match manner {
                Manner::Compile => "expected format: key whitespace value".to_owned(),
                Manner::Read => "expected format: key whitespace value -- ignoring this line".to_owned(),
            });
            continue;
        }
        if key.ends_with(':') {
            warn("record is in \"key: value\" format; is this an alias file?".to_owned());
        }
        let folded = if fold { SmolStr::from(key.to_lowercase()) } else { SmolStr::from(key) };
        if found.entries.contains_key(&folded) {
            found.duplicates += 1;
            found.replaced.insert(folded.clone(), Entry { value: value.into(), line: line.first });
            found.notes.push(match manner {
                Manner::Compile => format!("warning: {table}: duplicate entry: \"{folded}\""),
                Manner::Read => format!("warning: {path}, line {}: duplicate entry: \"{key}\"", line.first),
            });
            continue;
        }
        found.entries.insert(folded, Entry { value: value.into(), line: line.first });
    }
    found
}

/// An open `texthash:` table.
#[derive(Debug)]
pub(super) struct TextHash {
    name: SmolStr,
    file: Parsed<SourceTable>,
}

impl TextHash {
    pub(super) fn new(path: &str) -> TextHash {
        TextHash { name: smol_str::format_smolstr!("texthash:{path}"), file: Parsed::new(path, read_source) }
    }

    fn reason(&self, errno: crate::host::vfs::Errno) -> String {
        format!("open database {}: {errno}", self.file.path())
    }
}

impl Dict for TextHash {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let table = self.file.get(host).map_err(|errno| {
            Unavailable(vec![format!("warning: {} is unavailable. {}", self.name, self.reason(errno))])
        })?;
        Ok(table.entries.get(key).map(|entry| {
            let source = Source { file: self.file.path().into(), line: entry.line };
            (entry.value.clone(), Some(source))
        }))
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        match self.file.get(host) {
            Ok(table) => table.notes.clone(),
            Err(errno) => vec![format!("error: {}", self.reason(errno))],
        }
    }

    fn entries(&self, host: &Host) -> Option<Vec<(SmolStr, SmolStr)>> {
        let table = self.file.get(host).ok()?;
        Some(table.entries.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect())
    }

    fn file(&self) -> Option<&str> {
        Some(self.file.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_keys_from_values() {
        let cases = [
            ("a@b  c d ", Some(("a@b", "c d"))),
            ("\"a b\"@c d", Some(("\"a b\"@c", "d"))),
            ("a", Some(("a", ""))),
            ("\"a b", None),
        ];
        for (line, expected) in cases {
            assert_eq!(split_entry(line), expected, "{line}");
        }
    }

    #[test]
    fn the_first_of_equal_keys_counts() {
        let table = read_source("/t", "A 1\na 2\nb: 3\nlonely\n");
        assert_eq!(table.entries.get("a").unwrap().value, "1");
        assert_eq!(table.notes.len(), 3);
    }
}
