//! What is demanded of one server: the level of the service, or an entry of `smtp_tls_policy_maps`
//! (`smtp_tls_policy.c`).

use smol_str::{SmolStr, format_smolstr};

use super::{Level, protocols};
use crate::host::Host;
use crate::mta::postfix::maps::LookupError;
use crate::mta::postfix::smtp::conf::TlsConf;

/// What is demanded of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The level.
    pub level: Level,
    /// Names that the certificate may have, `.example.com` for any subdomain; at the level
    /// `fingerprint` the digests.
    pub names: Vec<SmolStr>,
    /// The versions of the protocol that may be used (`smtp_tls_protocols`,
    /// `smtp_tls_mandatory_protocols`, `protocols=`).
    pub protocols: SmolStr,
    /// The grade of the ciphers (`smtp_tls_ciphers`, `smtp_tls_mandatory_ciphers`, `ciphers=`).
    pub grade: SmolStr,
    /// How fingerprints are made (`smtp_tls_fingerprint_digest`).
    pub digest: SmolStr,
    /// TLS at once, without STARTTLS.
    pub wrapper: bool,
    /// What is wrong with the configuration, but not fatal.
    pub warnings: Vec<String>,
}

/// Why there is no policy for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// What is logged.
    pub warnings: Vec<String>,
    /// The reason in reports, if it is told there.
    pub reason: Option<&'static str>,
}

const CONFIGURATION: &str = "client TLS configuration problem";

/// An entry of the table, as far as it was read.
#[derive(Default)]
struct Entry {
    level: Option<Level>,
    names: Option<Vec<SmolStr>>,
    protocols: Option<SmolStr>,
    grade: Option<SmolStr>,
    exclude: Option<SmolStr>,
    servername: Option<SmolStr>,
    warnings: Vec<String>,
}

impl Policy {
    /// No TLS.
    pub fn none() -> Policy {
        Policy::default()
    }

    /// The policy for a next hop and one of its servers.
    ///
    /// # Errors
    /// The table can not be used, or its entry is wrong.
    pub fn of(conf: &TlsConf, nexthop: &str, server: &str, host: &Host) -> Result<Policy, PolicyError> {
        let lookup = format!("TLS policy lookup for {nexthop}/{server}: {CONFIGURATION}");
        let invalid = |mut warnings: Vec<String>| {
            warnings.push(lookup.clone());
            PolicyError { reason: Some(CONFIGURATION), warnings }
        };
        let title = format!("smtp_tls_policy_maps, next-hop destination \"{nexthop}\"");
        let mut entry = Entry::default();
        if !conf.policy.is_empty() {
            match find(conf, nexthop, host) {
                Ok(None) => {}
                Ok(Some(text)) => entry.read(&text).map_err(|what| invalid(vec![format!("{title}: {what}")]))?,
                Err(error) => {
                    let plain = |line: String| line.strip_prefix("warning: ").map(str::to_owned).unwrap_or(line);
                    let mut warnings: Vec<String> = error.warnings.into_iter().map(plain).collect();
                    warnings.push(format!("{title}: policy table lookup error"));
                    return Err(invalid(warnings));
                }
            }
        }
        let mut level = entry.level.unwrap_or(conf.level);
        let mut warnings: Vec<String> = entry.warnings.iter().map(|what| format!("{title}: {what}")).collect();
        if matches!(level, Level::Dane | Level::DaneOnly) {
            let warning;
            (level, warning) = without_dnssec(level, conf, nexthop, server)?;
            warnings.extend(warning);
        }
        if conf.wrapper && !level.is_required() {
            warnings
                .push("smtp_tls_wrappermode requires \"smtp_tls_security_level = encrypt\" (or stronger)".to_owned());
            return Err(PolicyError { reason: None, warnings });
        }
        let domain = nexthop.trim_start_matches('[').split([']', ':']).next().unwrap_or_default();
        let wanted = match level {
            Level::Secure => entry.names.unwrap_or_else(|| conf.secure_match.clone()),
            Level::Verify => entry.names.unwrap_or_else(|| conf.verify_match.clone()),
            Level::Fingerprint => entry.names.unwrap_or_else(|| conf.fingerprint_match.clone()),
            Level::None | Level::May | Level::Dane | Level::Encrypt | Level::DaneOnly => Vec::new(),
        };
        if level == Level::Fingerprint && wanted.is_empty() {
            let what = "configured at fingerprint security level, but with no fingerprints to match.";
            return Err(invalid(vec![format!("nexthop domain {nexthop}: {what}")]));
        }
        let names = wanted
            .into_iter()
            .map(|name| match name.as_str() {
                "hostname" => server.into(),
                "nexthop" => domain.into(),
                "dot-nexthop" => format_smolstr!(".{domain}"),
                _ => name,
            })
            .collect();
        let mandatory = usize::from(level.is_required());
        let [protocols, grade] = [entry.protocols, entry.grade];
        Ok(Policy {
            level,
            names,
            protocols: protocols.unwrap_or_else(|| conf.protocols[mandatory].clone()),
            grade: grade.unwrap_or_else(|| conf.ciphers[mandatory].clone()),
            digest: conf.fingerprint_digest.clone(),
            wrapper: conf.wrapper,
            warnings,
        })
    }

