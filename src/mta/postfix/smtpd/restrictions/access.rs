//! Access tables (access(5)): the keys that are looked up, and the actions found.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::evaluate::{Evaluation, Note};
use super::{AccessKey, Flow, List, Rejection, Subject};
use crate::dns::Qtype;
use crate::dns::lookup::{Outcome, Rdata};
use crate::mail::header::name_len;
use crate::mta::postfix::maps::{Found, Maps};
use crate::smtp::path::parse_address_literal;
use crate::smtp::reply::enhanced_prefix;

/// Which record type leads from a domain to what is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Via {
    Address,
    Exchanger,
    NameServer,
}

impl Via {
    /// The record type in log lines; addresses are not worth any.
    fn record_type(self) -> Option<&'static str> {
        match self {
            Via::Address => None,
            Via::Exchanger => Some("MX"),
            Via::NameServer => Some("NS"),
        }
    }
}

impl Evaluation<'_, '_, '_> {
    pub(super) fn check_access(&mut self, key: AccessKey, maps: &Maps, list: List) -> Result<Flow, Flow> {
        let facts = self.facts;
        let peer = facts.peer;
        match key {
            AccessKey::Client => {
                let name = peer.namaddr.clone();
                let found = match self.domain_keys(maps, &peer.name, &name, Subject::Client)? {
                    None => self.address_keys(maps, &peer.addr, &name, Subject::Client)?,
                    found => found,
                };
                self.decide(found, &name, Subject::Client, list)
            }
            AccessKey::ReverseClient => {
                let name = peer.reverse_name.clone();
                let found = self.domain_keys(maps, &name, &name, Subject::ReverseClient)?;
                self.decide(found, &name, Subject::ReverseClient, list)
            }
            AccessKey::Helo => self.named(maps, facts.helo, Subject::Helo, list),
            AccessKey::Etrn => self.named(maps, facts.etrn, Subject::Etrn, list),
            AccessKey::Login => match facts.login {
                Some(login) => {
                    let found = self.find(maps, login, login, Subject::Login)?;
                    self.decide(found, login, Subject::Login, list)
                }
                None => Ok(Flow::Dunno),
            },
            AccessKey::Certificate => Ok(Flow::Dunno),
            AccessKey::Sender => match facts.sender {
                Some("") => {
                    let null = self.checks.null_access_key.clone();
                    let found = self.find(maps, &null, &null, Subject::Sender)?;
                    self.decide(found, "", Subject::Sender, list)
                }
                Some(sender) => self.mail_access(maps, sender, Subject::Sender, list),
                None => Ok(Flow::Dunno),
            },
            AccessKey::Recipient => match facts.recipient {
                Some(recipient) => self.mail_access(maps, recipient, Subject::Recipient, list),
                None => Ok(Flow::Dunno),
            },
            AccessKey::ClientA => self.server_access(maps, Some(&peer.name), Subject::Client, Via::Address, list),
            AccessKey::ClientMx => self.server_access(maps, Some(&peer.name), Subject::Client, Via::Exchanger, list),
            AccessKey::ClientNs => self.server_access(maps, Some(&peer.name), Subject::Client, Via::NameServer, list),
            AccessKey::ReverseClientA => {
                self.server_access(maps, Some(&peer.reverse_name), Subject::ReverseClient, Via::Address, list)
            }
            AccessKey::ReverseClientMx => {
                self.server_access(maps, Some(&peer.reverse_name), Subject::ReverseClient, Via::Exchanger, list)
            }
            AccessKey::ReverseClientNs => {
                self.server_access(maps, Some(&peer.reverse_name), Subject::ReverseClient, Via::NameServer, list)
            }
            AccessKey::HeloA => self.server_access(maps, facts.helo, Subject::Helo, Via::Address, list),
            AccessKey::HeloMx => self.server_access(maps, facts.helo, Subject::Helo, Via::Exchanger, list),
            AccessKey::HeloNs => self.server_access(maps, facts.helo, Subject::Helo, Via::NameServer, list),
            AccessKey::SenderA => self.server_access(maps, facts.sender, Subject::Sender, Via::Address, list),
            AccessKey::SenderMx => self.server_access(maps, facts.sender, Subject::Sender, Via::Exchanger, list),
            AccessKey::SenderNs => self.server_access(maps, facts.sender, Subject::Sender, Via::NameServer, list),
            AccessKey::RecipientA => self.server_access(maps, facts.recipient, Subject::Recipient, Via::Address, list),
            AccessKey::RecipientMx => {
                self.server_access(maps, facts.recipient, Subject::Recipient, Via::Exchanger, list)
            }
            AccessKey::RecipientNs => {
                self.server_access(maps, facts.recipient, Subject::Recipient, Via::NameServer, list)
            }
        }
    }

    fn named(&mut self, maps: &Maps, name: Option<&str>, subject: Subject, list: List) -> Result<Flow, Flow> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(Flow::Dunno) };
        let found = self.domain_keys(maps, name, name, subject)?;
        self.decide(found, name, subject, list)
    }

    /// One key. A table that cannot be read refuses for now.
    fn find(&mut self, maps: &Maps, key: &str, name: &str, subject: Subject) -> Result<Option<Found>, Flow> {
        self.find_in(maps, key, false, name, subject)
    }

    fn find_in(
        &mut self,
        maps: &Maps,
        key: &str,
        partial: bool,
        name: &str,
        subject: Subject,
    ) -> Result<Option<Found>, Flow> {
        let host = &*self.lookups.ctx.host;
        let found = if partial { maps.find_partial(key, host) } else { maps.find(key, host) };
        match found {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => Ok(None),
            Err(error) => {
                self.run.warn(error);
                Err(self.refuse(451, "4.3.5", name, subject, "Server configuration error"))
            }
        }
    }

    /// A domain and its parents.
    fn domain_keys(&mut self, maps: &Maps, domain: &str, name: &str, subject: Subject) -> Result<Option<Found>, Flow> {
        let mut key = domain.trim_end_matches('.');
        let mut partial = false;
        while !key.is_empty() {
            let found = self.find_in(maps, key, partial, name, subject)?;
            if found.is_some() || key.parse::<IpAddr>().is_ok() {
                return Ok(found);
            }
            partial = true;
            let from = usize::from(key.starts_with('.'));
            let Some(dot) = key.get(from..).and_then(|rest| rest.find('.')) else { break };
            let dot = dot + from;
            key = if self.checks.parents_match { &key[dot + 1..] } else { &key[dot..] };
        }
        Ok(None)
    }

    /// An address and the networks on its octet boundaries.
    fn address_keys(&mut self, maps: &Maps, addr: &str, name: &str, subject: Subject) -> Result<Option<Found>, Flow> {
        let delimiter = if addr.contains(':') { ':' } else { '.' };
        let mut key = addr;
        let mut partial = false;
        loop {
            let found = self.find_in(maps, key, partial, name, subject)?;
            if found.is_some() {
                return Ok(found);
            }
            partial = true;
            let Some((front, _)) = key.rsplit_once(delimiter) else { return Ok(None) };
            // `2001:db8::` is looked up as `2001:db8`.
            key = front.trim_end_matches(delimiter);
        }
    }

    /// `user+ext@domain`, `user@domain`, the domain and its parents, `user+ext@`, `user@`.
    fn mail_access(&mut self, maps: &Maps, address: &str, subject: Subject, list: List) -> Result<Flow, Flow> {
        let sender = if subject == Subject::Sender { "" } else { self.facts.sender.unwrap_or_default() };
        let resolved = self.lookups.resolve_or_retry(sender, address)?;
        let Some((local, domain)) = resolved.recipient.rsplit_once('@') else { return Ok(Flow::Dunno) };
        let base = self.checks.finder.split(local).map(|(base, _)| base);
        let mut found = self.find(maps, &resolved.recipient, address, subject)?;
        if let (None, Some(base)) = (&found, base) {
            found = self.find_in(maps, &format!("{base}@{domain}"), true, address, subject)?;
        }
        if found.is_none() {
            found = self.domain_keys_partial(maps, domain, address, subject)?;
        }
        for local in [Some(local), base].into_iter().flatten() {
            if found.is_none() {
                found = self.find_in(maps, &format!("{local}@"), true, address, subject)?;
            }
        }
        let flow = self.decide(found, address, subject, list)?;
        let untrusted = resolved.routed && !self.checks.allow_untrusted_routing && subject == Subject::Recipient;
        Ok(if flow == Flow::Ok && untrusted { Flow::Dunno } else { flow })
    }

    fn domain_keys_partial(
        &mut self,
        maps: &Maps,
        domain: &str,
        name: &str,
        subject: Subject,
    ) -> Result<Option<Found>, Flow> {
        match self.find_in(maps, domain, true, name, subject)? {
            None => self.domain_keys(maps, domain, name, subject),
            found => Ok(found),
        }
    }

    /// The hosts behind a domain, by name and address.
    fn server_access(
        &mut self,
        maps: &Maps,
        name: Option<&str>,
        subject: Subject,
        via: Via,
        list: List,
    ) -> Result<Flow, Flow> {
        let Some(name) = name.filter(|name| !name.is_empty() && *name != "unknown") else { return Ok(Flow::Dunno) };
        let domain = name.rsplit_once('@').map_or(name, |(_, domain)| domain);
        let shown = if subject == Subject::Client { self.facts.peer.namaddr.clone() } else { name.into() };
        let name = shown.as_str();
        if domain.starts_with('[') {
            let literal = domain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
            let addr = literal.filter(|_| via != Via::NameServer).and_then(parse_address_literal);
            let Some(addr) = addr else { return Ok(Flow::Dunno) };
            let found = self.address_keys(maps, &addr.to_string(), name, subject)?;
            return self.decide(found, name, subject, list);
        }
        let servers = match via {
            Via::Address => vec![domain.into()],
            Via::Exchanger => self.exchangers(domain)?,
            Via::NameServer => self.name_servers(domain, name)?,
        };
        for server in servers {
            if via != Via::Address {
                let found = self.domain_keys(maps, &server, name, subject)?;
                let flow = self.decide(found, name, subject, list)?;
                if flow != Flow::Dunno {
                    return Ok(flow);
                }
            }
            let addresses = match self.server_addresses(&server)? {
                Ok(addresses) => addresses,
                Err(why) => {
                    if let Some(kind) = via.record_type() {
                        let class = subject.class();
                        let text = format!("Unable to look up {kind} host {server} for {class} {name}: {why}");
                        self.run.notes.push(Note::Line(format!("warning: {text}")));
                    }
                    continue;
                }
            };
            for addr in addresses {
                let found = self.address_keys(maps, &addr.to_string(), name, subject)?;
                let flow = self.decide(found, name, subject, list)?;
                if flow != Flow::Dunno {
                    return Ok(flow);
                }
            }
        }
        Ok(Flow::Dunno)
    }

    /// The mail exchangers of a domain: itself if it names none.
    fn exchangers(&mut self, domain: &str) -> Result<Vec<SmolStr>, Flow> {
        let lookup = self.lookups.dns(domain, Qtype::Mx)?;
        Ok(match lookup.outcome {
            Outcome::Found if lookup.exchangers().any(|(_, name)| name.is_empty() || name == ".") => Vec::new(),
            Outcome::Found => lookup.exchangers().map(|(_, name)| name.clone()).collect(),
            Outcome::NoData | Outcome::NxDomain => vec![domain.into()],
            Outcome::ServFail | Outcome::Timeout => {
                self.cannot_look_up("MX", domain, lookup.outcome);
                Vec::new()
            }
        })
    }

    /// The name servers of a domain, or of the first of its parents that names some.
    fn name_servers(&mut self, domain: &str, name: &str) -> Result<Vec<SmolStr>, Flow> {
        let mut zone = domain;
        loop {
            let lookup = self.lookups.dns(zone, Qtype::Ns)?;
            match lookup.outcome {
                Outcome::Found => {
                    let servers = lookup.answers.iter().filter_map(|answer| match &answer.data {
                        Rdata::Ns(name) => Some(name.clone()),
                        _ => None,
                    });
                    return Ok(servers.collect());
                }
                Outcome::NoData | Outcome::NxDomain => match zone.split_once('.') {
                    Some((_, parent)) if !parent.is_empty() => zone = parent,
                    _ => {
                        self.cannot_look_up("NS", name, lookup.outcome);
                        return Ok(Vec::new());
                    }
                },
                Outcome::ServFail | Outcome::Timeout => {
                    self.cannot_look_up("NS", zone, lookup.outcome);
                    return Ok(Vec::new());
                }
            }
        }
    }

    fn cannot_look_up(&mut self, kind: &str, name: &str, outcome: Outcome) {
        let why = match outcome {
            Outcome::NxDomain => "Host not found",
            Outcome::Found | Outcome::NoData => "Host found but no data record of requested type",
            Outcome::ServFail | Outcome::Timeout => "Host not found, try again",
        };
        let text = format!("warning: Unable to look up {kind} host for {name}: {why}");
        self.run.notes.push(Note::Line(text));
    }

    /// The addresses of a host, or in the words of the resolver why there are none.
    fn server_addresses(&mut self, server: &str) -> Result<Result<Vec<IpAddr>, &'static str>, Flow> {
        let checks = self.checks;
        let mut addresses = Vec::new();
        let mut worst = Outcome::NoData;
        for qtype in &checks.address_types {
            let lookup = self.lookups.dns(server, *qtype)?;
            addresses.extend(lookup.addresses());
            if worst == Outcome::NoData {
                worst = lookup.outcome;
            }
        }
        if !addresses.is_empty() {
            return Ok(Ok(addresses));
        }
        Ok(Err(match worst {
            Outcome::NxDomain => "Name or service not known",
            Outcome::Found | Outcome::NoData => "No address associated with hostname",
            Outcome::ServFail | Outcome::Timeout => "Temporary failure in name resolution",
        }))
    }

    fn decide(&mut self, found: Option<Found>, name: &str, subject: Subject, list: List) -> Result<Flow, Flow> {
        match found {
            None => Ok(Flow::Dunno),
            Some(found) => {
                self.run.entry = found.source.clone();
                self.apply_action(&found.value, name, subject, list, &found.table)
            }
        }
    }

    /// Carries out the right-hand side of a table (`check_table_result`).
    pub(super) fn apply_action(
        &mut self,
        value: &str,
        name: &str,
        subject: Subject,
        list: List,
        table: &str,
    ) -> Result<Flow, Flow> {
        let value = value.trim();
        let (command, text) = value.split_once([' ', '\t']).map_or((value, ""), |(a, b)| (a, b.trim_start()));
        let class = subject.class();
        let codes = &self.checks.codes;
        let rejected = |code: u16, default_dsn: &str, default_text: &str| {
            let (dsn, text) = split_dsn(text, default_dsn);
            let text = if text.is_empty() { default_text } else { text };
            (code, dsn.to_owned(), format!("<{name}>: {class} rejected: {text}"))
        };
        let happened = |what: &str| {
            if text.is_empty() {
                format!("<{name}>: {class} triggers {what} action")
            } else {
                format!("<{name}>: {class} {text}")
            }
        };
        let triggers = |what: &str| format!("<{name}>: {class} triggers {what} {text}");
        let upper = command.to_ascii_uppercase();
        Ok(match upper.as_str() {
            "REJECT" => self.refuse_about(subject, rejected(codes.access_map_reject, "5.7.1", "Access denied")).into(),
            "DEFER" => self.refuse_about(subject, rejected(codes.access_map_defer, "4.7.1", "Access denied")).into(),
            "HANGUP" => {
                let mut rejection = self.refuse_about(subject, rejected(521, "5.7.1", "Access denied"));
                rejection.hangup = true;
                rejection.into()
            }
            "WARN" => self.happened("warn", text.to_owned()),
            "INFO" => self.happened("info", text.to_owned()),
            "FILTER" if text.contains(':') => {
                let line = triggers("FILTER");
                self.run.actions.filter = Some(text.into());
                self.happened("filter", line)
            }
            "FILTER" => self.mistake(
                table,
                name,
                if text.is_empty() { "has FILTER entry without value" } else { "requires transport:destination" },
            ),
            "HOLD" if self.facts.held || self.run.actions.hold => Flow::Dunno,
            "HOLD" => {
                let line = happened("HOLD");
                self.run.actions.hold = true;
                self.happened("hold", line)
            }
            "DISCARD" => {
                let line = happened("DISCARD");
                self.run.actions.discard = true;
                self.happened("discard", line);
                Flow::Ok
            }
            "REDIRECT" if text.contains('@') => {
                let line = triggers("REDIRECT");
                self.run.actions.redirect = Some(text.into());
                self.happened("redirect", line)
            }
            "BCC" if text.contains('@') => {
                let line = triggers("BCC");
                self.run.actions.bcc.push(text.into());
                self.happened("bcc", line)
            }
            "REDIRECT" | "BCC" => self.mistake(table, name, "requires user@domain target"),
            "DEFER_IF_PERMIT" => {
                let rejection =
                    self.refuse_about(subject, rejected(codes.access_map_defer, "4.7.1", "Service unavailable"));
                self.run.defer_if_permit(rejection)
            }
            "DEFER_IF_REJECT" => {
                let rejection =
                    self.refuse_about(subject, rejected(codes.access_map_defer, "4.7.1", "Service unavailable"));
                self.run.defer_if_reject(rejection)
            }
            "PREPEND" if list == List::EndOfData => {
                let text = format!(
                    "warning: access table {table}: action PREPEND must be used before smtpd_end_of_data_restrictions"
                );
                self.run.notes.push(Note::Line(text));
                Flow::Dunno
            }
            "PREPEND" if name_len(text.as_bytes()).is_none() => self.mistake(table, name, "requires header: text"),
            "PREPEND" => {
                self.run.actions.prepend.push(text.into());
                Flow::Dunno
            }
            "DUNNO" => Flow::Dunno,
            "OK" | "RELAY" => {
                self.note_permit(command, class, name, &format!("from {table}"));
                Flow::Ok
            }
            _ if is_reply_code(command) && !text.is_empty() => {
                let code: u16 = command.parse().unwrap_or(550);
                let dsn = if code < 500 { "4.7.1" } else { "5.7.1" };
                self.refuse_about(subject, rejected(code, dsn, "Access denied")).into()
            }
            _ if value.bytes().all(|octet| octet.is_ascii_digit()) => {
                self.note_permit(command, class, name, &format!("from {table}"));
                Flow::Ok
            }
            _ => {
                let rules = super::parse::parse_inline(value, &self.checks.classes);
                // They are about what the table was asked for.
                let before = self.about.replace((name.into(), subject));
                let flow = self.rules(&rules, list);
                self.about = before;
                flow?
            }
        })
    }

    fn refuse_about(&mut self, subject: Subject, (code, dsn, text): (u16, String, String)) -> Rejection {
        Rejection::policy(code, &self.dsn_about(&dsn, subject), text)
    }

    fn mistake(&mut self, table: &str, name: &str, what: &str) -> Flow {
        self.run.notes.push(Note::Line(format!("warning: access table {table} entry \"{name}\" {what}")));
        Flow::Dunno
    }

    fn happened(&mut self, what: &'static str, text: String) -> Flow {
        self.run.notes.push(Note::Happened(what, text));
        Flow::Dunno
    }
}

fn is_reply_code(word: &str) -> bool {
    word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|octet| octet.is_ascii_digit())
}

/// An enhanced status code in front of a text, or the default.
fn split_dsn<'a>(text: &'a str, default: &'a str) -> (&'a str, &'a str) {
    match enhanced_prefix(text) {
        Some(dsn) => (dsn, text.get(dsn.len()..).unwrap_or_default().trim_start()),
        None => (default, text),
    }
}
