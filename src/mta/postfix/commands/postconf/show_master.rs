//! Showing `master.cf`: entries, their fields, their `-o` parameters.

use smol_str::SmolStr;

use super::unused::overrides;
use super::{Options, Postconf, Subject, print};
use crate::host::Env;
use crate::mta::postfix::config::expand::expand;
use crate::mta::postfix::config::master_cf::RawEntry;

/// Names of the fields, as `-F` shows them.
pub(super) const FIELDS: [&str; 8] =
    ["service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"];

/// A request `service/type/item`; what is missing or `*` matches everything.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) service: &'a str,
    pub(super) kind: &'a str,
    pub(super) item: &'a str,
}

impl Request<'_> {
    pub(super) fn parse(text: &str) -> Request<'_> {
        let mut parts = text.splitn(3, '/');
        let mut part = || parts.next().filter(|part| !part.is_empty()).unwrap_or("*");
        Request { service: part(), kind: part(), item: part() }
    }

    pub(super) fn matches(&self, entry: &RawEntry) -> bool {
        let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
        fits(self.service, &entry.columns[0]) && fits(self.kind, &entry.columns[1])
    }

    pub(super) fn wants(&self, item: &str) -> bool {
        self.item == "*" || self.item == item
    }
}

impl Postconf<'_> {
    /// Shows what matches the requests, or everything.
    pub(super) fn show_master(&self, env: &mut Env<'_, '_>, requested: &[String]) -> Result<u8, String> {
        let names = self.names();
        names.undefined.iter().for_each(|note| self.console.warning(env, note));
        if self.options.subject == Subject::Entries && requested.iter().any(|text| text.starts_with('/')) {
            return Err("-M option requires service_name[/type]".to_owned());
        }
        if let Some(bad) = self.bad_field(requested) {
            return Err(format!("invalid service attribute name: \"{bad}\""));
        }
        let all = ["*/*/*".to_owned()];
        let asked = if requested.is_empty() { &all[..] } else { requested };
        for text in asked {
            let request = Request::parse(text);
            let mut matched = false;
            for entry in self.entries.iter().filter(|entry| request.matches(entry)) {
                matched |= self.show_entry(env, entry, &request);
            }
            if !matched && !requested.is_empty() {
                self.console.warning(env, &format!("unmatched request: \"{text}\""));
            }
        }
        names.unused_master.iter().for_each(|note| self.console.warning(env, note));
        Ok(0)
    }

    /// Expands the value of a `-o` parameter as the service sees it.
    fn expand_override(&self, value: &str, entry: &RawEntry) -> SmolStr {
        if !value.contains('$') {
            return value.into();
        }
        let own = overrides(entry);
        let params = self.config.global();
        let mut names = |name: &str| match own.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Some(value.clone()),
            None if name == "service_name" => Some(entry.columns[0].as_str().into()),
            None => params.raw(name),
        };
        expand(value, &mut names).map_or_else(|_| value.into(), SmolStr::from)
    }

    fn bad_field<'t>(&self, requested: &'t [String]) -> Option<&'t str> {
        if self.options.subject != Subject::Fields {
            return None;
        }
        requested.iter().map(|text| Request::parse(text).item).find(|item| *item != "*" && !FIELDS.contains(item))
    }

    /// Whether there was anything to show.
    fn show_entry(&self, env: &mut Env<'_, '_>, entry: &RawEntry, request: &Request<'_>) -> bool {
        let [service, kind, ..] = &entry.columns;
        match self.options.subject {
            Subject::Main | Subject::Entries => {
                let words = std::iter::once("").chain(entry.command.iter().map(String::as_str)).zip(&entry.command);
                let shown = |(before, word): (&str, &String)| match self.options.expand && before == "-o" {
                    true => self.expand_override(&tidy(word), entry).into(),
                    false => tidy(word),
                };
                let command: Vec<String> = words.map(shown).collect();
                env.outln(print::entry(&entry.columns, &command, self.options.fold));
                true
            }
            Subject::Fields => {
                let command = entry.command.join(" ");
                let values = entry.columns.iter().map(String::as_str).chain([command.as_str()]);
                let mut any = false;
                for (field, value) in FIELDS.iter().zip(values).filter(|(field, _)| request.wants(field)) {
                    show_item(env, self.options, &format!("{service}/{kind}/{field}"), value);
                    any = true;
                }
                any
            }
            Subject::Overrides => {
                let mut found = overrides(entry);
                found.sort();
                let mut any = false;
                for (name, value) in found.iter().filter(|(name, _)| request.wants(name)) {
                    let value = if self.options.expand { self.expand_override(value, entry) } else { value.clone() };
                    show_item(env, self.options, &format!("{service}/{kind}/{name}"), &value);
                    any = true;
                }
                any
            }
        }
    }
}

/// `{ b = c d }` as it is shown: `{b=c d}`.
pub(super) fn tidy(word: &str) -> String {
    use crate::mta::postfix::config::lines::split_nameval;
    use crate::mta::postfix::config::tokens::strip_braces;
    match strip_braces(word).map(split_nameval) {
        Ok(Ok((name, value))) if word.starts_with('{') => {
            if value.contains(|c: char| c.is_ascii_whitespace()) {
                format!("{{{name}={value}}}")
            } else {
                format!("{name}={value}")
            }
        }
        _ => word.to_owned(),
    }
}

fn show_item(env: &mut Env<'_, '_>, options: &Options, name: &str, value: &str) {
    let line = match (options.hide_name, options.hide_value) {
        (_, true) => name.to_owned(),
        (true, false) => value.to_owned(),
        (false, false) if value.is_empty() => format!("{name} ="),
        (false, false) => format!("{name} = {value}"),
    };
    env.outln(print::line(&line, options.fold));
}
