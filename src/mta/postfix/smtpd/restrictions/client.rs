//! Restrictions about the client and its session, and block lists.

use std::net::IpAddr;

use smol_str::{SmolStr, ToSmolStr};

use super::evaluate::{Evaluation, Note};
use super::{AccessKey, Flow, Rbl, RblKey, Rejection, Restriction};
use crate::dns::lookup::{Outcome, Rdata};
use crate::dns::{Lookup, Qtype};
use crate::mta::postfix::config::expand;
use crate::mta::postfix::smtpd::lists;
use crate::mta::postfix::smtpd::peer::NameStatus;
use crate::smtp::reply::enhanced_prefix;
use crate::trace::Kind;

impl Evaluation<'_, '_, '_> {
    /// Evaluates a restriction about the client; `None` if it is about something else.
    pub(super) fn client_rule(&mut self, restriction: &Restriction) -> Result<Option<Flow>, Flow> {
        let ok_if = |yes: bool| if yes { Flow::Ok } else { Flow::Dunno };
        let code = self.checks.codes.unknown_client;
        let peer = self.facts.peer;
        let unknown = |status: NameStatus, dsn: &str, what: &str| {
            let code = if status == NameStatus::Temporary { 450 } else { code };
            let text = format!("Client host rejected: cannot find your {what}, [{}]", peer.addr);
            Flow::from(Rejection::policy(code, dsn, text))
        };
        Ok(Some(match restriction {
            Restriction::PermitMynetworks => {
                let host = &*self.lookups.ctx.host;
                match lists::client_matches(&self.checks.mynetworks, &peer.name, &peer.addr, host) {
                    Ok(found) => {
                        let matched = found.is_some();
                        self.run.entry = found.flatten();
                        ok_if(matched)
                    }
                    Err(error) => {
                        self.run.warn(error);
                        let name = self.facts.recipient.unwrap_or(&peer.namaddr);
                        return Err(Rejection::lookup_failure(name).into());
                    }
                }
            }
            Restriction::PermitInetInterfaces => ok_if(self.lookups.ctx.host.owns(peer.ip)),
            Restriction::PermitSaslAuthenticated => ok_if(self.facts.login.is_some()),
            // Clients of this world show no certificates.
            Restriction::PermitTlsClientcerts => Flow::Dunno,
            Restriction::RejectUnknownClientHostname if peer.status != NameStatus::Ok => {
                unknown(peer.status, "4.7.25", "hostname")
            }
            Restriction::RejectUnknownReverseClientHostname if peer.reverse_status != NameStatus::Ok => {
                unknown(peer.reverse_status, "4.7.1", "reverse hostname")
            }
            Restriction::RejectUnknownClientHostname | Restriction::RejectUnknownReverseClientHostname => Flow::Dunno,
            Restriction::RejectPlaintextSession if !self.facts.encrypted => {
                Rejection::policy(self.checks.codes.plaintext, "5.7.1", "Session encryption is required".into()).into()
            }
            Restriction::RejectPlaintextSession => Flow::Dunno,
            Restriction::RejectRbl(key, rbl) => self.block_list(*key, rbl, false)?,
            Restriction::PermitDnswl(key, rbl) => self.block_list(*key, rbl, true)?,
            _ => return Ok(None),
        }))
    }

    /// Whether a restriction has no meaning without SASL, or without certificates of clients; a
    /// warning says so each time.
    pub(super) fn is_ignored(&mut self, restriction: &Restriction) -> bool {
        let names: &[&str] = match restriction {
            Restriction::CheckAccess(AccessKey::Certificate, _) if !self.checks.asks_certificate => {
                let warning = "warning: check_ccert_access is requested, but \"smtpd_tls_ask_ccert = no\"";
                self.run.notes.push(Note::Line(warning.to_owned()));
                return true;
            }
            _ if self.checks.sasl => return false,
            Restriction::CheckAccess(AccessKey::Login, _) => &["check_sasl_access"],
            Restriction::RejectSenderLoginMismatch => {
                &["reject_authenticated_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch"]
            }
            Restriction::RejectAuthenticatedSenderLoginMismatch => &["reject_authenticated_sender_login_mismatch"],
            Restriction::RejectUnauthenticatedSenderLoginMismatch => &["reject_unauthenticated_sender_login_mismatch"],
            Restriction::RejectKnownSenderLoginMismatch => &["reject_known_sender_login_mismatch"],
            _ => return false,
        };
        for name in names {
            let warning = format!("warning: restriction `{name}' ignored: no SASL support");
            self.run.notes.push(Note::Line(warning));
        }
        true
    }

    fn block_list(&mut self, key: RblKey, rbl: &Rbl, permit: bool) -> Result<Flow, Flow> {
        let facts = self.facts;
        let domain_of = |address: Option<&str>| {
            address.and_then(|address| address.rsplit_once('@')).map(|(_, domain)| SmolStr::from(domain))
        };
        let (what, class) = match key {
            RblKey::Address => (Some(facts.peer.addr.clone()), "Client host"),
            RblKey::Client => (self.client_named().then(|| facts.peer.name.clone()), "Client host"),
            RblKey::ReverseClient => {
                (Some(facts.peer.reverse_name.clone()).filter(|name| name != "unknown"), "Unverified Client host")
            }
            RblKey::Helo => (facts.helo.map(SmolStr::from), "Helo command"),
            RblKey::Sender => (domain_of(facts.sender), "Sender address"),
            RblKey::Recipient => (domain_of(facts.recipient), "Recipient address"),
        };
        let Some(what) = what else { return Ok(Flow::Dunno) };
        let query = match key {
            RblKey::Address => format!("{}.{}", reversed(facts.peer.ip), rbl.zone),
            _ if what.starts_with('[') || what.parse::<IpAddr>().is_ok() => return Ok(Flow::Dunno),
            _ => format!("{what}.{}", rbl.zone),
        };
        let lookup = self.lookups.dns(&query, Qtype::A)?;
        self.note_query(&query, rbl, &lookup);
        match lookup.outcome {
            Outcome::NoData | Outcome::NxDomain => return Ok(Flow::Dunno),
            Outcome::ServFail | Outcome::Timeout => {
                let warning = format!(
                    "warning: {query}: RBL lookup error: Host or domain name not found. Name service error for name={query} type=A: Host not found, try again"
                );
                self.run.notes.push(Note::Line(warning));
                return Ok(Flow::Dunno);
            }
            Outcome::Found => {}
        }
        if !lookup.addresses().any(|addr| matches_filter(&rbl.filter, addr)) {
            return Ok(Flow::Dunno);
        }
        if permit {
            // Whoever is listed may not relay for that.
            return match self.facts.recipient.filter(|recipient| !recipient.is_empty()) {
                Some(recipient) => self.auth_destination(recipient),
                None => Ok(Flow::Ok),
            };
        }
        let reason = self.lookups.dns(&query, Qtype::Txt)?;
        let reasons: Vec<&str> = reason
            .answers
            .iter()
            .filter_map(|answer| match &answer.data {
                Rdata::Txt(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let blocked = match key {
            RblKey::Sender => facts.sender.unwrap_or_default(),
            RblKey::Recipient => facts.recipient.unwrap_or_default(),
            _ => &what,
        };
        let names = |name: &str| match name {
            "rbl_code" => Some(self.checks.codes.maps_rbl.to_smolstr()),
            "rbl_class" => Some(SmolStr::new_static(class)),
            "rbl_what" => Some(blocked.into()),
            "rbl_domain" => Some(rbl.zone.clone()),
            "rbl_reason" | "rbl_txt" => Some(reasons.join(" / ").into()).filter(|text: &SmolStr| !text.is_empty()),
            _ => facts.named().attribute(name),
        };
        Ok(self.block_list_reply(rbl, names)?.into())
    }

    /// Keeps a question to a block list and its answer, for the trace.
    fn note_query(&mut self, query: &str, rbl: &Rbl, lookup: &Lookup) {
        if !self.lookups.ctx.trace.is_full() {
            return;
        }
        let result = match lookup.outcome {
            Outcome::Found => {
                let addrs: Vec<String> = lookup.addresses().map(|addr| addr.to_string()).collect();
                addrs.join(" ").into()
            }
            Outcome::NoData => SmolStr::new_static("NODATA"),
            Outcome::NxDomain => SmolStr::new_static("NXDOMAIN"),
            Outcome::ServFail => SmolStr::new_static("SERVFAIL"),
            Outcome::Timeout => SmolStr::new_static("timeout"),
        };
        self.run.queries.push(Kind::DnsblQuery { zone: rbl.zone.clone(), name: query.into(), result });
    }

    /// The refusal by a block list, by the template of `rbl_reply_maps` or `default_rbl_reply`.
    fn block_list_reply(
        &mut self,
        rbl: &Rbl,
        mut names: impl FnMut(&str) -> Option<SmolStr>,
    ) -> Result<Rejection, Flow> {
        let checks = self.checks;
        let found = checks.rbl_reply_maps.find(&rbl.text, self.lookups.ctx.host);
        let found = super::lookup::or_retry(found, &rbl.text, self.run)?;
        let template = found.as_ref().map_or(&checks.default_rbl_reply, |found| &found.value);
        let line = expand::expand(template, &mut names).unwrap_or_default();
        let code = line.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (400..600).contains(code));
        let (Some(code), Some(text)) = (code, line.get(4..)) else {
            let rbl = &rbl.zone;
            let warning = format!("warning: bad RBL reply template for {rbl}: \"{template}\"");
            self.run.notes.push(Note::Line(warning));
            return Ok(Rejection::server_error());
        };
        Ok(match enhanced_prefix(text) {
            Some(dsn) => Rejection::policy(code, dsn, text.get(dsn.len()..).unwrap_or_default().trim_start().into()),
            None => Rejection::policy(code, "5.7.1", text.into()),
        })
    }
}

/// The octets of an address in reverse order (nibbles for IPv6), as block lists are asked.
fn reversed(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => {
            let [a, b, c, d] = addr.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(addr) => {
            let nibbles = addr.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
        }
    }
}

/// Whether an answer counts: no filter, or `d.d.d.d` where an octet may be `[1..3;7]`.
fn matches_filter(filter: &str, addr: IpAddr) -> bool {
    let IpAddr::V4(addr) = addr else { return filter.is_empty() };
    if filter.is_empty() {
        return true;
    }
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in filter.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '.' if depth == 0 => {
                parts.push(filter.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(filter.get(start..).unwrap_or_default());
    parts.len() == 4 && parts.iter().zip(addr.octets()).all(|(part, octet)| octet_matches(part, octet))
}

fn octet_matches(pattern: &str, octet: u8) -> bool {
    match pattern.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        None => pattern.parse() == Ok(octet),
        Some(inner) => inner.split(';').any(|range| match range.split_once("..") {
            Some((from, to)) => {
                from.parse().is_ok_and(|from: u8| from <= octet) && to.parse().is_ok_and(|to: u8| octet <= to)
            }
            None => range.parse() == Ok(octet),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reversed_for_block_lists() {
        assert_eq!(reversed("198.51.100.7".parse().unwrap()), "7.100.51.198");
        assert!(reversed("2001:db8::1".parse().unwrap()).starts_with("1.0.0.0."));
    }

    #[test]
    fn filters_choose_among_answers() {
        for (filter, addr, yes) in [
            ("", "127.0.0.9", true),
            ("127.0.0.2", "127.0.0.2", true),
            ("127.0.0.2", "127.0.0.3", false),
            ("127.0.0.[2..4;9]", "127.0.0.3", true),
            ("127.0.0.[2..4;9]", "127.0.0.9", true),
            ("127.0.0.[2..4;9]", "127.0.0.5", false),
        ] {
            assert_eq!(matches_filter(filter, addr.parse().unwrap()), yes, "{filter} {addr}");
        }
    }
}
