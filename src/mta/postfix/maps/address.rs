//! Looking up addresses: the whole, without its extension, the local part, the domain
//! (`mail_addr_find(3)`, `mail_addr_map(3)`).

use smol_str::SmolStr;

use super::{Found, LocalNames, LookupError, Maps};
use crate::host::Host;
use crate::mta::postfix::config::{Fatal, Params};

/// Which parts of an address are looked up, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// `user+ext@domain`.
    pub full: bool,
    /// `user@domain`.
    pub without_extension: bool,
    /// `user+ext` and `user`, if the domain is this machine's.
    pub local_if_local: bool,
    /// `@domain`.
    pub at_domain: bool,
    /// `domain`.
    pub domain: bool,
    /// Parents of the domain.
    pub parents: Parents,
    /// `user@`, as access(5) and transport tables of senders have it.
    pub local_at: bool,
}

/// How parents of a domain are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parents {
    /// Not at all.
    #[default]
    No,
    /// `example.org` for `a.example.org`.
    Plain,
    /// `.example.org` for `a.example.org`.
    Dotted,
}

impl Strategy {
    /// Address rewriting and aliases: canonical(5), virtual(5).
    pub const DEFAULT: Strategy = Strategy {
        full: true,
        without_extension: true,
        local_if_local: true,
        at_domain: true,
        domain: false,
        parents: Parents::No,
        local_at: false,
    };
    /// access(5) and transport(5): the domain without `@`, its parents, and `user@`.
    pub const ACCESS: Strategy =
        Strategy { local_if_local: false, at_domain: false, domain: true, local_at: true, ..Strategy::DEFAULT };
}

/// An entry for an address, and the extension that its key did not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAddress {
    /// The entry.
    pub found: Found,
    /// `+ext` with its delimiter, if the entry was found without it.
    pub extension: Option<SmolStr>,
    /// Which key was found.
    pub key: SmolStr,
}

/// What looking up addresses depends on, besides the table.
#[derive(Clone, Debug)]
pub struct AddressFinder {
    /// `recipient_delimiter`.
    pub delimiter: SmolStr,
    /// The machine's own domains.
    pub local: LocalNames,
    /// `propagate_unmatched_extensions`.
    pub propagate: Vec<SmolStr>,
    double_bounce: SmolStr,
    owner_request_special: bool,
}

impl AddressFinder {
    /// Reads the parameters.
    ///
    /// # Errors
    /// One is malformed.
    pub fn load(params: &Params<'_>) -> Result<AddressFinder, Fatal> {
        Ok(AddressFinder {
            delimiter: params.get("recipient_delimiter"),
            local: LocalNames::load(params)?,
            propagate: params.list("propagate_unmatched_extensions"),
            double_bounce: params.get("double_bounce_sender"),
            owner_request_special: params.bool("owner_request_special")?,
        })
    }

    /// Whether unmatched extensions are kept by this kind of table: `canonical`, `virtual`,
    /// `alias`, `forward`, `include`, `generic`.
    pub fn propagates(&self, kind: &str) -> bool {
        self.propagate.iter().any(|known| known == kind)
    }

