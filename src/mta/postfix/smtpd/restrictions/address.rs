//! Restrictions about HELO name, sender and recipient.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::evaluate::Evaluation;
use super::{Flow, List, Rejection, Restriction, Subject};
use crate::dns::Qtype;
use crate::dns::lookup::Outcome;
use crate::mta::postfix::smtpd::lists;
use crate::mta::postfix::trivial_rewrite::Class;
use crate::mta::postfix::verify::Status;
use crate::smtp::path::{is_domain, parse_address_literal};

impl Evaluation<'_, '_, '_> {
    /// Evaluates a restriction about the envelope or the HELO name.
    pub(super) fn envelope_rule(&mut self, restriction: &Restriction, list: List) -> Result<Flow, Flow> {
        let codes = &self.checks.codes;
        let helo = self.facts.helo.filter(|name| !name.is_empty());
        let sender = self.facts.sender.filter(|sender| !sender.is_empty());
        let recipient = self.facts.recipient.filter(|recipient| !recipient.is_empty());
        match restriction {
            Restriction::PermitNakedIpAddress => {
                Ok(helo.filter(|name| name.parse::<IpAddr>().is_ok()).map_or(Flow::Dunno, |_| Flow::Ok))
            }
            Restriction::RejectInvalidHelo => Ok(helo.map_or(Flow::Dunno, |name| match literal(name) {
                Some(true) => Flow::Dunno,
                Some(false) => self.refuse(codes.invalid_hostname, "5.5.2", name, Subject::Helo, "invalid ip address"),
                None if name.parse::<IpAddr>().is_ok() || is_hostname(name.strip_suffix('.').unwrap_or(name)) => {
                    Flow::Dunno
                }
                None => self.refuse(codes.invalid_hostname, "5.5.2", name, Subject::Helo, "Invalid name"),
            })),
            Restriction::RejectNonFqdnHelo => Ok(helo.map_or(Flow::Dunno, |name| {
                let bare = name.strip_suffix('.').unwrap_or(name);
                match literal(name) {
                    Some(_) => Flow::Dunno,
                    None if is_hostname(bare) && bare.contains('.') => Flow::Dunno,
                    None => self.refuse(codes.non_fqdn, "5.5.2", name, Subject::Helo, "need fully-qualified hostname"),
                }
            })),
            Restriction::RejectUnknownHelo => match helo {
                Some(name) if literal(name).is_none() => self.unknown_helo(name),
                _ => Ok(Flow::Dunno),
            },
            Restriction::RejectNonFqdnSender => {
                Ok(sender.map_or(Flow::Dunno, |address| self.non_fqdn(address, Subject::Sender)))
            }
            Restriction::RejectNonFqdnRecipient => {
                Ok(recipient.map_or(Flow::Dunno, |address| self.non_fqdn(address, Subject::Recipient)))
            }
            Restriction::RejectUnknownSenderDomain => match sender {
                Some(address) => self.unknown_domain(address, Subject::Sender),
                None => Ok(Flow::Dunno),
            },
            Restriction::RejectUnknownRecipientDomain => match recipient {
                Some(address) => self.unknown_domain(address, Subject::Recipient),
                None => Ok(Flow::Dunno),
            },
            Restriction::RejectUnlistedSender if sender.is_some() => self.unlisted_sender(),
            Restriction::RejectUnlistedRecipient if recipient.is_some() => self.unlisted_recipient(),
            Restriction::RejectUnverifiedSender => match sender {
                Some(address) => self.unverified(address, Subject::Sender),
                None => Ok(Flow::Dunno),
            },
            Restriction::RejectUnverifiedRecipient => match recipient {
                Some(address) => self.unverified(address, Subject::Recipient),
                None => Ok(Flow::Dunno),
            },
            Restriction::RejectSenderLoginMismatch
            | Restriction::RejectAuthenticatedSenderLoginMismatch
            | Restriction::RejectUnauthenticatedSenderLoginMismatch
            | Restriction::RejectKnownSenderLoginMismatch => match sender {
                Some(address) => self.login_mismatch(restriction, address),
                None => Ok(Flow::Dunno),
            },
            Restriction::RejectUnauthDestination => match recipient {
                Some(address) => self.relay(address, codes.relay_domains, "5.7.1"),
                None => Ok(Flow::Dunno),
            },
            Restriction::DeferUnauthDestination => match recipient {
                Some(address) => self.relay(address, codes.relay_domains.saturating_sub(100), "4.7.1"),
                None => Ok(Flow::Dunno),
            },
            Restriction::PermitAuthDestination => match recipient {
                Some(address) => self.auth_destination(address),
                None => Ok(Flow::Dunno),
            },
            Restriction::PermitMxBackup => match recipient {
                Some(address) => self.mx_backup(address),
                None => Ok(Flow::Dunno),
            },
            Restriction::RejectMultiRecipientBounce
                if self.facts.sender == Some("") && self.facts.recipients > 1 && list != List::Recipient =>
            {
                let name = self.input(list);
                let subject = self.subject(list);
                let code = codes.multi_recipient_bounce;
                Ok(self.refuse(code, "5.5.3", &name, subject, "Multi-recipient bounce"))
            }
            Restriction::RejectUnauthPipelining if self.facts.bad_pipelining => {
                let name = self.input(list);
                let text = "Improper use of SMTP command pipelining";
                Ok(self.refuse(503, "5.5.0", &name, self.subject(list), text))
            }
            _ => Ok(Flow::Dunno),
        }
    }

    fn unknown_helo(&mut self, name: &str) -> Result<Flow, Flow> {
        let types = [Qtype::A, Qtype::Aaaa, Qtype::Mx];
        let code = self.checks.codes.unknown_hostname;
        // Not asked for: the resolver takes no name with a final dot.
        if name.ends_with('.') {
            return Ok(self.refuse(code, "4.7.1", name, Subject::Helo, "Host not found"));
        }
        Ok(match self.lookups.dns_any(name, &types)? {
            Some(lookup) if lookup.outcome == Outcome::Found => Flow::Dunno,
            Some(_) => {
                let text = format!("<{name}>: Helo command rejected: Host not found");
                self.run.defer_if_permit(Rejection::policy(450, "4.7.1", text))
            }
            None => self.refuse(code, "4.7.1", name, Subject::Helo, "Host not found"),
        })
    }

    fn non_fqdn(&self, address: &str, subject: Subject) -> Flow {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        if domain.starts_with('[') && domain.ends_with(']') || is_domain(domain) && domain.contains('.') {
            return Flow::Dunno;
        }
        self.refuse(self.checks.codes.non_fqdn, "5.5.2", address, subject, "need fully-qualified address")
    }

    fn unknown_domain(&mut self, address: &str, subject: Subject) -> Result<Flow, Flow> {
        let sender = self.facts.sender.unwrap_or_default();
        let resolved = self.lookups.resolve_or_retry(if subject == Subject::Sender { "" } else { sender }, address)?;
        let Some((_, domain)) = resolved.recipient.rsplit_once('@') else { return Ok(Flow::Dunno) };
        if is_final(resolved.class) || domain.starts_with('[') {
            return Ok(Flow::Dunno);
        }
        let is_sender = subject == Subject::Sender;
        let mx = self.lookups.dns(domain, Qtype::Mx)?;
        if mx.exchangers().any(|(_, exchange)| exchange == "." || exchange.is_empty()) {
            let (code, dsn) = if is_sender { (550, "5.7.27") } else { (556, "5.1.10") };
            let text = format!("Domain {domain} does not accept mail (nullMX)");
            return Ok(self.refuse(code, dsn, address, subject, &text));
        }
        let dsn = if is_sender { "4.1.8" } else { "4.1.2" };
        Ok(match self.lookups.dns_any(domain, &[Qtype::Mx, Qtype::A, Qtype::Aaaa])? {
            Some(lookup) if lookup.outcome == Outcome::Found => Flow::Dunno,
            Some(_) => {
                let text = format!("<{address}>: {} rejected: Domain not found", subject.class());
                self.run.defer_if_permit(Rejection::policy(450, dsn, text))
            }
            None => self.refuse(self.checks.codes.unknown_address, dsn, address, subject, "Domain not found"),
        })
    }

    fn unverified(&mut self, address: &str, subject: Subject) -> Result<Flow, Flow> {
        let (status, why) = self.lookups.verified(address)?;
        let codes = &self.checks.codes;
        let is_sender = subject == Subject::Sender;
        let (reject, defer, reason) = if is_sender {
            (codes.unverified_sender_reject, codes.unverified_sender_defer, &self.checks.unverified_sender_reason)
        } else {
            (
                codes.unverified_recipient_reject,
                codes.unverified_recipient_defer,
                &self.checks.unverified_recipient_reason,
            )
        };
        let detail = match why.split_once(' ') {
            Some((_, text)) if crate::smtp::reply::enhanced_prefix(&why).is_some() => text,
            _ => why.as_str(),
        };
        let dsn = if is_sender { "4.1.7" } else { "4.1.1" };
        let code = match status {
            Status::Deliverable => return Ok(Flow::Dunno),
            Status::Undeliverable => reject,
            Status::Unknown | Status::Deferred => defer,
        };
        let kind = if code >= 500 { "undeliverable" } else { "unverified" };
        let detail = if reason.is_empty() { detail } else { reason.as_str() };
        let text = format!("<{address}>: {} rejected: {kind} address: {detail}", subject.class());
        let rejection = Rejection::policy(code, dsn, text);
        Ok(if code >= 500 { rejection.into() } else { self.run.defer_if_permit(rejection) })
    }

    fn login_mismatch(&mut self, restriction: &Restriction, address: &str) -> Result<Flow, Flow> {
        let resolved = self.lookups.resolve_or_retry("", address)?;
        let host = &*self.lookups.ctx.host;
        let found = lists::find_address(&self.checks.sender_login_maps, &resolved.recipient, &self.checks.finder, host);
        let owners = super::lookup::or_retry(found, address, self.run)?;
        self.run.entry = owners.as_ref().and_then(|found| found.source.clone());
        let login = self.facts.login;
        let authenticated_rule = matches!(
            restriction,
            Restriction::RejectSenderLoginMismatch | Restriction::RejectAuthenticatedSenderLoginMismatch
        );
        let unauthenticated_rule = matches!(
            restriction,
            Restriction::RejectSenderLoginMismatch | Restriction::RejectUnauthenticatedSenderLoginMismatch
        );
        let known_rule = matches!(restriction, Restriction::RejectKnownSenderLoginMismatch);
        let owned = owners.as_ref().is_some_and(|found| {
            found
                .value
                .split([',', ' ', '\t'])
                .any(|owner| login.is_some_and(|login| owner.eq_ignore_ascii_case(login)))
        });
        let text = match (login, &owners) {
            (Some(_), _) if owned => return Ok(Flow::Dunno),
            (Some(login), Some(_)) if authenticated_rule || known_rule => format!("not owned by user {login}"),
            (Some(login), None) if authenticated_rule => format!("not owned by user {login}"),
            (None, Some(_)) if unauthenticated_rule || known_rule => "not logged in".to_owned(),
            _ => return Ok(Flow::Dunno),
        };
        Ok(self.refuse(553, "5.7.1", address, Subject::Sender, &text))
    }

    pub(super) fn auth_destination(&mut self, address: &str) -> Result<Flow, Flow> {
        let sender = self.facts.sender.unwrap_or_default();
        let resolved = self.lookups.resolve_or_retry(sender, address)?;
        if !resolved.recipient.contains('@') {
            return Ok(Flow::Ok);
        }
        if resolved.routed && !self.checks.allow_untrusted_routing {
            return Ok(Flow::Dunno);
        }
        Ok(if is_final(resolved.class) || resolved.class == Class::Relay { Flow::Ok } else { Flow::Dunno })
    }

    fn relay(&mut self, address: &str, code: u16, dsn: &str) -> Result<Flow, Flow> {
        Ok(match self.auth_destination(address)? {
            Flow::Ok => Flow::Dunno,
            _ => Rejection::policy(code, dsn, format!("<{address}>: Relay access denied")).into(),
        })
    }

    fn mx_backup(&mut self, address: &str) -> Result<Flow, Flow> {
        if let Flow::Ok = self.auth_destination(address)? {
            return Ok(Flow::Ok);
        }
        let sender = self.facts.sender.unwrap_or_default();
        let resolved = self.lookups.resolve_or_retry(sender, address)?;
        let Some((_, domain)) = resolved.recipient.rsplit_once('@') else { return Ok(Flow::Ok) };
        if resolved.routed && !self.checks.allow_untrusted_routing || domain.starts_with('[') {
            return Ok(Flow::Dunno);
        }
        let mx = self.lookups.dns(domain, Qtype::Mx)?;
        let exchangers: Vec<(u16, SmolStr)> = match mx.outcome {
            Outcome::Found => mx.exchangers().map(|(preference, name)| (preference, name.clone())).collect(),
            Outcome::NoData | Outcome::NxDomain => vec![(0, domain.into())],
            Outcome::ServFail | Outcome::Timeout => {
                let text =
                    format!("<{address}>: Recipient address rejected: Unable to look up mail exchanger information");
                return Ok(self.run.defer_if_reject(Rejection::policy(450, "4.4.4", text)));
            }
        };
        let best = exchangers.iter().map(|(preference, _)| *preference).min().unwrap_or_default();
        let mut mine = false;
        let mut primary_permitted = self.checks.permit_mx_backup_networks.is_none();
        for (preference, name) in &exchangers {
            let lookup = self.lookups.dns_any(name, &[Qtype::A, Qtype::Aaaa])?;
            let addrs: Vec<IpAddr> = lookup.iter().flat_map(|lookup| lookup.addresses()).collect();
            let host = &*self.lookups.ctx.host;
            mine |= *name == self.checks.myhostname || addrs.iter().any(|addr| host.owns(*addr));
            if let (Some(networks), true) = (&self.checks.permit_mx_backup_networks, *preference == best) {
                primary_permitted |= addrs.iter().any(|addr| {
                    lists::client_matches(networks, name, &addr.to_string(), host).is_ok_and(|m| m.is_some())
                });
            }
        }
        Ok(if mine && primary_permitted { Flow::Ok } else { Flow::Dunno })
    }
}

/// Whether mail of this class ends on this host (`RESOLVE_CLASS_FINAL`).
fn is_final(class: Class) -> bool {
    matches!(class, Class::Local | Class::VirtualAlias | Class::VirtualMailbox)
}

/// Whether a name has the form of a host name and is not all digits (`valid_hostname`).
fn is_hostname(name: &str) -> bool {
    is_domain(name) && !name.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.')
}

/// Whether a HELO name is an address literal or a bare address, and if so whether it is valid.
fn literal(name: &str) -> Option<bool> {
    if let Some(inner) = name.strip_prefix('[') {
        return Some(inner.strip_suffix(']').is_some_and(|inner| parse_address_literal(inner).is_some()));
    }
    None
}