    /// The versions to offer, newest first.
    ///
    /// # Errors
    /// The settings make no sense; what is logged, after the server's name.
    pub fn versions(&self) -> Result<Vec<SmolStr>, String> {
        let Some(versions) = protocols::parse(&self.protocols) else {
            return Err(format!("Invalid TLS protocol list \"{}\": aborting TLS session", self.protocols));
        };
        if !protocols::is_grade(&self.grade) {
            return Err(format!("invalid cipher grade: \"{}\"", self.grade));
        }
        Ok(versions)
    }
}

impl Entry {
    /// Reads `LEVEL NAME=VALUE…`.
    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty());
        let Some(name) = words.next() else { return Err("invalid empty policy".to_owned()) };
        let level = Level::parse(name).ok_or_else(|| format!("invalid security level \"{name}\""))?;
        self.level = Some(level);
        if level == Level::None {
            let ignored = |word| format!("ignoring attribute \"{word}\" with TLS disabled");
            self.warnings.extend(words.map(ignored));
            return Ok(());
        }
        for word in words {
            let Some((name, value)) = word.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                return Err(format!("malformed attribute/value pair \"{word}\""));
            };
            self.attribute(level, &name.to_ascii_lowercase(), value)?;
        }
        Ok(())
    }

    fn attribute(&mut self, level: Level, name: &str, value: &str) -> Result<(), String> {
        let empty = || Err(format!("attribute \"{name}\" has empty value"));
        let misplaced = || Err(format!("attribute \"{name}\" invalid at security level \"{level}\""));
        let once = |slot: &mut Option<SmolStr>| match slot.replace(value.into()) {
            None => Ok(()),
            Some(_) => Err(format!("attribute \"{name}\" is specified multiple times")),
        };
        match name {
            "ciphers" if value.is_empty() => empty(),
            "ciphers" => once(&mut self.grade),
            "protocols" => once(&mut self.protocols),
            "exclude" => once(&mut self.exclude),
            "servername" => once(&mut self.servername),
            "match" if value.is_empty() => empty(),
            "match" => {
                let separator = match level {
                    Level::Fingerprint => '|',
                    Level::Verify | Level::Secure => ':',
                    Level::None | Level::May | Level::Dane | Level::Encrypt | Level::DaneOnly => return misplaced(),
                };
                self.names.get_or_insert_default().extend(value.split(separator).map(SmolStr::from));
                Ok(())
            }
            "tafile" if !matches!(level, Level::Verify | Level::Secure) => misplaced(),
            "tafile" if value.is_empty() => empty(),
            "tafile" => Ok(()),
            "connection_reuse" if !matches!(value, "yes" | "no") => {
                Err(format!("attribute \"{name}\" has bad value: \"{value}\""))
            }
            "connection_reuse" => Ok(()),
            _ => Err(format!("invalid attribute name: \"{name}\"")),
        }
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
    Err(PolicyError { warnings: disabled.into_iter().chain([lookup]).collect(), reason: Some(reason) })
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