    /// Splits `user+ext` (`split_addr(3)`); the extension keeps its delimiter.
    pub fn split<'a>(&self, local: &'a str) -> Option<(&'a str, &'a str)> {
        let special = ["postmaster", "mailer-daemon", self.double_bounce.as_str()];
        if self.delimiter.is_empty() || special.iter().any(|name| local.eq_ignore_ascii_case(name)) {
            return None;
        }
        if self.owner_request_special && self.delimiter.contains('-') {
            let lower = local.to_ascii_lowercase();
            if lower.starts_with("owner-") || lower.ends_with("-request") {
                return None;
            }
        }
        let at = local.find(|c| self.delimiter.contains(c)).filter(|at| *at > 0)?;
        Some(local.split_at(at))
    }

    /// Looks an address up by a strategy.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn find(
        &self,
        maps: &Maps,
        address: &str,
        strategy: Strategy,
        host: &Host,
    ) -> Result<Option<FoundAddress>, LookupError> {
        if maps.is_empty() || address.is_empty() {
            return Ok(None);
        }
        let (user, domain) = match address.rsplit_once('@') {
            Some((user, domain)) => (user, Some(domain)),
            None => (address, None),
        };
        let bare = self.split(user);
        let hit = |found: Found, key: &str, extension: Option<&str>| {
            Ok(Some(FoundAddress { found, extension: extension.map(SmolStr::from), key: key.into() }))
        };
        if strategy.full
            && let Some(found) = self.lookup(maps, user, domain, host, false)?
        {
            return hit(found, address, None);
        }
        let bare = bare.filter(|_| strategy.without_extension);
        if let Some((user, extension)) = bare
            && let Some(found) = self.lookup(maps, user, domain, host, true)?
        {
            return hit(found, user, Some(extension));
        }
        if let Some(domain) = domain {
            if strategy.local_if_local
                && (domain.eq_ignore_ascii_case(&self.local.myorigin) || self.local.contains(domain, host)?)
            {
                if let Some(found) = self.lookup(maps, user, None, host, true)? {
                    return hit(found, user, None);
                }
                if let Some((user, extension)) = bare
                    && let Some(found) = self.lookup(maps, user, None, host, true)?
                {
                    return hit(found, user, Some(extension));
                }
            }
            let at_domain = &address[user.len()..];
            if strategy.at_domain
                && let Some(found) = maps.find_partial(at_domain, host)?
            {
                return hit(found, at_domain, None);
            }
            if strategy.domain
                && let Some((found, key)) = domain_and_parents(maps, domain, strategy.parents, host)?
            {
                return hit(found, key, None);
            }
        }
        if strategy.local_at {
            for (user, extension) in
                [Some((user, None)), bare.map(|(user, ext)| (user, Some(ext)))].into_iter().flatten()
            {
                let key = format!("{user}@");
                if let Some(found) = maps.find_partial(&key, host)? {
                    return hit(found, &key, extension);
                }
            }
        }
        Ok(None)
    }

    /// One address in external form (quoted where needed), then as it is.
    fn lookup(
        &self,
        maps: &Maps,
        user: &str,
        domain: Option<&str>,
        host: &Host,
        partial: bool,
    ) -> Result<Option<Found>, LookupError> {
        let join = |user: &str| match domain {
            Some(domain) => [user, "@", domain].concat(),
            None => user.to_owned(),
        };
        let ask = |key: &str| if partial { maps.find_partial(key, host) } else { maps.find(key, host) };
        if needs_quotes(user) {
            let mut quoted = String::from("\"");
            for c in user.chars() {
                if matches!(c, '"' | '\\') {
                    quoted.push('\\');
                }
                quoted.push(c);
            }
            quoted.push('"');
            if let Some(found) = ask(&join(&quoted))? {
                return Ok(Some(found));
            }
        }
        ask(&join(user))
    }
}

fn domain_and_parents<'a>(
    maps: &Maps,
    domain: &'a str,
    parents: Parents,
    host: &Host,
) -> Result<Option<(Found, &'a str)>, LookupError> {
    let mut key = domain;
    loop {
        if let Some(found) = maps.find_partial(key, host)? {
            return Ok(Some((found, key)));
        }
        let Some(dot) = key.get(1..).and_then(|rest| rest.find('.')).map(|at| at + 1) else { return Ok(None) };
        key = match parents {
            Parents::No => return Ok(None),
            Parents::Plain => &key[dot + 1..],
            Parents::Dotted => &key[dot..],
        };
        if key.is_empty() {
            return Ok(None);
        }
    }
}

/// Whether a local part is not a dot-atom (RFC 5321 section 4.1.2).
fn needs_quotes(user: &str) -> bool {
    let mut before = b'.';
    for octet in user.bytes() {
        let special =
            matches!(octet, b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'[' | b']');
        if special || octet <= b' ' || octet == 0x7F || (octet == b'.' && before == b'.') {
            return true;
        }
        before = octet;
    }
    before == b'.'
}

/// Looks an address up: the entry, and the extension that its key did not have.
///
/// # Errors
/// A table cannot be read.
pub fn mail_addr_find(
    maps: &Maps,
    address: &str,
    finder: &AddressFinder,
    strategy: Strategy,
    host: &Host,
) -> Result<Option<FoundAddress>, LookupError> {
    finder.find(maps, address, strategy, host)
}

/// The text that an address is replaced by: the entry's value; a value `@domain` gets the
/// address's own local part.
///
/// # Errors
/// A table cannot be read.
pub fn mail_addr_map(
    maps: &Maps,
    address: &str,
    finder: &AddressFinder,
    host: &Host,
) -> Result<Option<(String, FoundAddress)>, LookupError> {
    let Some(found) = finder.find(maps, address, Strategy::DEFAULT, host)? else { return Ok(None) };
    let text = if found.found.value.starts_with('@') {
        let user = address.rsplit_once('@').map_or(address, |(user, _)| user);
        format!("{user}{}", found.found.value)
    } else {
        found.found.value.to_string()
    };
    Ok(Some((text, found)))
}

/// Appends an extension to the local part of an address.
pub fn with_extension(address: &str, extension: &str) -> String {
    match address.rsplit_once('@') {
        Some((user, domain)) => format!("{user}{extension}@{domain}"),
        None => format!("{address}{extension}"),
    }
}
