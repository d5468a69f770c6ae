//! The packet filter of a host: who may open a connection to it, and from it.
//!
//! Rules are data. The kernel asks at the first packet of a connection and for every datagram.

use std::net::IpAddr;

/// What happens to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    #[default]
    Accept,
    /// It vanishes.
    Drop,
    /// It is sent back; the sender sees a refusal.
    Reject,
}

/// Which way a packet goes, seen from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chain {
    /// To a process of the host.
    Input,
    /// Through the host.
    Forward,
    /// From a process of the host.
    Output,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in /etc/protocols")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
}

/// A network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address, with the host part as it was written.
    pub addr: IpAddr,
    /// Number of bits that count.
    pub prefix: u8,
}

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix.min(32));
                u32::from(own).checked_shr(shift).unwrap_or(0) == u32::from(other).checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix.min(128));
                u128::from(own).checked_shr(shift).unwrap_or(0) == u128::from(other).checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

/// A condition on packets, and what becomes of those that meet it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this protocol.
    pub protocol: Option<Protocol>,
    /// Only from here.
    pub source: Option<Network>,
    /// Only to here.
    pub destination: Option<Network>,
    /// Only to these ports: first and last.
    pub ports: Option<(u16, u16)>,
    /// Only over the loopback interface, or only over another.
    pub loopback: Option<bool>,
    /// Only answers to what the host began, or only what is new.
    pub established: Option<bool>,
    /// What becomes of the packet.
    pub verdict: Verdict,
}

/// A packet as far as rules look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it carries.
    pub protocol: Protocol,
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes.
    pub destination: IpAddr,
    /// To which port.
    pub port: u16,
    /// Whether it stays on the host.
    pub loopback: bool,
    /// Whether it answers something.
    pub established: bool,
}

impl Filter {
    fn matches(&self, packet: &Packet) -> bool {
        self.protocol.is_none_or(|protocol| protocol == packet.protocol)
            && self.source.is_none_or(|network| network.contains(packet.source))
            && self.destination.is_none_or(|network| network.contains(packet.destination))
            && self.ports.is_none_or(|(first, last)| (first..=last).contains(&packet.port))
            && self.loopback.is_none_or(|loopback| loopback == packet.loopback)
            && self.established.is_none_or(|established| established == packet.established)
    }
}

/// The rules of one family of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rules: [Vec<Filter>; 3],
    policies: [Verdict; 3],
}

impl Table {
    /// The rules of a chain in order.
    pub fn rules(&self, chain: Chain) -> &[Filter] {
        &self.rules[chain as usize]
    }

    /// The rules of a chain, to be changed.
    pub fn rules_mut(&mut self, chain: Chain) -> &mut Vec<Filter> {
        &mut self.rules[chain as usize]
    }

    /// What becomes of packets that no rule matches.
    pub fn policy(&self, chain: Chain) -> Verdict {
        self.policies[chain as usize]
    }

    /// Changes what becomes of packets that no rule matches.
    pub fn set_policy(&mut self, chain: Chain, verdict: Verdict) {
        self.policies[chain as usize] = verdict;
    }

    fn judge(&self, chain: Chain, packet: &Packet) -> Verdict {
        if self.is_open() {
            return Verdict::Accept;
        }
        let rule = self.rules(chain).iter().find(|rule| rule.matches(packet));
        rule.map_or(self.policy(chain), |rule| rule.verdict)
    }

    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        self.rules.iter().all(Vec::is_empty) && self.policies == [Verdict::Accept; 3]
    }
}

/// The packet filter of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    /// IPv4.
    pub v4: Table,
    /// IPv6.
    pub v6: Table,
    /// Both, asked after those of the family (`inet` of nftables).
    pub inet: Table,
}

impl Firewall {
    /// What becomes of a packet: in each table the first rule that matches decides, and every table
    /// has to accept it.
    pub fn judge(&self, chain: Chain, packet: &Packet) -> Verdict {
        let table = if packet.destination.is_ipv4() { &self.v4 } else { &self.v6 };
        match table.judge(chain, packet) {
            Verdict::Accept => self.inet.judge(chain, packet),
            verdict => verdict,
        }
    }

    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        self.v4.is_open() && self.v6.is_open() && self.inet.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: &str, port: u16) -> Packet {
        Packet {
            protocol: Protocol::Tcp,
            source: source.parse().unwrap(),
            destination: IpAddr::from([192, 0, 2, 10]),
            port,
            loopback: false,
            established: false,
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let mut wall = Firewall::default();
        assert!(wall.is_open());
        let lan = Network { addr: IpAddr::from([192, 0, 2, 0]), prefix: 24 };
        let rules = wall.v4.rules_mut(Chain::Input);
        rules.push(Filter { source: Some(lan), ports: Some((25, 25)), ..Filter::default() });
        rules.push(Filter { ports: Some((25, 25)), verdict: Verdict::Reject, ..Filter::default() });
        wall.v4.set_policy(Chain::Input, Verdict::Drop);
        for (source, port, verdict) in [
            ("192.0.2.7", 25, Verdict::Accept),
            ("198.51.100.7", 25, Verdict::Reject),
            ("192.0.2.7", 22, Verdict::Drop),
        ] {
            assert_eq!(wall.judge(Chain::Input, &packet(source, port)), verdict, "{source} {port}");
        }
        assert_eq!(wall.judge(Chain::Output, &packet("192.0.2.10", 25)), Verdict::Accept);
        wall.inet.set_policy(Chain::Input, Verdict::Drop);
        assert_eq!(wall.judge(Chain::Input, &packet("192.0.2.7", 25)), Verdict::Drop);
    }

    #[test]
    fn networks_compare_their_bits() {
        for (addr, prefix, other, inside) in [
            ("192.0.2.0", 25, "192.0.2.127", true),
            ("192.0.2.0", 25, "192.0.2.128", false),
            ("0.0.0.0", 0, "9.9.9.9", true),
            ("2001:db8::", 32, "2001:db8::1", true),
            ("0.0.0.0", 0, "::1", false),
        ] {
            let network = Network { addr: addr.parse().unwrap(), prefix };
            assert_eq!(network.contains(other.parse().unwrap()), inside, "{addr}/{prefix} {other}");
        }
    }
}
