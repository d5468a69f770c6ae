//! From `host:port` to a connection: `/etc/hosts`, DNS, and one address after the other.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use smol_str::SmolStr;

use crate::dns::{Hosts, Lookup, Qtype};
use crate::host::Ctx;
use crate::host::vfs::Cred;
use crate::sim::{ConnectError, Socket};

/// The token of the dialer's questions to the resolver.
const ADDRESS: u64 = u64::MAX;

/// A server that is being connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialer {
    /// The server's name or address.
    pub host: SmolStr,
    /// The port.
    pub port: u16,
    addresses: VecDeque<IpAddr>,
}

impl Dialer {
    /// A dialer for `host`, `host:port`, `[address]:port`.
    pub fn new(server: &str, default_port: u16) -> Dialer {
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
                Ok(port) => (host, port),
                Err(_) => (server, default_port),
            },
            _ => (server, default_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').into();
        Dialer { host, port, addresses: VecDeque::new() }
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
            ctx.resolve(ADDRESS, self.host.clone(), Qtype::A);
        }
        sock
    }

    /// Takes the resolver's answer.
    ///
    /// # Errors
    /// What a person reads: the name has no address.
    pub fn resolved(&mut self, lookup: &Lookup, ctx: &mut Ctx<'_>) -> Result<Socket, String> {
        self.addresses.extend(lookup.addresses());
        self.next(ctx).ok_or_else(|| format!("{}: host not found", self.host))
    }

    /// Goes on with the next address after a failure.
    ///
    /// # Errors
    /// What a person reads: no address is left.
    pub fn failed(&mut self, error: ConnectError, ctx: &mut Ctx<'_>) -> Result<Socket, String> {
        self.next(ctx).ok_or_else(|| format!("connect to {}:{}: {}", self.host, self.port, error.text()))
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) -> Option<Socket> {
        let address = self.addresses.pop_front()?;
        Some(ctx.connect(None, SocketAddr::new(address, self.port)))
    }
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
