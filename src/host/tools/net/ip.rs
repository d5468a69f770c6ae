//! ip(8) of iproute2: `ip [-4|-6] [-br] addr|link|route [show]`. A host has a loopback device and one
//! Ethernet device with all its addresses; networks are /24 and /64, their first address is the router.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;

use crate::host::Host;
use crate::host::program::Env;

/// Which addresses are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}

impl Family {
    fn has(self, addr: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => addr.is_ipv4(),
            Family::V6 => addr.is_ipv6(),
        }
    }
}

/// `ip`.
pub fn ip(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (mut family, mut brief) = (Family::Any, false);
    let mut words = env.args.iter().skip(1).cloned().collect::<Vec<_>>().into_iter().peekable();
    while let Some(option) = words.next_if(|word| word.starts_with('-')) {
        match option.as_str() {
            "-4" => family = Family::V4,
            "-6" => family = Family::V6,
            "-br" | "-brief" => brief = true,
            "-c" | "-color" | "-o" | "-oneline" => {}
            other => {
                env.errln(format!("Option \"{other}\" is unknown, try \"ip -help\"."));
                return 255;
            }
        }
    }
    let object = words.next().unwrap_or_default();
    let command = words.next_if(|word| ["show", "list", "ls", "s", "l", "sh", "get"].contains(&word.as_str()));
    let mut device = words.next();
    if device.as_deref() == Some("dev") {
        device = words.next();
    }
    let is = |full: &str| !object.is_empty() && full.starts_with(object.as_str());
    if object.is_empty() || is("help") {
        env.errln("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\nwhere  OBJECT := { address | link | route }\n       OPTIONS := { -4 | -6 | -br[ief] }");
        return 255;
    }
    if is("route") {
        return route(env, family, command.as_deref(), device.as_deref());
    }
    if !is("address") && !is("link") {
        env.errln(format!("Object \"{object}\" is unknown, try \"ip help\"."));
        return 1;
    }
    let with_addresses = is("address");
    let devices: Vec<&str> =
        ["lo", "eth0"].into_iter().filter(|name| device.as_deref().is_none_or(|own| own == *name)).collect();
    if devices.is_empty() {
        env.errln(format!("Device \"{}\" does not exist.", device.unwrap_or_default()));
        return 1;
    }
    for name in devices {
        let text = if brief {
            short(env.ctx.host, name, with_addresses, family)
        } else {
            long(env.ctx.host, name, with_addresses, family)
        };
        env.stdout.extend(text.into_bytes());
    }
    0
}

/// Addresses of a device with the lengths of their prefixes.
fn addresses(host: &Host, device: &str, family: Family) -> Vec<(IpAddr, u8)> {
    let has_v6 = host.addrs.iter().any(IpAddr::is_ipv6);
    let loopback: Vec<(IpAddr, u8)> =
        vec![(Ipv4Addr::LOCALHOST.into(), 8), ("::1".parse().unwrap_or(Ipv4Addr::LOCALHOST.into()), 128)];
    let own = host.addrs.iter().map(|addr| (*addr, if addr.is_ipv4() { 24 } else { 64 })).collect();
    let all: Vec<(IpAddr, u8)> = if device == "lo" { loopback } else { own };
    all.into_iter().filter(|(addr, _)| family.has(*addr) && (has_v6 || addr.is_ipv4())).collect()
}

/// A hardware address that follows from the host's first IPv4 address.
fn hardware(host: &Host, device: &str) -> String {
    let v4 = host.addrs.iter().find_map(|addr| match addr {
        IpAddr::V4(addr) => Some(addr.octets()),
        IpAddr::V6(_) => None,
    });
    match (device, v4.unwrap_or_default()) {
        ("lo", _) => "00:00:00:00:00:00".to_owned(),
        (_, [a, b, c, d]) => format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
    }
}

fn flags(device: &str) -> &'static str {
    if device == "lo" { "<LOOPBACK,UP,LOWER_UP>" } else { "<BROADCAST,MULTICAST,UP,LOWER_UP>" }
}

fn state(device: &str) -> &'static str {
    if device == "lo" { "UNKNOWN" } else { "UP" }
}

