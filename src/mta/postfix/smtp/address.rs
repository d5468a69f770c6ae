//! Which addresses to try for a next hop, in which order (`smtp_addr.c`; RFC 5321, section 5.1).
//!
//! A pure machine: [`Search::advance`] either needs an answer from the DNS or is done. It keeps
//! the steps that led to its choice.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::conf::{AddressPreference, SmtpConf};
use super::trouble::Trouble;
use crate::dns::lookup::Outcome;
use crate::dns::{Hosts, Lookup, Qtype, Rdata};
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::trace::Decision;

/// An address to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host's name as it was found.
    pub host: SmolStr,
    /// Its address.
    pub addr: IpAddr,
    /// MX preference; 0 without MX records.
    pub preference: u32,
}

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Found {
    /// The addresses in the order in which to try them; empty with `trouble`.
    pub targets: Vec<Target>,
    /// Why there is no address.
    pub trouble: Option<Trouble>,
    /// Preference of the best exchanger.
    pub best: u32,
    /// Warnings for the log.
    pub warnings: Vec<String>,
    /// Candidates for the `mx.choose` event, in order.
    pub candidates: Vec<SmolStr>,
}

/// What the search wants next.
#[derive(Debug)]
pub enum Advance {
    /// These questions; call again when they are answered.
    Need(Vec<(SmolStr, Qtype)>),
    /// It is done.
    Done(Box<Found>),
}

/// A search for the addresses of one next hop.
#[derive(Clone, Debug)]
pub struct Search {
    name: SmolStr,
    mx: bool,
    loop_detect: bool,
    answers: BTreeMap<(SmolStr, Qtype), Arc<Lookup>>,
}

/// The outcome of the address lookups of one host.
enum HostAddresses {
    Addresses(Vec<IpAddr>),
    Trouble(Trouble),
    Need(Vec<(SmolStr, Qtype)>),
}

const NOT_FOUND: &str = "Host or domain name not found. Name service error for name=";

/// The text of `dns_strerror()` in Postfix's sentence, with the status that goes with it.
fn dns_trouble(lookup: &Lookup) -> Trouble {
    let (dsn, text) = match lookup.outcome {
        Outcome::NxDomain => ("5.4.4", "Host not found"),
        Outcome::NoData | Outcome::Found => ("5.4.4", "Host found but no data record of requested type"),
        Outcome::ServFail | Outcome::Timeout => ("4.4.3", "Host not found, try again"),
    };
    Trouble::new(dsn, format!("{NOT_FOUND}{} type={}: {text}", lookup.qname, lookup.qtype))
}

impl Search {
    /// A search for the mail exchangers of a domain, or for the addresses of a host. With
    /// `loop_detect` this host's own addresses are recognised.
    pub fn new(name: &str, mx: bool, loop_detect: bool) -> Search {
        Search { name: name.into(), mx, loop_detect, answers: BTreeMap::new() }
    }

    /// Takes an answer.
    pub fn answer(&mut self, lookup: Arc<Lookup>) {
        self.answers.insert((key(&lookup.qname), lookup.qtype), lookup);
    }

    fn find(&self, name: &str, qtype: Qtype) -> Option<&Arc<Lookup>> {
        self.answers.get(&(key(name), qtype))
    }

    /// Goes on with the answers so far. `why` is filled when it is given.
    pub fn advance(&self, conf: &SmtpConf, host: &mut Host, why: Option<&mut Decision>) -> Advance {
        let mut scratch = Decision::default();
        let record = why.is_some();
        let why = why.unwrap_or(&mut scratch);
        if !self.mx {
            return self.host_only(conf, host, why, record);
        }
        let Some(lookup) = self.find(&self.name, Qtype::Mx) else {
            return Advance::Need(vec![(self.name.clone(), Qtype::Mx)]);
        };
        match lookup.outcome {
            Outcome::Found if lookup.exchangers().next().is_some() => self.exchangers(lookup, conf, host, why, record),
            Outcome::NxDomain | Outcome::NoData | Outcome::Found => {
                if record {
                    why.step(
                        "MX",
                        self.name.clone(),
                        false,
                        "no MX record: the address of the domain itself is the target (RFC 5321, 5.1)",
                    );
                }
                self.host_only(conf, host, why, record)
            }
            Outcome::ServFail | Outcome::Timeout if conf.ignore_mx_error => {
                if record {
                    why.step(
                        "ignore_mx_lookup_error",
                        self.name.clone(),
                        true,
                        "the failed MX lookup is taken for no MX record",
                    );
                }
                self.host_only(conf, host, why, record)
            }
            Outcome::ServFail | Outcome::Timeout => {
                if record {
                    why.step("MX", self.name.clone(), false, "the name server could not tell: try again later");
                }
                Advance::Done(Box::new(failed(dns_trouble(lookup))))
            }
        }
    }

