//! Which domains are this machine's own (`resolve_local(3)`): `mydestination`, and the addresses
//! of its interfaces as domain literals.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::LookupError;
use super::cidr::parse_addr;
use super::match_list::{MatchList, Subject};
use crate::host::Host;
use crate::mta::postfix::config::{Fatal, Params};

/// The names and addresses that mean this machine.
#[derive(Clone, Debug)]
pub struct LocalNames {
    /// `myorigin`.
    pub myorigin: SmolStr,
    mydestination: MatchList,
    addrs: Vec<IpAddr>,
}

impl LocalNames {
    /// Reads `mydestination`, `inet_interfaces` and `proxy_interfaces`.
    ///
    /// # Errors
    /// A list is malformed.
    pub fn load(params: &Params<'_>) -> Result<LocalNames, Fatal> {
        let own = params.config().facts.interfaces.iter().map(|interface| interface.addr);
        let mut addrs: Vec<IpAddr> = Vec::new();
        for name in params.list("inet_interfaces") {
            match name.as_str() {
                "all" => addrs.extend(own.clone()),
                "loopback-only" | "localhost" => addrs.extend(own.clone().filter(IpAddr::is_loopback)),
                other => addrs.extend(parse_addr(other.trim_matches(['[', ']']))),
            }
        }
        addrs.extend(
            params.list("proxy_interfaces").iter().filter_map(|name| parse_addr(name.trim_matches(['[', ']']))),
        );
        Ok(LocalNames { myorigin: params.get("myorigin"), mydestination: params.match_list("mydestination")?, addrs })
    }

    /// Whether mail for a domain is delivered here by the local transport.
    ///
    /// # Errors
    /// A table of `mydestination` cannot be read.
    pub fn contains(&self, domain: &str, host: &Host) -> Result<bool, LookupError> {
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        if self.mydestination.matches(Subject::String(domain), host)?.is_some() {
            return Ok(true);
        }
        Ok(literal(domain).is_some_and(|addr| self.addrs.contains(&addr)))
    }

    /// Where `mydestination` lists a domain, for explanations.
    ///
    /// # Errors
    /// A table of `mydestination` cannot be read.
    pub fn listed(&self, domain: &str, host: &Host) -> Result<Option<super::Match>, LookupError> {
        self.mydestination.matches(Subject::String(domain), host)
    }
}

/// The address of a domain literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
fn literal(domain: &str) -> Option<IpAddr> {
    let inner = domain.strip_prefix('[')?.strip_suffix(']')?;
    let tag = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    parse_addr(tag.map_or(inner, |tag| &inner[tag.len()..]))
}
