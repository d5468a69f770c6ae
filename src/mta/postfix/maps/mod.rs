//! Lookup tables: `type:name` lists as in `virtual_alias_maps = hash:/etc/postfix/virtual`
//! (DATABASE_README), one file per kind of table.
//!
//! Tables are opened when they are first used and read again when their file changes.
//! [`Maps::problems`] says what a program logs when it opens them, [`Maps::changed`] which of them
//! makes a daemon restart.

pub mod address;
pub mod aliases;
mod cache;
pub mod cidr;
mod combined;
mod fixed;
pub mod hash;
pub mod local_names;
pub mod match_list;
mod open;
mod regexp;
pub mod texthash;
mod unix;

use std::fmt;
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr};

use super::config::{Fatal, tokens};
use crate::host::Host;
use crate::trace::Source;

pub use address::{AddressFinder, FoundAddress, Strategy, mail_addr_find};
pub use local_names::LocalNames;
pub use match_list::{Match, MatchList, Subject};
pub use open::{DEFAULT_TYPE, TYPES, is_supported};

/// What a table says about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: SmolStr,
    /// Which table: `hash:/etc/aliases`.
    pub table: SmolStr,
    /// Where in the table's source the entry stands, if that is known.
    pub source: Option<Source>,
}

/// A table that cannot answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{table}: table lookup problem")]
pub struct LookupError {
    /// Which one.
    pub table: SmolStr,
    /// The lines that Postfix logs, each with its `warning: `.
    pub warnings: Vec<String>,
}

/// How tables are opened (`DICT_FLAG_…`); it matters for what they may contain, and it shows in
/// the log when a table changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapFlags {
    /// Fold the keys of tables with fixed strings to lower case.
    pub fold_fix: bool,
    /// Fold what patterns are compared with.
    pub fold_mul: bool,
    /// No `$1` in results of patterns: an outsider could choose the result.
    pub no_regsub: bool,
    /// No tables through proxymap(8).
    pub no_proxy: bool,
    /// No tables that anybody may change.
    pub no_unauth: bool,
    /// Keys may be UTF-8.
    pub utf8_request: bool,
}

impl MapFlags {
    /// Most tables: keys are folded.
    pub const FOLDED: MapFlags = MapFlags {
        fold_fix: true,
        fold_mul: false,
        no_regsub: false,
        no_proxy: false,
        no_unauth: false,
        utf8_request: true,
    };
    /// Content patterns (`header_checks`): keys are what they are.
    pub const EXACT: MapFlags = MapFlags { fold_fix: false, utf8_request: false, ..MapFlags::FOLDED };
    /// Tables whose results decide about the system's safety (`alias_maps` in local(8)).
    pub const PARANOID: MapFlags = MapFlags { no_regsub: true, no_proxy: true, no_unauth: true, ..MapFlags::FOLDED };

    /// The flags that Postfix's programs open a parameter's tables with.
    pub fn of_parameter(name: &str) -> MapFlags {
        match name {
            "alias_maps"
            | "forward_maps"
            | "virtual_mailbox_maps"
            | "virtual_uid_maps"
            | "virtual_gid_maps"
            | "mailbox_command_maps" => MapFlags::PARANOID,
            "transport_maps" | "mailbox_transport_maps" | "fallback_transport_maps" => {
                MapFlags { no_regsub: true, ..MapFlags::FOLDED }
            }
            _ if name.ends_with("_checks") => MapFlags::EXACT,
            _ => MapFlags::FOLDED,
        }
    }
}

impl fmt::Display for MapFlags {
    /// As in `table hash:/etc/aliases(0,lock|fold_fix|utf8_request) has changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lock")?;
        let named = [
            (self.no_regsub, "no_regsub"),
            (self.no_proxy, "no_proxy"),
            (self.no_unauth, "no_unauth"),
            (self.fold_fix, "fold_fix"),
            (self.fold_mul, "fold_mul"),
            (self.utf8_request, "utf8_request"),
        ];
        named.iter().filter(|(set, _)| *set).try_for_each(|(_, name)| write!(f, "|{name}"))
    }
}

/// What a table answers: the value and where it stands.
pub(crate) type Answer = Result<Option<(SmolStr, Option<Source>)>, Unavailable>;

/// Why a table cannot answer. The lines are logged before the caller's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unavailable(pub Vec<String>);

/// A kind of table.
pub(crate) trait Dict: fmt::Debug + Send + Sync {
    /// Looks a key up. The key is already folded where that matters.
    fn lookup(&self, key: &str, host: &Host) -> Answer;
    /// What opening it logs: errors, and warnings about its content.
    fn problems(&self, _host: &Host) -> Vec<String> {
        Vec::new()
    }
    /// Whether keys are strings and not text that patterns are compared with.
    fn is_fixed(&self) -> bool {
        true
    }
    /// All entries, if the kind can list them.
    fn entries(&self, _host: &Host) -> Option<Vec<(SmolStr, SmolStr)>> {
        None
    }
    /// The file whose change matters to those who have the table open.
    fn file(&self) -> Option<&str> {
        None
    }
}

/// One lookup table.
#[derive(Clone, Debug)]
pub struct Table {
    name: SmolStr,
    flags: MapFlags,
    dict: Arc<dyn Dict>,
}

impl Table {
    /// The table that `type:name` stands for. A type that is not supported gives a table that
    /// answers with an error, as in Postfix.
    pub fn new(spec: &str, flags: MapFlags) -> Table {
        Table { name: spec.into(), flags, dict: open::dict(spec, flags) }
    }

