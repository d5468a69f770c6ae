//! XCLIENT and XFORWARD: what a trusted client says about another one (XCLIENT_README,
//! XFORWARD_README).

use std::net::IpAddr;

use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::address::xtext_decode;
use super::commands::{error, ok};
use super::lists;
use super::peer::NameStatus;
use super::restrictions::ErrorClass;
use super::session::{Pending, Session};
use crate::host::{Ctx, Host};
use crate::mta::postfix::services::Services;
use crate::smtp::command::Word;
use crate::smtp::path::is_domain;
use crate::smtp::server::Answer;

/// What stands for a value that the client does not have.
const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// What stands for a name that cannot be looked up now.
const TEMPUNAVAIL: &str = "[TEMPUNAVAIL]";
/// Longest value.
const MAX_VALUE: usize = 255;

/// What XFORWARD has said about the client that the message comes from. It holds for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// Whether anything about the client was said, and not only `IDENT` or `SOURCE`.
    pub about_client: bool,
    /// Its name, or `unknown`.
    pub name: SmolStr,
    /// Its address, or `unknown`.
    pub addr: SmolStr,
    /// Its port, or `unknown`.
    pub port: SmolStr,
    /// `SMTP`, `ESMTP` …
    pub protocol: SmolStr,
    /// Its HELO argument.
    pub helo: SmolStr,
    /// The queue id at the host that forwards.
    pub ident: SmolStr,
    /// `SOURCE`: whether the message is from within the site.
    pub local: Option<bool>,
}

impl Forwarded {
    /// The client as the log names it.
    pub fn namaddr(&self) -> SmolStr {
        match (self.name.as_str(), self.addr.as_str()) {
            ("unknown", "unknown") => self.name.clone(),
            (name, addr) => format_smolstr!("{name}[{addr}]"),
        }
    }
}

impl Default for Forwarded {
    fn default() -> Forwarded {
        let unknown = SmolStr::new_static("unknown");
        Forwarded {
            about_client: false,
            name: unknown.clone(),
            addr: unknown.clone(),
            port: unknown.clone(),
            protocol: unknown,
            helo: SmolStr::default(),
            ident: SmolStr::default(),
            local: None,
        }
    }
}

/// Which of the two commands the present client may use
/// (`smtpd_authorized_xclient_hosts`, `smtpd_authorized_xforward_hosts`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Authorized {
    pub xclient: bool,
    /// `XVERP` at MAIL (`smtpd_authorized_verp_clients`).
    pub verp: bool,
    pub xforward: bool,
}

fn bad(name: &str, value: &str) -> Answer {
    error(501, format!("5.5.4 Bad {name} syntax: {value}"))
}

/// The name and the value of an attribute, or its refusal.
fn attribute(word: &Word<'_>) -> Result<(String, String), Answer> {
    let Some((name, value)) = word.text.split_once('=') else {
        return Err(error(501, "5.5.4 Error: attribute=value expected"));
    };
    if value.len() > MAX_VALUE {
        return Err(error(501, "5.5.4 Error: attribute value too long"));
    }
    // What is no xtext is taken as it stands.
    let value = xtext_decode(value).unwrap_or_else(|| value.to_owned());
    let value = value.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Ok((name.to_ascii_uppercase(), value))
}

/// Characters that could be taken for syntax in a header or a log line are replaced.
fn neuter(text: &str) -> SmolStr {
    text.chars().map(|c| if "<>()\\\",;@".contains(c) { '?' } else { c }).collect::<String>().into()
}

/// A host name; `None` if it is unavailable.
fn name(attribute: &str, value: &str) -> Result<(Option<SmolStr>, NameStatus), Answer> {
    match value.to_ascii_uppercase().as_str() {
        UNAVAILABLE => Ok((None, NameStatus::Permanent)),
        TEMPUNAVAIL => Ok((None, NameStatus::Temporary)),
        _ if is_domain(value) => Ok((Some(value.into()), NameStatus::Ok)),
        _ => Err(bad(attribute, value)),
    }
}

/// An address as in a literal: `192.0.2.1`, or `IPv6:2001:db8::1` if Postfix speaks IPv6. `None` if
/// it is unavailable.
fn address(attribute: &str, value: &str, ipv6: bool) -> Result<Option<IpAddr>, Answer> {
    if value.eq_ignore_ascii_case(UNAVAILABLE) {
        return Ok(None);
    }
    let parsed = match value.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("ipv6:") => {
            value.get(5..).filter(|_| ipv6).and_then(|rest| rest.parse().ok()).map(IpAddr::V6)
        }
        _ => value.parse().ok().map(IpAddr::V4),
    };
    parsed.map(Some).ok_or_else(|| bad(attribute, value))
}

