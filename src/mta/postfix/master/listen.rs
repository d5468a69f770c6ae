//! What master(8) listens on: the `inet` services on the addresses of `inet_interfaces`.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smol_str::SmolStr;

use crate::dns::hosts::Hosts;
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::{Config, Fatal, MasterEntry, Params, ServiceKind};
use crate::sim::Listener;

/// The listeners of each `inet` service, and of those that run commands, by the service's place in `master.cf`.
///
/// # Errors
/// A host or port name means nothing, or there is no usable address.
pub fn listeners(config: &Config, host: &Host) -> Result<Vec<(usize, Vec<Listener>)>, Fatal> {
    let mut all = Vec::new();
    let queue_directory = config.global().get("queue_directory");
    for (index, entry) in config.master.entries.iter().enumerate() {
        if entry.kind == ServiceKind::Unix && entry.command == "spawn" {
            let folder = if entry.private { "private" } else { "public" };
            let path = smol_str::format_smolstr!("{queue_directory}/{folder}/{}", entry.name);
            all.push((index, vec![Listener::Unix(path)]));
        }
        if entry.kind == ServiceKind::Inet {
            all.push((index, of_service(entry, &config.service(entry), host)?));
        }
    }
    Ok(all)
}

fn of_service(entry: &MasterEntry, params: &Params<'_>, host: &Host) -> Result<Vec<Listener>, Fatal> {
    let (name, service) = match entry.name.rsplit_once(':') {
        Some((name, service)) => (Some(name.trim_start_matches('[').trim_end_matches(']')), service),
        None => (None, entry.name.as_str()),
    };
    let port = port(service, host).ok_or_else(|| {
        let name = name.unwrap_or(if params.get("inet_interfaces") == "all" { "0.0.0.0" } else { "127.0.0.1" });
        Fatal(format!("{name}:{service}: Servname not supported for ai_socktype"))
    })?;
    let protocols = params.list("inet_protocols");
    let speaks = |addr: &IpAddr| {
        let own = if addr.is_ipv4() { "ipv4" } else { "ipv6" };
        protocols.is_empty() || protocols.iter().any(|name| name == "all" || name == own)
    };
    let addrs: Vec<IpAddr> = match name {
        Some(name) => addresses(name, host)?,
        None => interfaces(&params.list("inet_interfaces"), host)?,
    };
    Ok(addrs.into_iter().filter(speaks).map(|addr| Listener::Tcp { addr: Some(addr), port }).collect())
}

/// What master(8) says about services that are listed twice.
pub fn duplicates(config: &Config, host: &Host) -> Vec<String> {
    let entries = &config.master.entries;
    let twice = entries.iter().enumerate().filter(|(at, entry)| {
        let same = |other: &&MasterEntry| other.name == entry.name && other.kind == entry.kind;
        entry.kind == ServiceKind::Inet && entries.iter().take(*at).any(|other| same(&other))
    });
    twice
        .filter_map(|(_, entry)| {
            let service = entry.name.rsplit_once(':').map_or(entry.name.as_str(), |(_, service)| service);
            let (name, port) = (&entry.name, port(service, host)?);
            Some(format!("duplicate master.cf entry for service \"{name}\" ({port}) -- using the last entry"))
        })
        .collect()
}

/// The addresses that `inet_interfaces` names.
fn interfaces(names: &[SmolStr], host: &Host) -> Result<Vec<IpAddr>, Fatal> {
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    if names.iter().any(|name| name == "all") {
        return Ok(vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
    }
    let mut all = BTreeSet::new();
    for name in names {
        match name.as_str() {
            "loopback-only" => all.extend(loopback),
            name => all.extend(addresses(name, host)?),
        }
    }
    Ok(all.into_iter().collect())
}

/// An address, or a name that `/etc/hosts` knows.
fn addresses(name: &str, host: &Host) -> Result<Vec<IpAddr>, Fatal> {
    if let Ok(addr) = name.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![addr]);
    }
    let hosts = Hosts::parse(&host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default());
    let found: Vec<IpAddr> = hosts.by_name(name).collect();
    if found.is_empty() {
        Err(Fatal(format!("config variable inet_interfaces: host not found: {name}")))
    } else {
        Ok(found)
    }
}

/// A port by number, or by its name in `/etc/services`.
fn port(service: &str, host: &Host) -> Option<u16> {
    if let Ok(port) = service.parse() {
        return Some(port);
    }
    let text = host.vfs.read_text("/etc/services", &Cred::ROOT).unwrap_or_default();
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let name = words.next()?;
        let port = words.next()?.strip_suffix("/tcp")?;
        (name == service || words.any(|alias| alias == service)).then(|| port.parse().ok())?
    })
}
