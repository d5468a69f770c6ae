//! `main.cf`: parameter values as written, with the place of each.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::Fatal;
use super::lines::{logical_lines, split_nameval};
use crate::trace::Source;

/// A value as it stands in `main.cf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The text, not expanded.
    pub value: SmolStr,
    /// Where it stands.
    pub source: Source,
}

/// The parameters that `main.cf` sets. A later line wins over an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MainCf {
    /// Absolute path.
    pub path: SmolStr,
    settings: BTreeMap<SmolStr, Setting>,
}

impl MainCf {
    /// Parses the file's text; warnings about overridden entries go to `notes`.
    ///
    /// # Errors
    /// A line is not `name = value`.
    pub fn parse(path: &str, text: &str, notes: &mut Vec<String>) -> Result<MainCf, Fatal> {
        let mut settings: BTreeMap<SmolStr, Setting> = BTreeMap::new();
        for line in logical_lines(path, text, notes) {
            let (name, value) = split_nameval(&line.text)
                .map_err(|error| Fatal(format!("{path}, line {}: {error}: \"{}\"", line.last, line.text)))?;
            if let Some(old) = settings.get(name).filter(|old| old.value != value) {
                notes.push(format!(
                    "warning: {path}, line {}: overriding earlier entry: {name}={}",
                    line.last, old.value
                ));
            }
            let source = Source { file: path.into(), line: line.first };
            settings.insert(name.into(), Setting { value: value.into(), source });
        }
        Ok(MainCf { path: path.into(), settings })
    }

    /// The setting of this name.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name)
    }

    /// Sets a value from outside the file (`postconf -o`).
    pub fn set(&mut self, name: &str, value: &str) {
        let source = Source { file: self.path.clone(), line: 0 };
        self.settings.insert(name.into(), Setting { value: value.into(), source });
    }

    /// The names whose setting differs in `other`, in order of the alphabet.
    pub fn changes(&self, other: &MainCf) -> Vec<SmolStr> {
        let names: BTreeSet<&SmolStr> = self.settings.keys().chain(other.settings.keys()).collect();
        let value = |main: &MainCf, name: &str| main.get(name).map(|setting| setting.value.clone());
        names.into_iter().filter(|name| value(self, name) != value(other, name)).cloned().collect()
    }

    /// The names that are set, in order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &SmolStr> {
        self.settings.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_entries_win_with_a_warning() {
        let mut notes = Vec::new();
        let main = MainCf::parse("/m", "a = 1\nb = x\n\na = 2\nb = x\n", &mut notes).unwrap();
        assert_eq!(main.get("a").unwrap().value, "2");
        assert_eq!(main.get("a").unwrap().source.line, 4);
        assert_eq!(notes, ["warning: /m, line 4: overriding earlier entry: a=1"]);
    }

    #[test]
    fn a_line_without_equals_is_fatal() {
        let error = MainCf::parse("/m", "a = 1\nrelayhost\n", &mut Vec::new()).unwrap_err();
        assert_eq!(error.0, "/m, line 2: missing '=' after attribute name: \"relayhost\"");
    }
}