/// A port in digits. `None` if it is unavailable.
fn port(attribute: &str, value: &str) -> Result<Option<SmolStr>, Answer> {
    if value.eq_ignore_ascii_case(UNAVAILABLE) {
        return Ok(None);
    }
    let digits = !value.is_empty() && value.len() <= 5 && value.bytes().all(|octet| octet.is_ascii_digit());
    if digits { Ok(Some(value.into())) } else { Err(bad(attribute, value)) }
}

impl Session {
    /// Finds out which of the two commands the client may use.
    pub(super) fn authorize(&mut self, host: &Host) {
        self.authorized.xclient = self.is_client_of(&self.conf.xclient_hosts, host);
        self.authorized.verp = self.is_client_of(&self.conf.verp_clients, host);
        self.authorized.xforward = self.is_client_of(&self.conf.xforward_hosts, host);
    }

    fn is_client_of(&self, list: &crate::mta::postfix::maps::MatchList, host: &Host) -> bool {
        !list.is_empty() && matches!(lists::client_matches(list, &self.peer.name, &self.peer.addr, host), Ok(Some(_)))
    }

    /// What holds for both commands, before their attributes are looked at.
    fn override_refused(&mut self, words: &[Word<'_>], syntax: &'static str, permitted: bool) -> Option<Answer> {
        let refusal = if self.transaction.is_some() {
            error(503, "5.5.1 Error: MAIL transaction in progress")
        } else if words.len() < 2 {
            error(501, syntax)
        } else if !permitted {
            error(550, "5.7.0 Error: insufficient authorization")
        } else {
            return None;
        };
        self.errors_seen.push(if permitted { ErrorClass::Protocol } else { ErrorClass::Policy });
        Some(refusal)
    }

    /// XCLIENT: the session goes on as if another client had just connected.
    pub(super) fn xclient(&mut self, words: &[Word<'_>], services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let syntax = "5.5.4 Syntax: XCLIENT attribute=value...";
        if let Some(refusal) = self.override_refused(words, syntax, self.authorized.xclient) {
            return Some(refusal);
        }
        // The other client has not said HELO yet.
        let helo = self.helo.take();
        let esmtp = std::mem::take(&mut self.esmtp);
        for word in words.iter().skip(1) {
            if let Err(refusal) = self.xclient_attribute(word) {
                self.errors_seen.push(ErrorClass::Protocol);
                (self.helo, self.esmtp) = (helo, esmtp);
                return Some(refusal);
            }
        }
        self.peer.namaddr = format_smolstr!("{}[{}]", self.peer.name, self.peer.addr);
        // The client that it claims to be must be allowed to claim again.
        self.authorized.xclient = self.is_client_of(&self.conf.xclient_hosts, ctx.host);
        // What follows is a greeting and no reply, so the command never counts as done.
        self.count(false);
        self.denied = false;
        self.stage = "CONNECT";
        self.run(Pending::Connect, services, ctx)
    }

    fn xclient_attribute(&mut self, word: &Word<'_>) -> Result<(), Answer> {
        let unknown = || SmolStr::new_static("unknown");
        let ipv6 = self.conf.ipv6;
        let (attribute, value) = attribute(word)?;
        let peer = &mut self.peer;
        match attribute.as_str() {
            "NAME" => {
                let (name, status) = name(&attribute, &value)?;
                if let Some(name) = &name {
                    peer.reverse_name = name.clone();
                    peer.reverse_status = status;
                }
                peer.name = name.unwrap_or_else(unknown);
                peer.status = status;
            }
            "REVERSE_NAME" => {
                let (name, status) = name(&attribute, &value)?;
                peer.reverse_name = name.unwrap_or_else(unknown);
                peer.reverse_status = status;
            }
            "ADDR" => match address(&attribute, &value, ipv6)? {
                Some(ip) => peer.set_address(ip),
                None => {
                    peer.addr = unknown();
                    peer.rfc_addr = unknown();
                }
            },
            "PORT" => peer.port = port(&attribute, &value)?.and_then(|port| port.parse().ok()).unwrap_or(0),
            "HELO" if value.eq_ignore_ascii_case(UNAVAILABLE) => self.helo = None,
            "HELO" => self.helo = Some(neuter(&value)),
            "PROTO" => match value.to_ascii_uppercase().as_str() {
                "SMTP" => self.esmtp = false,
                "ESMTP" => self.esmtp = true,
                _ => return Err(bad(&attribute, &value)),
            },
            "LOGIN" if value.eq_ignore_ascii_case(UNAVAILABLE) => self.login = None,
            "LOGIN" => self.login = Some((SmolStr::new_static("XCLIENT"), value.into())),
            "DESTADDR" => {
                self.server_addr = Some(address(&attribute, &value, ipv6)?.map_or_else(unknown, |ip| ip.to_smolstr()));
            }
            "DESTPORT" => self.server_port = Some(port(&attribute, &value)?.unwrap_or_else(unknown)),
            _ => return Err(error(501, format!("5.5.4 Bad XCLIENT attribute name: {attribute}"))),
        }
        Ok(())
    }

    /// XFORWARD: where the next message comes from, for logs and headers.
    pub(super) fn xforward(&mut self, words: &[Word<'_>]) -> Answer {
        let syntax = "5.5.4 Syntax: XFORWARD attribute=value...";
        if let Some(refusal) = self.override_refused(words, syntax, self.authorized.xforward) {
            return refusal;
        }
        for word in words.iter().skip(1) {
            if let Err(refusal) = self.xforward_attribute(word) {
                self.errors_seen.push(ErrorClass::Protocol);
                return refusal;
            }
        }
        ok(250, "2.0.0 Ok")
    }

    fn xforward_attribute(&mut self, word: &Word<'_>) -> Result<(), Answer> {
        let (attribute, value) = attribute(word)?;
        let unavailable = value.eq_ignore_ascii_case(UNAVAILABLE);
        let unknown = || SmolStr::new_static("unknown");
        let ipv6 = self.conf.ipv6;
        let forwarded = self.forwarded.get_or_insert_default();
        match attribute.as_str() {
            "NAME" => forwarded.name = name(&attribute, &value)?.0.unwrap_or_else(unknown),
            "ADDR" => forwarded.addr = address(&attribute, &value, ipv6)?.map_or_else(unknown, |ip| ip.to_smolstr()),
            "PORT" => forwarded.port = port(&attribute, &value)?.unwrap_or_else(unknown),
            "HELO" if unavailable => forwarded.helo = SmolStr::default(),
            "HELO" => forwarded.helo = neuter(&value),
            "PROTO" if value.len() > 64 => return Err(bad(&attribute, &value)),
            "PROTO" => forwarded.protocol = if unavailable { unknown() } else { neuter(&value) },
            "IDENT" => forwarded.ident = if unavailable { SmolStr::default() } else { neuter(&value) },
            "SOURCE" => match value.to_ascii_uppercase().as_str() {
                "LOCAL" => forwarded.local = Some(true),
                "REMOTE" => forwarded.local = Some(false),
                UNAVAILABLE => forwarded.local = None,
                _ => return Err(bad(&attribute, &value)),
            },
            _ => return Err(error(501, format!("5.5.4 Bad XFORWARD attribute name: {attribute}"))),
        }
        forwarded.about_client |= !matches!(attribute.as_str(), "IDENT" | "SOURCE");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_in_literals() {
        for (value, expected) in [
            ("192.0.2.1", Some(Some("192.0.2.1"))),
            ("IPv6:2001:db8::1", Some(Some("2001:db8::1"))),
            ("[unavailable]", Some(None)),
            ("2001:db8::1", None),
            ("mail.example", None),
        ] {
            let found = address("ADDR", value, true).ok().map(|found| found.map(|ip| ip.to_string()));
            assert_eq!(found, expected.map(|ip| ip.map(str::to_owned)), "{value}");
        }
        assert!(address("ADDR", "IPv6:2001:db8::1", false).is_err());
    }

    #[test]
    fn values_are_decoded_and_bounded() {
        let parse = |text: &str| attribute(&crate::smtp::command::words(text)[0]);
        assert_eq!(parse("helo=a+2Eb").ok(), Some(("HELO".into(), "a.b".into())));
        assert!(parse("HELO").is_err());
        assert!(parse(&format!("HELO={}", "a".repeat(256))).is_err());
    }
}
