//! Which names a configuration may use: built-in ones, those that services bring, and those that
//! it defines itself and refers to. postconf(1) warns about the others.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::Postconf;
use crate::mta::postfix::config::expand::references;
use crate::mta::postfix::config::lines::split_nameval;
use crate::mta::postfix::config::master_cf::RawEntry;
use crate::mta::postfix::config::tokens::{list, strip_braces};
use crate::mta::postfix::config::{MainCf, defaults};

/// Daemons that bring parameters named after their service.
const DELIVERY_AGENTS: [&str; 6] = ["error", "lmtp", "local", "pipe", "smtp", "virtual"];

/// What a configuration's names are.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Brought by the services of `master.cf`, each with its default.
    pub(super) service: std::collections::BTreeMap<SmolStr, SmolStr>,
    /// Defined in `main.cf` and referred to.
    pub(super) user: BTreeSet<SmolStr>,
    /// Warnings about names that are referred to and defined nowhere.
    pub(super) undefined: Vec<String>,
    /// Warnings about `main.cf`.
    pub(super) unused_main: Vec<String>,
    /// Warnings about `master.cf`.
    pub(super) unused_master: Vec<String>,
}

/// The `-o` parameters of an entry.
pub(super) fn overrides(entry: &RawEntry) -> Vec<(SmolStr, SmolStr)> {
    let mut found = Vec::new();
    let mut words = entry.command.iter().skip(1);
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            break;
        }
        let Some(attached) = word.strip_prefix("-o") else { continue };
        let text = if attached.is_empty() { words.next().map_or("", String::as_str) } else { attached };
        if let Ok(Ok((name, value))) = strip_braces(text).map(split_nameval) {
            found.push((name.into(), value.into()));
        }
    }
    found
}

/// The parameters that the services bring, each with its default.
fn of_services(entries: &[RawEntry]) -> std::collections::BTreeMap<SmolStr, SmolStr> {
    let mut found = std::collections::BTreeMap::new();
    for entry in entries {
        let program = entry.command.first().map_or("", String::as_str);
        let timed = matches!(program, "pipe" | "spawn");
        if !timed && !DELIVERY_AGENTS.contains(&program) {
            continue;
        }
        for (name, default) in defaults::of_transport(&entry.columns[0]) {
            let limit = name.ends_with("_time_limit");
            let filter = name.ends_with("_delivery_status_filter");
            let applies = if limit { timed } else { program != "spawn" && !filter };
            if applies && (!defaults::is_known(&name) || defaults::is_of_service(&name)) {
                let default = defaults::get(&name).cloned().unwrap_or_else(|| default.into());
                found.insert(SmolStr::from(name), default);
            }
        }
    }
    found
}

impl Postconf<'_> {
    /// Looks at all names of the configuration.
    pub(super) fn names(&self) -> Names {
        let main: &MainCf = &self.config.main;
        let mut names = Names { service: of_services(&self.entries), ..Names::default() };
        let settings: Vec<(&SmolStr, &SmolStr)> =
            main.names().filter_map(|name| Some((name, &main.get(name)?.value))).collect();
        let local: Vec<Vec<(SmolStr, SmolStr)>> = self.entries.iter().map(overrides).collect();
        let is_local = |name: &str| local.iter().flatten().any(|(known, _)| known == name);
        let from_main: Vec<SmolStr> = settings.iter().flat_map(|(_, value)| references(value)).collect();
        for name in &from_main {
            if defaults::is_known(name) || names.service.contains_key(name) {
                continue;
            }
            if main.get(name).is_some() {
                names.user.insert(name.clone());
            } else if !is_local(name) {
                names.undefined.push(format!("{}: undefined parameter: {name}", main.path));
            }
        }
        let mut classes: Vec<SmolStr> = Vec::new();
        if let Some(setting) = main.get("smtpd_restriction_classes") {
            classes.extend(list(&setting.value).into_iter().map(SmolStr::from));
        }
        names.user.extend(classes.iter().filter(|name| main.get(name).is_some()).cloned());
        let master_path = format!("{}/master.cf", self.config.directory);
        for scope in &local {
            let mut used: BTreeSet<SmolStr> = from_main.iter().chain(&classes).cloned().collect();
            for name in scope.iter().flat_map(|(_, value)| references(value)) {
                let defined = defaults::is_known(&name)
                    || names.service.contains_key(&name)
                    || scope.iter().any(|(known, _)| *known == name);
                if main.get(&name).is_some() && !defaults::is_known(&name) {
                    names.user.insert(name.clone());
                } else if !defined {
                    names.undefined.push(format!("{master_path}: undefined parameter: {name}"));
                }
                used.insert(name);
            }
            for (name, value) in scope {
                if !(defaults::is_known(name) || names.service.contains_key(name) || used.contains(name)) {
                    names.unused_master.push(format!("{master_path}: unused parameter: {name}={value}"));
                }
            }
        }
        for (name, value) in settings {
            if !(defaults::is_known(name) || names.service.contains_key(name) || names.user.contains(name)) {
                names.unused_main.push(format!("{}: unused parameter: {name}={value}", main.path));
            }
        }
        names
    }
}
