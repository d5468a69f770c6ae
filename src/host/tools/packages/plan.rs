//! What an installation or removal comes to: the packages that come and go.

use crate::host::Host;
use crate::host::packages::{self, Package, State};

/// What will be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Packages that were asked for and are to be installed.
    pub wanted: Vec<&'static Package>,
    /// Packages that those need.
    pub additional: Vec<&'static Package>,
    /// Packages that go.
    pub removed: Vec<&'static Package>,
    /// Packages that were asked for and are there.
    pub present: Vec<&'static Package>,
    /// Packages that are only suggested.
    pub suggested: Vec<&'static str>,
}

impl Plan {
    /// A plan to install these packages, with what they need, in place of what they conflict with.
    pub fn install(host: &Host, names: &[&'static Package]) -> Plan {
        let mut plan = Plan::default();
        for package in names {
            if packages::is_installed(host, package) {
                plan.present.push(package);
            } else if !plan.wanted.contains(package) {
                plan.wanted.push(package);
            }
        }
        for package in plan.wanted.clone() {
            plan.need(host, package);
        }
        let coming: Vec<&Package> = plan.coming().collect();
        let goes = |package: &&'static Package| {
            let hostile =
                |new: &&Package| new.name != package.name && new.conflicts.iter().any(|name| package.is(name));
            coming.iter().any(hostile)
        };
        plan.removed = packages::installed(host).into_iter().filter(goes).collect();
        plan.suggested = plan
            .coming()
            .flat_map(|package| package.suggests.iter().copied())
            .filter(|name| packages::find(name).is_none_or(|package| !packages::is_installed(host, package)))
            .fold(Vec::new(), |mut names, name| {
                if !names.contains(&name) {
                    names.push(name);
                }
                names
            });
        plan
    }

    /// Adds what a package needs and is not there.
    fn need(&mut self, host: &Host, package: &Package) {
        for alternatives in &package.depends {
            let known: Vec<&'static Package> = alternatives.iter().flat_map(|name| packages::providers(name)).collect();
            let is_there = |package: &&Package| {
                packages::is_installed(host, package)
                    || self.wanted.contains(package)
                    || self.additional.contains(package)
            };
            // What the catalogue does not know is taken to be there.
            if known.is_empty() || known.iter().any(is_there) {
                continue;
            }
            let choice = known.iter().find(|package| !package.optional).or(known.first());
            if let Some(choice) = choice {
                self.additional.push(choice);
                self.need(host, choice);
            }
        }
    }

    /// A plan to remove these packages, and those that need them; with a purge also what was
    /// removed before.
    pub fn remove(host: &Host, names: &[&'static Package], purge: bool) -> Plan {
        let gone = |package: &Package| match packages::state(host, package) {
            Some(State::Installed) => true,
            Some(State::ConfigFiles) => purge,
            None => false,
        };
        let mut removed: Vec<&'static Package> = names.iter().copied().filter(|package| gone(package)).collect();
        let mut at = 0;
        while let Some(package) = removed.get(at).copied() {
            at += 1;
            for other in packages::installed(host) {
                let needs = other.depends.iter().any(|alternatives| {
                    alternatives.iter().any(|name| package.is(name))
                        && !alternatives.iter().flat_map(|name| packages::providers(name)).any(|rest| {
                            packages::is_installed(host, rest) && rest.name != package.name && !removed.contains(&rest)
                        })
                });
                if needs && !removed.contains(&other) {
                    removed.push(other);
                }
            }
        }
        removed.sort_by_key(|package| package.name);
        Plan { removed, ..Plan::default() }
    }

    /// All packages that come, needed ones first.
    pub fn coming(&self) -> impl Iterator<Item = &'static Package> + '_ {
        self.additional.iter().rev().chain(&self.wanted).copied()
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.removed.is_empty()
    }

    /// Whether more happens than was asked for, so that the person is to agree.
    pub fn is_surprising(&self) -> bool {
        !self.additional.is_empty() || !self.removed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness;

    fn host_with(names: &[&str]) -> Host {
        let mut host = harness::host();
        packages::set_up(&mut host, |package| names.contains(&package.name)).unwrap();
        host
    }

    fn names(list: &[&Package]) -> Vec<&'static str> {
        list.iter().map(|package| package.name).collect()
    }

    #[test]
    fn needed_packages_come_along_and_rivals_go() {
        let host = host_with(&["exim4-daemon-light", "debconf"]);
        let plan = Plan::install(&host, &[packages::find("postfix").unwrap()]);
        assert_eq!(names(&plan.wanted), ["postfix"]);
        assert_eq!(names(&plan.removed), ["exim4-daemon-light"]);
        assert!(names(&plan.additional).contains(&"ssl-cert"));
        assert!(plan.is_surprising());
    }

    #[test]
    fn what_needs_a_removed_package_goes_with_it() {
        let host = host_with(&["dovecot-core", "dovecot-imapd", "jq"]);
        let plan = Plan::remove(&host, &[packages::find("dovecot-core").unwrap()], false);
        assert_eq!(names(&plan.removed), ["dovecot-core", "dovecot-imapd"]);
        assert!(Plan::remove(&host, &[packages::find("postfix").unwrap()], false).is_empty());
    }
}
