//! TLS as Postfix's client sees it: security levels, policies, certificates, log texts.

mod verify;

use std::fmt;

use smol_str::{SmolStr, format_smolstr};

use crate::host::Host;
pub use crate::host::tls::{Certificate, Key, TrustStore, certificate};
use crate::mta::postfix::maps::LookupError;
use crate::mta::postfix::smtp::conf::TlsConf;
pub use verify::{Verdict, verify};

/// `smtp_tls_security_level`, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in TLS_README")]
pub enum Level {
    #[default]
    None,
    May,
    Dane,
    Encrypt,
    DaneOnly,
    Fingerprint,
    Verify,
    Secure,
}

impl Level {
    /// Reads a level's name.
    pub fn parse(name: &str) -> Option<Level> {
        Some(match name.to_ascii_lowercase().as_str() {
            "none" => Level::None,
            "may" => Level::May,
            "dane" => Level::Dane,
            "encrypt" => Level::Encrypt,
            "dane-only" => Level::DaneOnly,
            "fingerprint" => Level::Fingerprint,
            "verify" => Level::Verify,
            "secure" => Level::Secure,
            _ => return None,
        })
    }

    /// The name in main.cf.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::May => "may",
            Level::Dane => "dane",
            Level::Encrypt => "encrypt",
            Level::DaneOnly => "dane-only",
            Level::Fingerprint => "fingerprint",
            Level::Verify => "verify",
            Level::Secure => "secure",
        }
    }

    /// Whether mail is not sent without TLS.
    pub fn is_required(self) -> bool {
        self >= Level::Encrypt
    }

    /// Whether the certificate must be the right one.
    pub fn must_match(self) -> bool {
        self >= Level::Fingerprint
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is demanded of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The level.
    pub level: Level,
    /// Names that the certificate may have, `.example.com` for any subdomain; at the level
    /// `fingerprint` the digests.
    pub names: Vec<SmolStr>,
    /// TLS at once, without STARTTLS.
    pub wrapper: bool,
    /// What is wrong with the configuration, but not fatal.
    pub warning: Option<String>,
}

/// Why there is no policy for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// What is logged.
    pub warnings: Vec<String>,
    /// The reason in reports.
    pub reason: &'static str,
}

impl From<LookupError> for PolicyError {
    fn from(error: LookupError) -> PolicyError {
        PolicyError { warnings: error.warnings, reason: CONFIGURATION }
    }
}

const CONFIGURATION: &str = "client TLS configuration problem";

impl Policy {
    /// No TLS.
    pub fn none() -> Policy {
        Policy::default()
    }

    /// The policy for a next hop and one of its servers: `smtp_tls_policy_maps`, else the level of
    /// the service.
    ///
    /// # Errors
    /// The table can not be used, or holds an unknown level.
    pub fn of(conf: &TlsConf, nexthop: &str, server: &str, host: &Host) -> Result<Policy, PolicyError> {
        let mut level = conf.level;
        let mut names = None;
        if !conf.policy.is_empty()
            && let Some(entry) = find(conf, nexthop, host)?
        {
            let mut words = entry.split([' ', '\t', ',']).filter(|word| !word.is_empty());
            let name = words.next().unwrap_or_default();
            level = Level::parse(name)
                .ok_or_else(|| invalid(nexthop, server, &format!("invalid security level \"{name}\"")))?;
            for word in words {
                match word.split_once('=') {
                    Some(("match", value)) => {
                        names.get_or_insert_with(Vec::new).extend(value.split(':').map(SmolStr::from));
                    }
                    Some(("protocols" | "ciphers" | "exclude" | "tafile" | "servername" | "connection_reuse", _)) => {}
                    Some((name, _)) => {
                        return Err(invalid(nexthop, server, &format!("invalid attribute name: \"{name}\"")));
                    }
                    None => {
                        return Err(invalid(nexthop, server, &format!("malformed attribute/value pair \"{word}\"")));
                    }
                }
            }
        }
        let mut warning = None;
        if matches!(level, Level::Dane | Level::DaneOnly) {
            (level, warning) = without_dnssec(level, conf, nexthop, server)?;
        }
        let domain = nexthop.trim_start_matches('[').split([']', ':']).next().unwrap_or_default();
        let wanted = match level {
            Level::Secure => names.unwrap_or_else(|| conf.secure_match.clone()),
            Level::Verify => names.unwrap_or_else(|| conf.verify_match.clone()),
            Level::Fingerprint => names.unwrap_or_default(),
            Level::None | Level::May | Level::Dane | Level::Encrypt | Level::DaneOnly => Vec::new(),
        };
        let names = wanted
            .into_iter()
            .map(|name| match name.as_str() {
                "hostname" => server.into(),
                "nexthop" => domain.into(),
                "dot-nexthop" => format_smolstr!(".{domain}"),
                _ => name,
            })
            .collect();
        Ok(Policy { level, names, wrapper: conf.wrapper && level.is_required(), warning })
    }
}

/// DANE without DNSSEC, which no zone here has (RFC 7672, section 2.1): `dane` is then `may`, and
/// `dane-only` sends nothing.
fn without_dnssec(
    level: Level,
    conf: &TlsConf,
    nexthop: &str,
    server: &str,
) -> Result<(Level, Option<String>), PolicyError> {
    let disabled = (!conf.dnssec).then(|| format!("{nexthop}: {level} configured with dnssec lookups disabled"));
    if level == Level::Dane {
        return Ok((Level::May, disabled));
    }
    let reason = if conf.dnssec { "non DNSSEC destination" } else { CONFIGURATION };
    let lookup = format!("TLS policy lookup for {nexthop}/{server}: {reason}");
    Err(PolicyError { warnings: disabled.into_iter().chain([lookup]).collect(), reason })
}

fn invalid(nexthop: &str, server: &str, what: &str) -> PolicyError {
    PolicyError {
        reason: CONFIGURATION,
        warnings: vec![
            format!("smtp_tls_policy_maps, next-hop destination \"{nexthop}\": {what}"),
            format!("TLS policy lookup for {nexthop}/{server}: client TLS configuration problem"),
        ],
    }
}

/// The next hop itself, then its parent domains with a leading dot.
fn find(conf: &TlsConf, nexthop: &str, host: &Host) -> Result<Option<SmolStr>, LookupError> {
    if let Some(found) = conf.policy.find(nexthop, host)? {
        return Ok(Some(found.value));
    }
    if nexthop.starts_with('[') {
        return Ok(None);
    }
    let mut rest = nexthop;
    while let Some(dot) = rest.get(1..).and_then(|tail| tail.find('.')) {
        rest = &rest[dot + 1..];
        if let Some(found) = conf.policy.find(rest, host)? {
            return Ok(Some(found.value));
        }
    }
    Ok(None)
}

/// `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519
/// server-signature ECDSA (prime256v1) server-digest SHA256`.
pub fn summary(version: &str, cipher: &str, bits: u16, key: Option<&str>) -> String {
    let mut text = format!("{version} with cipher {cipher} ({bits}/{bits} bits)");
    if version == "TLSv1.3" {
        text.push_str(" key-exchange X25519");
        if let Some(key) = key {
            text.push_str(&format!(" server-signature {key} server-digest SHA256"));
        }
    }
    text
}