    fn exchangers(
        &self,
        lookup: &Lookup,
        conf: &SmtpConf,
        host: &mut Host,
        why: &mut Decision,
        record: bool,
    ) -> Advance {
        let mut names: Vec<(u32, SmolStr)> =
            lookup.exchangers().map(|(preference, name)| (u32::from(preference), name.clone())).collect();
        if names.iter().any(|(_, name)| name.is_empty() || name == ".") {
            if record {
                why.step("null MX", self.name.clone(), true, "the domain accepts no mail (RFC 7505)");
            }
            let text = format!("Domain {} does not accept mail (nullMX)", self.name);
            return Advance::Done(Box::new(failed(Trouble::new("5.1.0", text))));
        }
        names.sort_by_key(|(preference, _)| *preference);
        let best = names.first().map_or(0, |(preference, _)| *preference);
        let candidates: Vec<SmolStr> =
            names.iter().map(|(preference, name)| format_smolstr!("{preference} {name}")).collect();
        let numeric = names.iter().filter(|(_, name)| name.trim_end_matches('.').parse::<IpAddr>().is_ok());
        let warnings = numeric
            .map(|(_, name)| {
                let (name, domain) = (name.trim_end_matches('.'), &self.name);
                format!("numeric domain name in resource data of MX record for {domain}: {name}")
            })
            .collect();
        let mut targets = Vec::new();
        let mut last = None;
        let mut need = Vec::new();
        for (preference, name) in &names {
            match self.addresses(name, conf, host) {
                HostAddresses::Need(questions) => need.extend(questions),
                HostAddresses::Trouble(trouble) => {
                    if record {
                        why.step("address of exchanger", name.clone(), false, trouble.reason.clone());
                    }
                    // One name server's silence leaves hope for the whole domain.
                    let soft = last.as_ref().is_some_and(Trouble::is_soft);
                    let trouble = last.insert(trouble);
                    if soft {
                        trouble.soften();
                    }
                }
                HostAddresses::Addresses(addrs) => {
                    if record {
                        let list: Vec<String> = addrs.iter().map(IpAddr::to_string).collect();
                        why.step(format_smolstr!("MX {preference}"), name.clone(), true, list.join(", "));
                    }
                    let target = |addr| Target { host: name.clone(), addr, preference: *preference };
                    targets.extend(addrs.into_iter().map(target));
                }
            }
        }
        if !need.is_empty() {
            need.sort();
            need.dedup();
            return Advance::Need(need);
        }
        let mut found = Found { targets, trouble: None, best, warnings, candidates };
        if found.targets.is_empty() {
            let mut trouble = last.unwrap_or_else(Trouble::unavailable);
            if conf.defer_no_mx_address {
                trouble.soften();
            }
            found.warnings.push(format!("no MX host for {} has a valid address record", self.name));
            found.trouble = Some(trouble);
            return Advance::Done(Box::new(found));
        }
        self.prune(&mut found, conf, host, why, record);
        order(&mut found.targets, conf, host);
        Advance::Done(Box::new(found))
    }

    /// Leaves only exchangers that are better than this host itself.
    fn prune(&self, found: &mut Found, conf: &SmtpConf, host: &Host, why: &mut Decision, record: bool) {
        if !self.loop_detect {
            return;
        }
        let Some(own) = found.targets.iter().find(|target| conf.is_own(target.addr, host)).cloned() else { return };
        let best_found = found.targets.first().map_or(0, |target| target.preference);
        found.targets.retain(|target| target.preference < own.preference);
        if record {
            let text = format!("this host is an exchanger itself: only preferences below {} remain", own.preference);
            why.step("loop prevention", own.host.clone(), true, text);
        }
        if found.targets.is_empty() {
            let trouble = if found.best != best_found {
                Trouble::new("4.4.4", format!("unable to find primary relay for {}", self.name))
            } else {
                Trouble::new("5.4.6", format!("mail for {} loops back to myself", self.name))
            };
            found.trouble = Some(trouble);
        }
    }

    fn host_only(&self, conf: &SmtpConf, host: &mut Host, why: &mut Decision, record: bool) -> Advance {
        let addrs = match self.addresses(&self.name, conf, host) {
            HostAddresses::Need(questions) => return Advance::Need(questions),
            HostAddresses::Trouble(trouble) => {
                if record {
                    why.step("address", self.name.clone(), false, trouble.reason.clone());
                }
                return Advance::Done(Box::new(failed(trouble)));
            }
            HostAddresses::Addresses(addrs) => addrs,
        };
        if self.loop_detect && addrs.iter().any(|addr| conf.is_own(*addr, host)) {
            if record {
                why.step("loop prevention", self.name.clone(), true, "the address is this host's own");
            }
            let trouble = Trouble::new("5.4.6", format!("mail for {} loops back to myself", self.name));
            return Advance::Done(Box::new(failed(trouble)));
        }
        if record {
            let list: Vec<String> = addrs.iter().map(IpAddr::to_string).collect();
            why.step("address", self.name.clone(), true, list.join(", "));
        }
        let target = |addr| Target { host: self.name.clone(), addr, preference: 0 };
        let mut targets: Vec<Target> = addrs.into_iter().map(target).collect();
        order(&mut targets, conf, host);
        Advance::Done(Box::new(Found { targets, ..found_nothing() }))
    }

