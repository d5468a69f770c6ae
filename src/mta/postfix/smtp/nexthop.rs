//! What a next hop looks like: `domain`, `[host]`, `domain:port`, `[address]:port`, `unix:path`,
//! `inet:host:port`.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::conf::port;

/// A next hop, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nexthop {
    /// A host or domain.
    Inet {
        /// The name or address without brackets.
        name: SmolStr,
        /// The port.
        port: u16,
        /// Whether mail exchangers are looked up: no for brackets and for LMTP.
        mx: bool,
    },
    /// A UNIX-domain socket, relative to the queue directory unless absolute.
    Unix(SmolStr),
}

/// Takes a next hop apart.
///
/// # Errors
/// The text after `fatal: ` with which smtp(8) dies: `valid hostname or network address required
/// in server description: #`.
pub fn parse(text: &str, lmtp: bool, default_port: u16) -> Result<Nexthop, String> {
    if lmtp && let Some(path) = text.strip_prefix("unix:") {
        return Ok(Nexthop::Unix(path.into()));
    }
    let rest = if lmtp { text.strip_prefix("inet:").unwrap_or(text) } else { text };
    let bad = || format!("valid hostname or network address required in server description: {rest}");
    let (name, service, mx) = if let Some(open) = rest.strip_prefix('[') {
        let missing = || format!("missing \"]\" in server description: {rest}");
        let (name, after) = open.split_once(']').ok_or_else(missing)?;
        (name, after.strip_prefix(':'), false)
    } else if lmtp && rest.parse::<IpAddr>().is_ok() {
        (rest, None, false)
    } else {
        match rest.split_once(':') {
            Some((name, service)) => (name, Some(service), !lmtp),
            None => (rest, None, !lmtp),
        }
    };
    let name = name.strip_prefix("IPv6:").unwrap_or(name);
    if name.is_empty() && !rest.starts_with('[') {
        return Err(format!("missing host information in server description: {rest}"));
    }
    if !is_host(name) {
        return Err(bad());
    }
    let port = match service {
        None | Some("") => default_port,
        Some(service) => port(service).ok_or_else(|| match service.bytes().all(|octet| octet.is_ascii_digit()) {
            true => format!("bad network port: {service} for destination: {rest}"),
            false => format!("unknown service: {service}/tcp"),
        })?,
    };
    Ok(Nexthop::Inet { name: name.into(), port, mx: mx && name.parse::<IpAddr>().is_err() })
}

fn is_host(name: &str) -> bool {
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet) || octet >= 0x80)
    };
    name.len() <= 255
        && name.split('.').all(label)
        && !name.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(name: &str, port: u16, mx: bool) -> Result<Nexthop, String> {
        Ok(Nexthop::Inet { name: name.into(), port, mx })
    }

    #[test]
    fn forms_of_next_hops() {
        assert_eq!(parse("example.net", false, 25), inet("example.net", 25, true));
        assert_eq!(parse("example.net:2525", false, 25), inet("example.net", 2525, true));
        assert_eq!(parse("[mail.example.net]", false, 25), inet("mail.example.net", 25, false));
        assert_eq!(parse("[203.0.113.9]:submission", false, 25), inet("203.0.113.9", 587, false));
        assert_eq!(parse("[IPv6:2001:db8::1]", false, 25), inet("2001:db8::1", 25, false));
        assert_eq!(parse("unix:private/lmtp", true, 24), Ok(Nexthop::Unix("private/lmtp".into())));
        assert_eq!(parse("inet:mda.example.net:2424", true, 24), inet("mda.example.net", 2424, false));
    }

    #[test]
    fn nonsense_is_fatal_in_the_words_of_the_program() {
        assert_eq!(
            parse("#", false, 25).unwrap_err(),
            "valid hostname or network address required in server description: #"
        );
        assert!(parse("[a.example", false, 25).is_err());
        assert!(parse("a.example:nope", false, 25).is_err());
    }
}
