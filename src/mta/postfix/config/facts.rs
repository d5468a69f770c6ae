//! What a host contributes to the configuration: computed defaults such as `myhostname` and
//! `mynetworks`.

use std::net::IpAddr;

use smol_str::SmolStr;

use crate::host::Host;

/// An address of a network interface with the length of its network prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The address.
    pub addr: IpAddr,
    /// Prefix length in bits.
    pub prefix: u8,
}

/// The host's side of the configuration, taken when it was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What `gethostname(2)` gives.
    pub hostname: SmolStr,
    /// The interfaces, loopback included, IPv4 first.
    pub interfaces: Vec<Interface>,
    /// The file that `myorigin` names, and its first line (Debian).
    pub origin: Option<(SmolStr, SmolStr)>,
}

/// Domain of a host whose name has none.
pub const DEFAULT_DOMAIN: &str = "localdomain";

impl Facts {
    /// Reads a host's name and interfaces.
    pub fn of(host: &Host) -> Facts {
        let loopback = [
            Interface { addr: IpAddr::from([127, 0, 0, 1]), prefix: 8 },
            Interface { addr: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16]), prefix: 128 },
        ];
        let own = host.addrs.iter().map(|&addr| Interface { addr, prefix: host.prefix(addr) });
        let (v4, v6): (Vec<Interface>, Vec<Interface>) =
            loopback.into_iter().chain(own).partition(|interface| interface.addr.is_ipv4());
        Facts { hostname: host.hostname.clone(), interfaces: v4.into_iter().chain(v6).collect(), origin: None }
    }

    /// The default of `myhostname`: the host's name, with `mydomain` appended if it has no dot.
    pub fn myhostname(&self, mydomain: Option<&str>) -> SmolStr {
        if self.hostname.contains('.') {
            return self.hostname.clone();
        }
        smol_str::format_smolstr!("{}.{}", self.hostname, mydomain.unwrap_or(DEFAULT_DOMAIN))
    }

    /// The default of `mydomain`: `myhostname` without its first label.
    pub fn mydomain(myhostname: &str) -> SmolStr {
        myhostname.split_once('.').map_or(DEFAULT_DOMAIN, |(_, domain)| domain).into()
    }

    /// The default of `mynetworks`.
    pub fn mynetworks(&self, style: &str, protocols: &str) -> SmolStr {
        let wants = |family: &str| protocols.split([',', ' ']).any(|protocol| protocol == family || protocol == "all");
        let (v4, v6) = (wants("ipv4"), wants("ipv6"));
        let mut networks: Vec<String> = Vec::new();
        for interface in &self.interfaces {
            let v4_addr = interface.addr.is_ipv4();
            if !(if v4_addr { v4 } else { v6 }) {
                continue;
            }
            let prefix = match style {
                "host" => {
                    if v4_addr {
                        32
                    } else {
                        128
                    }
                }
                "class" => class_prefix(interface.addr).unwrap_or(interface.prefix),
                _ => interface.prefix,
            };
            let network = network_of(interface.addr, prefix);
            let text = if v4_addr { format!("{network}/{prefix}") } else { format!("[{network}]/{prefix}") };
            if !networks.contains(&text) {
                networks.push(text);
            }
        }
        networks.join(" ").into()
    }
}

/// The historical class of an IPv4 address.
fn class_prefix(addr: IpAddr) -> Option<u8> {
    let IpAddr::V4(addr) = addr else { return None };
    Some(match addr.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        192..=223 => 24,
        _ => 32,
    })
}

/// An address with the bits after the prefix cleared.
pub fn network_of(addr: IpAddr, prefix: u8) -> IpAddr {
    match addr {
        IpAddr::V4(addr) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V4((u32::from(addr) & mask).into())
        }
        IpAddr::V6(addr) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V6((u128::from(addr) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let interface = |addr: &str, prefix| Interface { addr: addr.parse().unwrap(), prefix };
        let interfaces = vec![interface("127.0.0.1", 8), interface("192.0.2.10", 24), interface("::1", 128)];
        Facts { hostname: "mx1".into(), interfaces, origin: None }
    }

    #[test]
    fn computes_networks_by_style() {
        assert_eq!(facts().mynetworks("subnet", "all"), "127.0.0.0/8 192.0.2.0/24 [::1]/128");
        assert_eq!(facts().mynetworks("host", "ipv4"), "127.0.0.1/32 192.0.2.10/32");
        assert_eq!(facts().mynetworks("class", "ipv4"), "127.0.0.0/8 192.0.2.0/24");
    }

    #[test]
    fn completes_short_names() {
        assert_eq!(facts().myhostname(None), "mx1.localdomain");
        assert_eq!(facts().myhostname(Some("example.com")), "mx1.example.com");
        assert_eq!(Facts::mydomain("mx1.example.com"), "example.com");
        assert_eq!(Facts::mydomain("mx1"), "localdomain");
    }
}