    /// `type:name`.
    pub fn name(&self) -> &SmolStr {
        &self.name
    }

    /// Whether keys are strings and not text that patterns are compared with.
    pub fn is_fixed(&self) -> bool {
        self.dict.is_fixed()
    }

    /// Looks a key up.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn find(&self, key: &str, host: &Host) -> Result<Option<Found>, LookupError> {
        let folds = if self.dict.is_fixed() { self.flags.fold_fix } else { self.flags.fold_mul };
        let answer = if folds && has_upper(key) {
            self.dict.lookup(&key.to_lowercase(), host)
        } else {
            self.dict.lookup(key, host)
        };
        match answer {
            Ok(answer) => Ok(answer.map(|(value, source)| Found { value, table: self.name.clone(), source })),
            Err(Unavailable(warnings)) => Err(LookupError { table: self.name.clone(), warnings }),
        }
    }

    /// The lines that a program logs when it opens the table.
    pub fn problems(&self, host: &Host) -> Vec<String> {
        self.dict.problems(host)
    }

    /// All entries, if this kind of table can list them.
    pub fn entries(&self, host: &Host) -> Option<Vec<(SmolStr, SmolStr)>> {
        self.dict.entries(host)
    }

    /// Its name in the log with how it was opened: `hash:/etc/aliases(0,lock|fold_fix|utf8_request)`.
    pub fn handle(&self) -> String {
        format!("{}(0,{})", self.name, self.flags)
    }

    /// The moment at which the file behind the table last changed.
    fn stamp(&self, host: &Host) -> Option<u64> {
        let path = self.dict.file()?;
        host.vfs.stat(path, &crate::host::vfs::Cred::ROOT).ok().map(|inode| inode.mtime.micros())
    }
}

/// Whether a text has letters that lower case changes. All octets of a text in ASCII are looked at,
/// since that is done many at a time.
fn has_upper(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().fold(false, |found, octet| found | octet.is_ascii_uppercase());
    }
    text.chars().any(char::is_uppercase)
}

/// A list of lookup tables, tried in order.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    title: SmolStr,
    tables: Vec<Table>,
}

/// When the files of tables last changed: taken when a daemon starts, compared later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps(Vec<Option<u64>>);

impl Maps {
    /// The tables of a list, separated by commas or white space. `title` is for warnings.
    ///
    /// # Errors
    /// A member is not `type:name`.
    pub fn parse(title: &str, list: &str, flags: MapFlags) -> Result<Maps, Fatal> {
        let mut tables = Vec::new();
        for word in tokens::list(list) {
            let spec = tokens::strip_braces(word).map_err(Fatal)?;
            if !spec.contains(':') {
                return Err(Fatal(format!("open dictionary: expecting \"type:name\" form instead of \"{spec}\"")));
            }
            tables.push(Table::new(spec, flags));
        }
        Ok(Maps { title: title.into(), tables })
    }

    /// Whether no table is listed.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// What the tables are for: the parameter's name.
    pub fn title(&self) -> &SmolStr {
        &self.title
    }

    /// The tables in order.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Asks each table in order (`maps_find(3)`).
    ///
    /// # Errors
    /// A table before the first one that has the key cannot be read, or has an empty value.
    pub fn find(&self, key: &str, host: &Host) -> Result<Option<Found>, LookupError> {
        self.find_in(key, host, false)
    }

    /// The same with tables of fixed strings only, for a part of an address.
    ///
    /// # Errors
    /// As [`Maps::find`].
    pub fn find_partial(&self, key: &str, host: &Host) -> Result<Option<Found>, LookupError> {
        self.find_in(key, host, true)
    }

    fn find_in(&self, key: &str, host: &Host, partial: bool) -> Result<Option<Found>, LookupError> {
        if key.is_empty() {
            return Ok(None);
        }
        for table in self.tables.iter().filter(|table| !partial || table.is_fixed()) {
            let found = table.find(key, host).map_err(|mut error| {
                let shown = key.chars().take(100).map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
                error.warnings.push(format!("warning: {} lookup error for \"{shown}\"", error.table));
                error
            })?;
            match found {
                Some(found) if found.value.is_empty() => {
                    let warnings = vec![
                        format!("warning: {} lookup of {key} returns an empty string result", self.title),
                        format!("warning: {} should return NO RESULT in case of NOT FOUND", self.title),
                    ];
                    return Err(LookupError { table: found.table, warnings });
                }
                Some(found) => return Ok(Some(found)),
                None => {}
            }
        }
        Ok(None)
    }

    /// The lines that a program logs when it opens these tables.
    pub fn problems(&self, host: &Host) -> Vec<String> {
        self.tables.iter().flat_map(|table| table.problems(host)).collect()
    }

    /// When the tables' files last changed.
    pub fn stamps(&self, host: &Host) -> Stamps {
        Stamps(self.tables.iter().map(|table| table.stamp(host)).collect())
    }

    /// The first table whose file has changed since, in the log's words:
    /// `hash:/etc/aliases(0,lock|fold_fix|utf8_request)`. A daemon restarts then. One that could
    /// not be opened is not watched.
    pub fn changed(&self, since: &Stamps, host: &Host) -> Option<String> {
        let pairs = self.tables.iter().zip(&since.0);
        pairs.filter(|(_, old)| old.is_some()).find(|(table, old)| table.stamp(host) != **old).map(|(t, _)| t.handle())
    }
}

impl fmt::Display for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.tables.iter().map(|table| table.name.to_smolstr().into()).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests;
