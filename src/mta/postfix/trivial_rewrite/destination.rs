//! Which domains are this system's own (`resolve_local.c`), and what a domain may look like.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smol_str::SmolStr;

use crate::host::Host;

/// The addresses that mail to `user@[address]` is accepted on.
#[derive(Clone, Debug, Default)]
pub struct OwnAddresses {
    all: bool,
    loopback: bool,
    listed: Vec<IpAddr>,
}

impl OwnAddresses {
    /// From the values of `inet_interfaces` and `proxy_interfaces`.
    pub fn load(inet_interfaces: &[SmolStr], proxy_interfaces: &[SmolStr], host: &Host) -> OwnAddresses {
        let mut own = OwnAddresses::default();
        for name in inet_interfaces {
            match name.as_str() {
                "all" => own.all = true,
                "loopback-only" | "localhost" => own.loopback = true,
                name if name == host.fqdn || name == host.hostname => own.listed.extend(&host.addrs),
                name => own.listed.extend(parse_address(name)),
            }
        }
        own.listed.extend(proxy_interfaces.iter().filter_map(|name| parse_address(name)));
        own
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr, host: &Host) -> bool {
        (self.all && host.owns(address)) || (self.loopback && address.is_loopback()) || self.listed.contains(&address)
    }
}

fn parse_address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// The address in a domain literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
pub fn literal(domain: &str) -> Option<IpAddr> {
    let inner = domain.strip_prefix('[')?.strip_suffix(']')?;
    match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner[5..].parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Whether a text can be a host name (`valid_hostname.c`); bare addresses cannot.
pub fn is_hostname(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii())
    };
    !name.is_empty()
        && name.len() <= 255
        && name.split('.').all(label)
        && !name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_from_addresses_and_nonsense() {
        for good in ["example.com", "mx1", "a_b.c", "münchen.example", "1.2.3.x"] {
            assert!(is_hostname(good), "{good}");
        }
        for bad in ["", ".", "a..b", "a.", "-a.b", "192.0.2.1", "a b", "a@b"] {
            assert!(!is_hostname(bad), "{bad}");
        }
        assert_eq!(literal("[192.0.2.1]"), Some(IpAddr::from([192, 0, 2, 1])));
        assert!(literal("[IPv6:2001:db8::1]").is_some());
        assert_eq!(literal("[2001:db8::1]"), None);
    }
}