    /// `smtp_addr_one()`: all addresses of one host.
    fn addresses(&self, name: &SmolStr, conf: &SmtpConf, host: &Host) -> HostAddresses {
        if let Ok(addr) = name.parse::<IpAddr>() {
            return HostAddresses::Addresses(vec![addr]);
        }
        let types = [(conf.families.ipv4, Qtype::A), (conf.families.ipv6, Qtype::Aaaa)];
        let types = types.into_iter().filter(|(on, _)| *on).map(|(_, qtype)| qtype);
        let (mut addrs, mut need, mut trouble) = (Vec::new(), Vec::new(), None::<Trouble>);
        for qtype in types {
            match self.find(name, qtype) {
                None => need.push((name.clone(), qtype)),
                Some(lookup) if lookup.outcome == Outcome::Found && lookup.addresses().next().is_some() => {
                    addrs.extend(lookup.addresses());
                }
                Some(lookup) => {
                    let next = dns_trouble(lookup);
                    // A name server's silence outweighs another family's certain answer.
                    if trouble.as_ref().is_none_or(|old| !old.is_soft() || next.is_soft()) {
                        trouble = Some(next);
                    }
                }
            }
        }
        if conf.lookup.native && !conf.lookup.dns {
            let listed = listed(name, conf, host);
            if !listed.is_empty() {
                return HostAddresses::Addresses(listed);
            }
        }
        match trouble {
            _ if !need.is_empty() => HostAddresses::Need(need),
            Some(trouble) if addrs.is_empty() && conf.lookup.native => {
                let listed = listed(name, conf, host);
                match listed.is_empty() {
                    true => HostAddresses::Trouble(self.native_trouble(name, &trouble)),
                    false => HostAddresses::Addresses(listed),
                }
            }
            Some(trouble) if addrs.is_empty() => HostAddresses::Trouble(trouble),
            _ => HostAddresses::Addresses(addrs),
        }
    }

    /// What `getaddrinfo()` says where the DNS said `trouble`.
    fn native_trouble(&self, name: &SmolStr, trouble: &Trouble) -> Trouble {
        let known = [Qtype::A, Qtype::Aaaa].iter().filter_map(|qtype| self.find(name, *qtype));
        let exists = known.into_iter().any(|lookup| lookup.outcome != Outcome::NxDomain);
        let (dsn, text) = match (trouble.is_soft(), exists) {
            (true, _) => ("4.3.0", "Temporary failure in name resolution"),
            (false, true) => ("5.3.0", "No address associated with hostname"),
            (false, false) => ("5.3.0", "Name or service not known"),
        };
        Trouble::new(dsn, format!("unable to look up host {name}: {text}"))
    }
}

/// What `/etc/hosts` says about a name, as far as the protocols in use go.
fn listed(name: &str, conf: &SmtpConf, host: &Host) -> Vec<IpAddr> {
    let hosts = Hosts::parse(&host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default());
    let usable = |addr: &IpAddr| if addr.is_ipv4() { conf.families.ipv4 } else { conf.families.ipv6 };
    hosts.by_name(name).filter(usable).collect()
}

/// A name as answers are filed: small letters, no final dot.
fn key(name: &str) -> SmolStr {
    name.trim_end_matches('.').to_ascii_lowercase().into()
}

fn found_nothing() -> Found {
    Found { targets: Vec::new(), trouble: None, best: 0, warnings: Vec::new(), candidates: Vec::new() }
}

fn failed(trouble: Trouble) -> Found {
    Found { trouble: Some(trouble), ..found_nothing() }
}

/// Equal preferences in random order (RFC 5321, 5.1), the preferred family first.
fn order(targets: &mut [Target], conf: &SmtpConf, host: &mut Host) {
    if targets.len() < 2 {
        return;
    }
    if conf.randomize {
        host.dice.shuffle(targets);
    }
    let family = |addr: IpAddr| match conf.preference {
        AddressPreference::Any => false,
        AddressPreference::Ipv4 => addr.is_ipv6(),
        AddressPreference::Ipv6 => addr.is_ipv4(),
    };
    targets.sort_by_key(|target| (target.preference, family(target.addr)));
}

/// Whether a lookup's records name the null exchanger; for checks elsewhere.
pub fn is_null_mx(lookup: &Lookup) -> bool {
    let mut exchangers = lookup.answers.iter().filter_map(|answer| match &answer.data {
        Rdata::Mx { exchange, .. } => Some(exchange),
        _ => None,
    });
    exchangers.next().is_some_and(|name| name == "." || name.is_empty()) && exchangers.next().is_none()
}
