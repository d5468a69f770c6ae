//! Reverse and forward paths: `<@relay,@other:"john doe"@example.com>` (RFC 5321, section 4.1.2;
//! RFC 6531 for names outside ASCII).

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smol_str::SmolStr;
use thiserror::Error;

/// Where mail comes from or goes to. The null reverse path `<>` has no mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Hosts of an obsolete source route, in order; to be ignored (RFC 5321, appendix C).
    pub route: Vec<SmolStr>,
    /// The mailbox.
    pub mailbox: Option<Mailbox>,
}

/// A mailbox. `local` is without quotes and backslashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Local part as meant.
    pub local: SmolStr,
    /// Domain; empty in `<postmaster>`.
    pub domain: Domain,
}

/// What stands to the right of the `@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Nothing: a local name such as `<postmaster>`.
    None,
    /// A domain name as written.
    Name(SmolStr),
    /// An address literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    Address(IpAddr),
    /// Another bracketed literal, as written between the brackets.
    Literal(SmolStr),
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// No angle brackets around it.
    #[error("path is not in angle brackets")]
    Brackets,
    /// Something is wrong with the source route.
    #[error("bad source route")]
    Route,
    /// Something is wrong with the local part.
    #[error("bad local part")]
    Local,
    /// Something is wrong with the domain.
    #[error("bad domain")]
    Domain,
    /// It is longer than [`Path::MAX`].
    #[error("path too long")]
    TooLong,
}

impl Path {
    /// Longest path that is read; RFC 5321 asks for 256 octets at least.
    pub const MAX: usize = 1024;

    /// Reads a path with its angle brackets, strictly.
    pub fn parse(text: &str) -> Result<Path, PathError> {
        if text.len() > Path::MAX {
            return Err(PathError::TooLong);
        }
        let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).ok_or(PathError::Brackets)?;
        if inner.is_empty() {
            return Ok(Path::default());
        }
        let (route, address) = split_route(inner);
        let route = match route {
            None => Vec::new(),
            Some(route) => {
                let hosts: Vec<SmolStr> = route
                    .split(',')
                    .map(|host| host.strip_prefix('@').filter(|name| is_domain(name)).map(SmolStr::from))
                    .collect::<Option<_>>()
                    .ok_or(PathError::Route)?;
                hosts
            }
        };
        Ok(Path { route, mailbox: Some(Mailbox::parse(address)?) })
    }
}

/// Separates the source route, without its colon, from the address behind it.
pub fn split_route(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((route, address)) if route.starts_with('@') => (Some(route), address),
        _ => (None, text),
    }
}

impl Mailbox {
    /// Reads `local@domain` as written on the wire.
    pub fn parse(text: &str) -> Result<Mailbox, PathError> {
        let at = domain_separator(text);
        let (local, domain) = match at {
            None => (text, None),
            Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        };
        let unquoted = unquote_local(local);
        if local.is_empty() || !is_local_part(local) {
            return Err(PathError::Local);
        }
        Ok(Mailbox { local: unquoted.into(), domain: domain.map_or(Ok(Domain::None), Domain::parse)? })
    }
}

impl Domain {
    /// Reads a domain name or a literal in brackets.
    pub fn parse(text: &str) -> Result<Domain, PathError> {
        if let Some(literal) = text.strip_prefix('[') {
            let literal = literal.strip_suffix(']').ok_or(PathError::Domain)?;
            return Ok(match parse_address_literal(literal) {
                Some(addr) => Domain::Address(addr),
                None if literal.is_empty() || literal.contains(['[', ']', '\\']) => return Err(PathError::Domain),
                None => Domain::Literal(literal.into()),
            });
        }
        if is_domain(text) { Ok(Domain::Name(text.into())) } else { Err(PathError::Domain) }
    }
}

/// The address in `192.0.2.1` or `IPv6:2001:db8::1` (without brackets).
pub fn parse_address_literal(text: &str) -> Option<IpAddr> {
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => text.get(5..)?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Position of the `@` that separates local part and domain: the last one outside quotes.
pub fn domain_separator(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut found = None;
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' => {
                octets.next();
            }
            b'"' => quoted = !quoted,
            b'@' if !quoted => found = Some(at),
            _ => {}
        }
    }
    found
}

fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// Whether a local part can stand without quotes: atoms with single dots between them.
pub fn is_dot_string(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_local_part(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"') else { return is_dot_string(local) };
    let Some(inner) = inner.strip_suffix('"') else { return false };
    let mut octets = inner.bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' | 0..=31 | 127 => return false,
            b'\\' if octets.next().is_none() => return false,
            _ => {}
        }
    }
    true
}

/// Whether a text is a domain name: labels of letters, digits and hyphens (or anything outside
/// ASCII), at most 63 octets each, at most 255 in all.
pub fn is_domain(name: &str) -> bool {
    name.len() <= 255
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet >= 0x80 || b"-_".contains(&octet))
        })
}

/// A local part without its quotes and backslashes.
pub fn unquote_local(local: &str) -> Cow<'_, str> {
    if !local.contains(['"', '\\']) {
        return Cow::Borrowed(local);
    }
    let mut out = String::with_capacity(local.len());
    let mut chars = local.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {}
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A local part with quotes if it needs them on the wire.
pub fn quote_local(local: &str) -> Cow<'_, str> {
    if is_dot_string(local) {
        return Cow::Borrowed(local);
    }
    let mut out = String::with_capacity(local.len() + 2);
    out.push('"');
    for c in local.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Cow::Owned(out)
}

/// `local@domain` with quotes where the wire needs them, from the form without.
pub fn quote_address(address: &str) -> Cow<'_, str> {
    let (local, domain) = match address.rfind('@') {
        Some(at) => (address.get(..at).unwrap_or_default(), address.get(at..).unwrap_or_default()),
        None => (address, ""),
    };
    if local.is_empty() || is_dot_string(local) {
        Cow::Borrowed(address)
    } else {
        Cow::Owned(format!("{}{domain}", quote_local(local)))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::None => Ok(()),
            Domain::Name(name) => write!(f, "@{name}"),
            Domain::Address(IpAddr::V4(addr)) => write!(f, "@[{addr}]"),
            Domain::Address(IpAddr::V6(addr)) => write!(f, "@[IPv6:{addr}]"),
            Domain::Literal(text) => write!(f, "@[{text}]"),
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", quote_local(&self.local), self.domain)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<")?;
        for (index, host) in self.route.iter().enumerate() {
            write!(f, "{}@{host}", if index == 0 { "" } else { "," })?;
        }
        if !self.route.is_empty() {
            f.write_str(":")?;
        }
        if let Some(mailbox) = &self.mailbox {
            mailbox.fmt(f)?;
        }
        f.write_str(">")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_paths_are_read_and_printed_again() {
        for text in [
            "<>",
            "<postmaster>",
            "<alice@example.com>",
            "<@a.example,@b.example:alice@example.com>",
            "<\"john doe\"@example.com>",
            "<\"a\\\"b\"@example.com>",
            "<a@[192.0.2.1]>",
            "<a@[IPv6:2001:db8::1]>",
            "<jürgen@bücher.example>",
        ] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_paths_are_refused_with_the_reason() {
        for (text, error) in [
            ("alice@example.com", PathError::Brackets),
            ("<alice@example.com", PathError::Brackets),
            ("<@example.com>", PathError::Local),
            ("<alice@>", PathError::Domain),
            ("<alice@example..com>", PathError::Domain),
            ("<alice@@example.com>", PathError::Local),
            ("<a b@example.com>", PathError::Local),
            ("<a@[]>", PathError::Domain),
            ("<@-x:a@b>", PathError::Route),
        ] {
            assert_eq!(Path::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn quotes_are_put_only_where_needed() {
        assert_eq!(quote_address("alice@example.com"), "alice@example.com");
        assert_eq!(quote_address("a b@example.com"), "\"a b\"@example.com");
        assert_eq!(quote_address("alice"), "alice");
        assert_eq!(unquote_local("\"a\\\"b\""), "a\"b");
    }

    proptest! {
        #[test]
        fn what_is_read_prints_to_something_read_alike(text in "<[a-z\"\\\\ @.:,]{0,20}>") {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            let _ = Path::parse(&text);
            let _ = Mailbox::parse(&text);
            quote_address(&text);
        }
    }
}
