//! Tables without a file: `static:`, `inline:`, `fail:` and those that cannot be used.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Answer, Dict, Unavailable};
use crate::host::Host;
use crate::mta::postfix::config::lines::split_nameval;
use crate::mta::postfix::config::tokens::{list, strip_braces};

/// `static:value`: the same for every key.
#[derive(Debug)]
pub(super) struct Static(pub(super) SmolStr);

impl Dict for Static {
    fn lookup(&self, _key: &str, _host: &Host) -> Answer {
        Ok(Some((self.0.clone(), None)))
    }
}

/// `inline:{a=1, { b = 2 }}`.
#[derive(Debug)]
pub(super) struct Inline(BTreeMap<SmolStr, SmolStr>);

impl Inline {
    /// Parses what follows `inline:`.
    pub(super) fn parse(name: &str, fold: bool) -> Result<Inline, String> {
        let need = |what: &str| format!("{what}: \"inline:{name}\"; need \"inline:{{name=value...}}\"");
        let syntax = || format!("bad syntax: \"inline:{name}\"; need \"inline:{{name=value...}}\"");
        if !name.starts_with('{') {
            return Err(syntax());
        }
        let inner = strip_braces(name).map_err(|_| syntax())?;
        let mut entries = BTreeMap::new();
        for word in list(inner) {
            let text = strip_braces(word).map_err(|error| need(&error))?;
            let (key, value) = match text.trim_ascii_start().strip_prefix('=') {
                // An empty name is never asked for.
                Some(value) => ("", value.trim_ascii()),
                None => split_nameval(text).map_err(|error| need(&error.to_string()))?,
            };
            let key = if fold { key.to_lowercase().into() } else { SmolStr::from(key) };
            entries.insert(key, value.into());
        }
        if entries.is_empty() {
            return Err(need("empty table"));
        }
        Ok(Inline(entries))
    }
}

impl Dict for Inline {
    fn lookup(&self, key: &str, _host: &Host) -> Answer {
        Ok(self.0.get(key).map(|value| (value.clone(), None)))
    }

    fn entries(&self, _host: &Host) -> Option<Vec<(SmolStr, SmolStr)>> {
        Some(self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// `fail:`: every lookup is an error.
#[derive(Debug)]
pub(super) struct Fail;

impl Dict for Fail {
    fn lookup(&self, _key: &str, _host: &Host) -> Answer {
        Err(Unavailable::default())
    }
}

/// A table that cannot be opened at all, in Postfix's words.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) name: SmolStr,
    pub(super) reason: String,
}

impl Dict for Broken {
    fn lookup(&self, _key: &str, _host: &Host) -> Answer {
        Err(Unavailable(vec![format!("warning: {} is unavailable. {}", self.name, self.reason)]))
    }

    fn problems(&self, _host: &Host) -> Vec<String> {
        vec![format!("error: {}", self.reason)]
    }
}

/// `internal:`: a table in a program's memory, empty at first.
#[derive(Debug)]
pub(super) struct Internal;

impl Dict for Internal {
    fn lookup(&self, _key: &str, _host: &Host) -> Answer {
        Ok(None)
    }

    fn entries(&self, _host: &Host) -> Option<Vec<(SmolStr, SmolStr)>> {
        Some(Vec::new())
    }
}

/// `environ:`: a program's environment, of which daemons have none worth asking for.
#[derive(Debug)]
pub(super) struct Environ;

impl Dict for Environ {
    fn lookup(&self, _key: &str, _host: &Host) -> Answer {
        Ok(None)
    }
}

/// `nis:`: there is no NIS domain.
#[derive(Debug)]
pub(super) struct Nis;

impl Dict for Nis {
    fn lookup(&self, _key: &str, _host: &Host) -> Answer {
        Ok(None)
    }

    fn problems(&self, _host: &Host) -> Vec<String> {
        vec!["warning: dict_nis_init: NIS domain name not set - NIS lookups disabled".to_owned()]
    }
}
