//! From `host:port` to a connection: `/etc/hosts`, DNS, and one address after the other.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use smol_str::SmolStr;

use super::vfs::Cred;
use super::{Ctx, Host};
use crate::dns::{Hosts, Lookup, Qtype};
use crate::sim::{ConnectError, Socket};

/// The tokens of the dialer's questions to the resolver.
const ADDRESS: u64 = u64::MAX;
const ADDRESS_V6: u64 = u64::MAX - 1;

/// Why no connection came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The name has no address.
    #[error("{host}: host not found")]
    NoSuchHost {
        /// The name.
        host: SmolStr,
    },
    /// The last address does not answer.
    #[error("connect to {host}:{port}: {}", error.text())]
    Failed {
        /// The server as it was named.
        host: SmolStr,
        /// The port.
        port: u16,
        /// What happened.
        error: ConnectError,
    },
}

/// A server that is being connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialer {
    /// The server's name or address.
    pub host: SmolStr,
    /// The port.
    pub port: u16,
    /// Whether IPv6 addresses are asked for as well.
    dual: bool,
    addresses: VecDeque<IpAddr>,
    trying: Option<SocketAddr>,
}

impl Dialer {
    /// A dialer for `host`, `host:port`, `[address]:port`; names are asked for IPv4 addresses.
    pub fn new(server: &str, default_port: u16) -> Dialer {
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
                Ok(port) => (host, port),
                Err(_) => (server, default_port),
            },
            _ => (server, default_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Dialer { dual: false, ..Dialer::to(host, port) }
    }

    /// A dialer for this host and port; names are asked for IPv6 and IPv4 addresses, as
    /// getaddrinfo(3) does.
    pub fn to(host: &str, port: u16) -> Dialer {
        Dialer { host: host.into(), port, dual: true, addresses: VecDeque::new(), trying: None }
    }

    /// Begins: connects if the address is known, otherwise asks the resolver.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) -> Option<Socket> {
        if let Ok(address) = self.host.parse() {
            self.addresses.push_back(address);
        } else {
            let text = ctx.host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default();
            self.addresses.extend(Hosts::parse(&text).by_name(&self.host));
        }
        let sock = self.next(ctx);
        if sock.is_none() {
            let (token, qtype) = if self.dual { (ADDRESS_V6, Qtype::Aaaa) } else { (ADDRESS, Qtype::A) };
            ctx.resolve(token, self.host.trim_end_matches('.'), qtype);
        }
        sock
    }

    /// Takes the resolver's answer; without a socket the next answer is awaited.
    ///
    /// # Errors
    /// The name has no address.
    pub fn resolved(&mut self, token: u64, lookup: &Lookup, ctx: &mut Ctx<'_>) -> Result<Option<Socket>, DialError> {
        self.addresses.extend(lookup.addresses());
        if token == ADDRESS_V6 {
            ctx.resolve(ADDRESS, self.host.trim_end_matches('.'), Qtype::A);
            return Ok(None);
        }
        self.next(ctx).map(Some).ok_or_else(|| DialError::NoSuchHost { host: self.host.clone() })
    }

    /// Goes on with the next address after a failure.
    ///
    /// # Errors
    /// No address is left.
    pub fn failed(&mut self, error: ConnectError, ctx: &mut Ctx<'_>) -> Result<Socket, DialError> {
        let (host, port) = (self.host.clone(), self.port);
        self.next(ctx).ok_or(DialError::Failed { host, port, error })
    }

    /// The address that is tried now, or that the connection goes to.
    pub fn trying(&self) -> Option<SocketAddr> {
        self.trying
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) -> Option<Socket> {
        self.trying = Some(SocketAddr::new(self.addresses.pop_front()?, self.port));
        self.trying.map(|address| ctx.connect(None, address))
    }
}

/// A port by number or by its name in `/etc/services`.
pub fn port_number(text: &str, host: &Host) -> Option<u16> {
    if let Ok(port) = text.parse() {
        return Some(port);
    }
    let services = host.vfs.read_text("/etc/services", &Cred::ROOT).unwrap_or_default();
    services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (name, number) = (words.next()?, words.next()?);
        let is_meant = name == text || words.any(|alias| alias == text);
        is_meant.then(|| number.strip_suffix("/tcp")).flatten()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_with_and_without_port() {
        for (server, host, port) in [
            ("mail.example.org", "mail.example.org", 587),
            ("mail.example.org:25", "mail.example.org", 25),
            ("[2001:db8::1]:143", "2001:db8::1", 143),
            ("2001:db8::1", "2001:db8::1", 587),
            ("192.0.2.1:x", "192.0.2.1:x", 587),
        ] {
            let dialer = Dialer::new(server, 587);
            assert_eq!((dialer.host.as_str(), dialer.port), (host, port), "{server}");
        }
    }
}