fn short(host: &Host, device: &str, with_addresses: bool, family: Family) -> String {
    let rest = match with_addresses {
        false => format!("{} {} ", hardware(host, device), flags(device)),
        true => addresses(host, device, family).iter().map(|(addr, prefix)| format!("{addr}/{prefix} ")).collect(),
    };
    format!("{device:<16} {:<14} {rest}\n", state(device))
}

fn long(host: &Host, device: &str, with_addresses: bool, family: Family) -> String {
    let (number, mtu, discipline, kind) =
        if device == "lo" { (1, 65536, "noqueue", "loopback") } else { (2, 1500, "fq_codel", "ether") };
    let mode = if with_addresses { "" } else { "mode DEFAULT " };
    let mut text = format!(
        "{number}: {device}: {} mtu {mtu} qdisc {discipline} state {} {mode}group default qlen 1000\n",
        flags(device),
        state(device)
    );
    if family == Family::Any {
        let broadcast = if device == "lo" { "00:00:00:00:00:00" } else { "ff:ff:ff:ff:ff:ff" };
        text.push_str(&format!("    link/{kind} {} brd {broadcast}\n", hardware(host, device)));
    }
    if !with_addresses {
        return text;
    }
    for (addr, prefix) in addresses(host, device, family) {
        let line = match addr {
            IpAddr::V4(v4) if device == "lo" => format!("inet {v4}/{prefix} scope host lo"),
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                format!("inet {v4}/{prefix} brd {a}.{b}.{c}.255 scope global {device}")
            }
            IpAddr::V6(v6) if device == "lo" => format!("inet6 {v6}/{prefix} scope host "),
            IpAddr::V6(v6) => format!("inet6 {v6}/{prefix} scope global "),
        };
        text.push_str(&format!("    {line}\n       valid_lft forever preferred_lft forever\n"));
    }
    text
}

fn route(env: &mut Env<'_, '_>, family: Family, command: Option<&str>, target: Option<&str>) -> u8 {
    let host = &env.ctx.host;
    if command == Some("get") {
        let Some(target) = target.and_then(|target| target.parse::<IpAddr>().ok()) else {
            env.errln("need at least a destination address");
            return 1;
        };
        let own = host.addrs.iter().find(|addr| addr.is_ipv4() == target.is_ipv4());
        let Some(own) = own.copied() else {
            env.errln("RTNETLINK answers: Network is unreachable");
            return 2;
        };
        let via = if network(own) == network(target) { String::new() } else { format!("via {} ", router(own)) };
        let uid = env.cred.uid;
        env.outln(format!("{target} {via}dev eth0 src {own} uid {uid} \n    cache "));
        return 0;
    }
    let addrs: Vec<IpAddr> = host
        .addrs
        .iter()
        .copied()
        .filter(|addr| match family {
            Family::V6 => addr.is_ipv6(),
            Family::Any | Family::V4 => addr.is_ipv4(),
        })
        .collect();
    let mut lines = Vec::new();
    if let Some(first) = addrs.first() {
        let more = if first.is_ipv6() { "metric 1024 pref medium" } else { "" };
        lines.push(format!("default via {} dev eth0 {more}", router(*first)));
    }
    let mut seen = Vec::new();
    for addr in addrs.iter().filter(|addr| {
        let new = !seen.contains(&network(**addr));
        seen.push(network(**addr));
        new
    }) {
        lines.push(match addr {
            IpAddr::V4(_) => format!("{}/24 dev eth0 proto kernel scope link src {addr} ", network(*addr)),
            IpAddr::V6(_) => format!("{}/64 dev eth0 proto kernel metric 256 pref medium", network(*addr)),
        });
    }
    for line in lines {
        env.outln(line);
    }
    0
}

/// The network that an address belongs to.
fn network(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) >> 64 << 64;
            std::net::Ipv6Addr::from(bits).into()
        }
    }
}

/// The first address of a network.
fn router(addr: IpAddr) -> IpAddr {
    match network(addr) {
        IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) | 1).into(),
        IpAddr::V6(v6) => std::net::Ipv6Addr::from(u128::from(v6) | 1).into(),
    }
}
