//! `/etc/hosts` (hosts(5)).

use std::net::IpAddr;

use smol_str::SmolStr;

use super::name::canonical;

/// The lines of `/etc/hosts`, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<(IpAddr, Vec<SmolStr>)>);

impl Hosts {
    /// Reads the file's text. Lines that are not well-formed are skipped, as by the C library.
    pub fn parse(text: &str) -> Hosts {
        let lines = text.lines().filter_map(|line| {
            let mut words = line.split('#').next()?.split_ascii_whitespace();
            let addr = words.next()?.parse().ok()?;
            let names: Vec<SmolStr> = words.map(canonical).collect();
            (!names.is_empty()).then_some((addr, names))
        });
        Hosts(lines.collect())
    }

    /// The addresses of a name, official or alias, in the file's order.
    pub fn by_name(&self, name: &str) -> impl Iterator<Item = IpAddr> {
        let name = canonical(name);
        self.0.iter().filter(move |(_, names)| names.contains(&name)).map(|(addr, _)| *addr)
    }

    /// The official name of an address: the first of the first line that has it.
    pub fn by_address(&self, addr: IpAddr) -> Option<&SmolStr> {
        self.0.iter().find(|(other, _)| *other == addr).and_then(|(_, names)| names.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_name_alias_and_address() {
        let hosts = Hosts::parse(
            "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # six\n192.0.2.10 MX1.example.com mx1\nbad line\n",
        );
        let found: Vec<_> = hosts.by_name("localhost").map(|addr| addr.to_string()).collect();
        assert_eq!(found, ["127.0.0.1", "::1"]);
        assert_eq!(hosts.by_name("mx1.").count(), 1);
        assert_eq!(hosts.by_address("192.0.2.10".parse().unwrap()).unwrap(), "mx1.example.com");
        assert_eq!(hosts.by_address("192.0.2.11".parse().unwrap()), None);
    }
}
