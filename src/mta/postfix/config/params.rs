//! Parameter values for one service: overrides, `main.cf`, computed and built-in defaults, with
//! `$name` expanded.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use smol_str::SmolStr;

use super::expand::{ExpandError, Lookup, expand};
use super::{Config, Facts, Fatal, MasterEntry, defaults, tokens};
use crate::mta::postfix::maps::{MapFlags, Maps, MatchList};
use crate::trace::Source;

/// The parameters as one service sees them. Meant for loading typed structures, not for use per
/// message.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    config: &'a Config,
    service: Option<&'a MasterEntry>,
    process: SmolStr,
    expanded: RefCell<BTreeMap<SmolStr, SmolStr>>,
    /// Whether a default is being computed from other parameters.
    computing: Cell<bool>,
}

/// Raw values by name, for the expander.
struct Raw<'p, 'a>(&'p Params<'a>);

impl Lookup for Raw<'_, '_> {
    fn lookup(&mut self, name: &str) -> Option<SmolStr> {
        self.0.raw(name)
    }
}

impl<'a> Params<'a> {
    pub(super) fn new(config: &'a Config, service: Option<&'a MasterEntry>) -> Params<'a> {
        let process = service.map_or_else(|| "postfix".into(), |service| service.command.clone());
        Params { config, service, process, expanded: RefCell::default(), computing: Cell::default() }
    }

    /// The configuration that these are parameters of.
    pub fn config(&self) -> &'a Config {
        self.config
    }

    /// The service whose overrides apply.
    pub fn entry(&self) -> Option<&'a MasterEntry> {
        self.service
    }

    /// The override of this service, or what `main.cf` says; not expanded.
    fn explicit(&self, name: &str) -> Option<SmolStr> {
        let overrides = self.service.map_or(&[][..], |service| &service.overrides);
        let own = overrides.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        own.or_else(|| self.config.main.get(name).map(|setting| setting.value.clone()))
    }

    /// The value that applies, not expanded; `None` if there is no such parameter.
    pub fn raw(&self, name: &str) -> Option<SmolStr> {
        self.explicit(name).or_else(|| self.default_value(name))
    }

    /// The default that applies on this host, not expanded.
    pub fn default_value(&self, name: &str) -> Option<SmolStr> {
        match name {
            "myhostname" | "mydomain" | "mynetworks" => {
                // While one of them is computed none of them is known, so that they cannot refer
                // to each other without end.
                if self.computing.replace(true) {
                    return None;
                }
                let value = self.computed(name);
                self.computing.set(false);
                Some(value)
            }
            "config_directory" => Some(self.config.directory.clone()),
            "process_name" => Some(self.process.clone()),
            "service_name" => self.service.map(|service| service.name.clone()),
            _ => {
                let known = defaults::get(name).cloned();
                known.or_else(|| defaults::per_transport(name).map(SmolStr::from))
            }
        }
    }

    /// A default that follows from the host and from other parameters.
    fn computed(&self, name: &str) -> SmolStr {
        let facts = &self.config.facts;
        match name {
            "myhostname" => {
                let domain = self.explicit("mydomain").map(|domain| self.expanded(&domain));
                facts.myhostname(domain.as_deref())
            }
            "mydomain" => {
                let name = self.explicit("myhostname").map(|name| self.without_mydomain(&name));
                Facts::mydomain(&name.unwrap_or_else(|| facts.myhostname(None)))
            }
            _ => facts.mynetworks(&self.get("mynetworks_style"), &self.get("inet_protocols")),
        }
    }

    /// Expands `myhostname` as long as `mydomain` is not known, because it follows from it.
    fn without_mydomain(&self, text: &str) -> SmolStr {
        let mut names = |name: &str| if name == "mydomain" { None } else { self.raw(name) };
        expand(text, &mut names).map_or_else(|_| text.into(), SmolStr::from)
    }

    /// A text with `$name` expanded by these parameters. A malformed text stays as it is: programs
    /// refuse such a configuration when they start.
    pub fn expanded(&self, text: &str) -> SmolStr {
        if !text.contains('$') {
            return text.into();
        }
        expand(text, &mut Raw(self)).map_or_else(|_| text.into(), SmolStr::from)
    }

    /// The value of a parameter with the error that expanding it gives.
    ///
    /// # Errors
    /// The value is malformed or refers to itself.
    pub fn expand_value(&self, name: &str) -> Result<SmolStr, ExpandError> {
        let raw = self.raw(name).unwrap_or_default();
        if !raw.contains('$') {
            return Ok(raw);
        }
        // The name itself counts for the nesting, as it does when a program looks it up.
        expand(&raw, &mut Raw(self)).map(SmolStr::from)
    }

    /// The value of a parameter, expanded; empty if there is no such parameter.
    pub fn get(&self, name: &str) -> SmolStr {
        if let Some(value) = self.expanded.borrow().get(name) {
            return value.clone();
        }
        let raw = self.raw(name).unwrap_or_default();
        let mut value = self.expanded(&raw);
        if let (true, Some((file, origin))) = (name == "myorigin", &self.config.facts.origin)
            && *file == value
        {
            value = origin.clone();
        }
        self.expanded.borrow_mut().insert(name.into(), value.clone());
        value
    }

    /// A `yes`/`no` parameter.
    ///
    /// # Errors
    /// The value is neither.
    pub fn bool(&self, name: &str) -> Result<bool, Fatal> {
        let value = self.get(name);
        match value.to_ascii_lowercase().as_str() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(Fatal(format!("bad boolean configuration: {name} = {value}"))),
        }
    }

    /// A numerical parameter.
    ///
    /// # Errors
    /// The value is not a number.
    pub fn int(&self, name: &str) -> Result<u64, Fatal> {
        let value = self.get(name);
        value.parse().map_err(|_| Fatal(format!("bad numerical configuration: {name} = {value}")))
    }

    /// A time with unit `s`, `m`, `h`, `d` or `w`; without one, that of the built-in default.
    ///
    /// # Errors
    /// The value is not a number with such a unit.
    pub fn time(&self, name: &str) -> Result<Duration, Fatal> {
        let value = self.get(name);
        let default = defaults::get(name).map_or_else(
            || defaults::per_transport(name).map(|default| self.expanded(default)),
            |default| Some(self.expanded(default)),
        );
        let unit = default.and_then(|default| default.chars().last()).filter(|c| unit_secs(*c).is_some());
        parse_time(&value, unit.unwrap_or('s'))
            .ok_or_else(|| Fatal(format!("parameter {name}: bad time value or unit: {value}")))
    }

    /// A list, separated by commas or white space; `{…}` keeps a group together.
    pub fn list(&self, name: &str) -> Vec<SmolStr> {
        tokens::list(&self.get(name)).into_iter().map(SmolStr::from).collect()
    }

    /// A list of words of a fixed set (`name_mask(3)`).
    ///
    /// # Errors
    /// A word is none of the set.
    pub fn mask(&self, name: &str, known: &[&str]) -> Result<Vec<SmolStr>, Fatal> {
        let words = self.list(name);
        match words.iter().find(|word| !known.contains(&word.as_str())) {
            Some(unknown) => Err(Fatal(format!("unknown {name} value \"{unknown}\" in \"{}\"", self.get(name)))),
            None => Ok(words),
        }
    }

    /// Where a parameter is set; `None` for a default.
    pub fn source(&self, name: &str) -> Option<Source> {
        if let Some(service) = self.service
            && service.overrides.iter().any(|(known, _)| known == name)
        {
            return Some(service.source.clone());
        }
        self.config.main.get(name).map(|setting| setting.source.clone())
    }

    /// Lookup tables.
    ///
    /// # Errors
    /// The list of tables is malformed.
    pub fn maps(&self, name: &str) -> Result<Maps, Fatal> {
        Maps::parse(name, &self.get(name), MapFlags::of_parameter(name))
    }

    /// A list of patterns: names, addresses, networks, files and tables. Whether parent domains
    /// match follows `parent_domain_matches_subdomains`.
    ///
    /// # Errors
    /// The list is malformed.
    pub fn match_list(&self, name: &str) -> Result<MatchList, Fatal> {
        self.match_list_of(name, &self.get(name))
    }

    /// A list of patterns that is not a parameter's value as it stands. `name` is for warnings and
    /// for `parent_domain_matches_subdomains`.
    ///
    /// # Errors
    /// The list is malformed.
    pub fn match_list_of(&self, name: &str, value: &str) -> Result<MatchList, Fatal> {
        let parents = self.list("parent_domain_matches_subdomains").iter().any(|known| known == name);
        MatchList::parse(name, value, parents)
    }
}

/// Seconds in a unit of time.
pub fn unit_secs(unit: char) -> Option<u64> {
    Some(match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    })
}

/// A number with an optional unit of time, as `conv_time(3)` reads it: what follows the unit's
/// letter does not count (`5min`), and no digits are a zero.
pub fn parse_time(text: &str, default_unit: char) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let number: u64 = if number.is_empty() { 0 } else { number.parse().ok()? };
    let unit = rest.chars().next().unwrap_or(default_unit);
    let secs = number.checked_mul(unit_secs(unit)?)?;
    // As in Postfix: no more than an `int` of seconds.
    i32::try_from(secs).is_ok().then(|| Duration::from_secs(secs))
}
