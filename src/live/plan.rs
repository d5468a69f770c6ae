//! Which socket of the real machine leads to which server of the world.
//!
//! The main server has fixed ports on 127.0.0.1, which handouts can print. Every host has an
//! address of its own beside that, with the same port numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::host::Host;
use crate::host::vfs::Cred;
use crate::scenario::Scenario;
use crate::scenario::written::Preset;
use crate::sim::{HostId, Listener};
use crate::world::World;

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in services(5)")]
pub enum Protocol {
    Smtp,
    Pop3,
    Imap,
    Dns,
}

/// A service that the gateway knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in services(5)")]
pub enum Service {
    Smtp,
    Submission,
    Submissions,
    Pop3,
    Pop3s,
    Imap,
    Imaps,
    Dns,
}

impl Service {
    /// All, in the order of the table.
    pub const ALL: [Service; 8] = [
        Service::Smtp,
        Service::Submission,
        Service::Submissions,
        Service::Pop3,
        Service::Pop3s,
        Service::Imap,
        Service::Imaps,
        Service::Dns,
    ];

    /// Name, port inside the world, and port of the real machine.
    const fn row(self) -> (&'static str, u16, u16) {
        match self {
            Service::Smtp => ("smtp", 25, 2525),
            Service::Submission => ("submission", 587, 5587),
            Service::Submissions => ("submissions", 465, 4465),
            Service::Pop3 => ("pop3", 110, 1110),
            Service::Pop3s => ("pop3s", 995, 1995),
            Service::Imap => ("imap", 143, 1143),
            Service::Imaps => ("imaps", 993, 1993),
            Service::Dns => ("domain", 53, 5300),
        }
    }

    /// Its name in services(5).
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The port inside the world.
    pub fn port(self) -> u16 {
        self.row().1
    }

    /// The port of the real machine that needs no rights.
    pub fn practice_port(self) -> u16 {
        self.row().2
    }

    /// What it speaks.
    pub fn protocol(self) -> Protocol {
        match self {
            Service::Smtp | Service::Submission | Service::Submissions => Protocol::Smtp,
            Service::Pop3 | Service::Pop3s => Protocol::Pop3,
            Service::Imap | Service::Imaps => Protocol::Imap,
            Service::Dns => Protocol::Dns,
        }
    }

    /// Whether TLS begins at once (RFC 8314).
    pub fn is_implicit_tls(self) -> bool {
        matches!(self, Service::Submissions | Service::Pop3s | Service::Imaps)
    }
}

/// The real port for SMTP as from outside the server's network.
pub const SMTP_FROM_OUTSIDE: u16 = 2526;
/// The first port when all hosts share one address.
const SHARED_BASE: u16 = 20_000;

/// From where a real client is taken to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server's own network.
    Inside,
    /// Somewhere else.
    Outside,
}

/// A socket to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The server's name in the scenario.
    pub host: String,
    /// Its fully qualified name.
    pub fqdn: String,
    /// What kind of host it is.
    pub role: &'static str,
    /// What is served.
    pub service: Service,
    /// Its address and port inside the world.
    pub inside: SocketAddr,
    /// The host that clients are taken to sit at.
    pub from: String,
    /// Where that is, seen from the server.
    pub side: Side,
    /// The real address that is wanted.
    pub wanted: SocketAddr,
    /// Whether it is one of the fixed ports of the main server.
    pub fixed: bool,
}

/// What may be chosen.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Only 127.0.0.1, with a port per service.
    pub single_address: bool,
    /// The ports of the world instead of those above 1024.
    pub real_ports: bool,
    /// The host that every client sits at.
    pub from: Option<String>,
    /// The server behind the fixed ports.
    pub main: Option<String>,
    /// The only hosts that clients may sit at; all if `None`. A lab says so.
    pub seats: Option<BTreeSet<String>>,
    /// Any free ports of 127.0.0.1: for tests.
    pub any_port: bool,
    /// Listen here instead of on loopback addresses.
    pub listen: Option<IpAddr>,
    /// The hosts have the addresses and ports of the world: in a network namespace where those
    /// are local.
    pub world_addresses: bool,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A host was named that does not exist.
    #[error("there is no host `{0}`; there are: {1}")]
    UnknownHost(String, String),
    /// Nothing is served.
    #[error("no host of this scenario serves mail or names")]
    Nothing,
}

/// All sockets for a world, in the order of the table: the main server's fixed ports first.
///
/// `visitor` is a host that stands outside every network, for servers that no other host of the
/// scenario sees from outside.
///
/// # Errors
/// A chosen host does not exist, or there is nothing to serve.
pub fn plan(world: &World, scenario: &Scenario, choice: &Choice, visitor: &str) -> Result<Vec<Place>, PlanError> {
    let known = |name: &Option<String>| match name {
        Some(name) => match world.find(name) {
            Some(id) => Ok(Some(id)),
            None => {
                let names: Vec<&str> = world.hosts().map(|host| host.name.as_str()).collect();
                Err(PlanError::UnknownHost(name.clone(), names.join(", ")))
            }
        },
        None => Ok(None),
    };
    let (from, chosen) = (known(&choice.from)?, known(&choice.main)?);
    let servers: Vec<(HostId, Vec<Service>)> = world
        .hosts()
        .map(|host| (host.id, services(world, host)))
        .filter(|(_, services)| !services.is_empty())
        .collect();
    let main = chosen.or_else(|| main_server(&servers)).ok_or(PlanError::Nothing)?;
    let names = servers.iter().find(|(_, services)| services.contains(&Service::Dns)).map(|(id, _)| *id);
    let real = real_addresses(world);
    let mut shared = SHARED_BASE;
    let mut places = Vec::new();
    let world_ports = choice.real_ports || choice.world_addresses;
    for is_fixed in [true, false].into_iter().filter(|is_fixed| !(*is_fixed && choice.world_addresses)) {
        for (id, services) in &servers {
            for service in services {
                let is_main = *id == main || (*service == Service::Dns && Some(*id) == names);
                if is_fixed != is_main && (is_fixed || choice.single_address || choice.any_port) {
                    continue;
                }
                let host = world.host(*id);
                let sides: &[Side] = match (service.protocol(), world_ports && !is_fixed) {
                    (Protocol::Smtp, false) if *service == Service::Smtp => &[Side::Inside, Side::Outside],
                    _ => &[Side::Inside],
                };
                for side in sides {
                    let seats = Seats { world, scenario, choice };
                    let client = match (from, side) {
                        (Some(client), _) => Some(world.host(client).name.to_string()),
                        (None, _) if *service == Service::Dns => seats.asker(host),
                        (None, Side::Inside) => seats.insider(host),
                        (None, Side::Outside) => seats.outsider(host, visitor),
                    };
                    let Some(client) = client else { continue };
                    let port = match side {
                        _ if choice.any_port => 0,
                        _ if choice.single_address && !is_fixed => {
                            shared += 1;
                            shared
                        }
                        Side::Outside => SMTP_FROM_OUTSIDE,
                        Side::Inside if world_ports && !is_fixed => service.port(),
                        Side::Inside => service.practice_port(),
                    };
                    let Some(inside) = address_of(world, host, service.port()) else { continue };
                    let address = match real.get(id) {
                        _ if choice.world_addresses => inside,
                        _ if choice.listen.is_some() => choice.listen.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                        Some(address) if !is_fixed && !choice.single_address => IpAddr::V4(*address),
                        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
                    };
                    let place = Place {
                        host: host.name.to_string(),
                        fqdn: host.fqdn.to_string(),
                        role: role(scenario, host),
                        service: *service,
                        inside: SocketAddr::new(inside, service.port()),
                        from: client,
                        side: *side,
                        wanted: SocketAddr::new(address, port),
                        fixed: is_fixed,
                    };
                    let is_taken = |other: &Place| port != 0 && other.wanted == place.wanted;
                    if is_fixed && !choice.any_port && choice.listen.is_none() {
                        let six = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
                        places.push(place.clone());
                        places.push(Place { wanted: six, ..place });
                    } else if !places.iter().any(is_taken) {
                        places.push(place);
                    }
                }
            }
        }
    }
    Ok(places)
}

/// What a host serves, or would serve if its mail server ran.
fn services(world: &World, host: &Host) -> Vec<Service> {
    let reachable = |listener: &Listener, port: u16| match listener {
        Listener::Tcp { addr, port: bound } => *bound == port && addr.is_none_or(|addr| !addr.is_loopback()),
        Listener::Unix(_) => false,
    };
    let has_postfix = host.vfs.stat("/etc/postfix/master.cf", &Cred::ROOT).is_ok()
        && host.vfs.stat("/etc/postfix/main.cf", &Cred::ROOT).is_ok();
    let listens = |port| world.kernel().listeners(host.id).any(|(listener, _)| reachable(listener, port));
    let stopped = has_postfix && !world.kernel().listeners(host.id).any(|(listener, _)| is_port(listener, 25));
    Service::ALL
        .into_iter()
        .filter(|service| listens(service.port()) || (stopped && *service == Service::Smtp))
        .collect()
}

fn is_port(listener: &Listener, port: u16) -> bool {
    matches!(listener, Listener::Tcp { port: bound, .. } if *bound == port)
}

/// The address that a service is reached at: the one that it is bound to, or the host's first.
fn address_of(world: &World, host: &Host, port: u16) -> Option<IpAddr> {
    let bound = world.kernel().listeners(host.id).find_map(|(listener, _)| match listener {
        Listener::Tcp { addr: Some(addr), port: bound } if *bound == port && !addr.is_loopback() => Some(*addr),
        _ => None,
    });
    let first = host.addrs.iter().copied().find(IpAddr::is_ipv4).or(host.addrs.first().copied());
    bound.filter(|addr| host.addrs.contains(addr)).or(first)
}

/// The server with most services; the first one of several.
fn main_server(servers: &[(HostId, Vec<Service>)]) -> Option<HostId> {
    let mail = |services: &Vec<Service>| services.iter().filter(|service| **service != Service::Dns).count();
    let best = servers.iter().map(|(_, services)| mail(services)).max()?;
    servers.iter().find(|(_, services)| mail(services) == best).map(|(id, _)| *id)
}

/// The first 24 bits of an IPv4 address, or the first 64 of an IPv6 one.
fn network(addr: IpAddr) -> (bool, u64) {
    match addr {
        IpAddr::V4(addr) => (true, u64::from(u32::from(addr) >> 8)),
        IpAddr::V6(addr) => (false, (u128::from(addr) >> 64) as u64),
    }
}

fn share_network(a: &Host, b: &Host) -> bool {
    a.addrs.iter().any(|one| b.addrs.iter().any(|other| network(*one) == network(*other)))
}

fn preset(scenario: &Scenario, host: &Host) -> Option<Preset> {
    scenario.hosts.iter().find(|known| known.name == host.name.as_str()).map(|known| known.preset)
}

fn is_workstation(scenario: &Scenario, host: &Host) -> bool {
    preset(scenario, host) == Some(Preset::Workstation)
}

/// The hosts that clients can be taken to sit at.
struct Seats<'a> {
    world: &'a World,
    scenario: &'a Scenario,
    choice: &'a Choice,
}

impl Seats<'_> {
    /// The first workstation of those hosts that `fits`, else the first one.
    fn find(&self, fits: impl Fn(&Host) -> bool) -> Option<String> {
        let may = |host: &Host| self.choice.seats.as_ref().is_none_or(|seats| seats.contains(host.name.as_str()));
        let found = || self.world.hosts().filter(|host| self.world.is_up(host.id) && may(host) && fits(host));
        let workstation = found().find(|host| is_workstation(self.scenario, host));
        Some(workstation.or(found().next())?.name.to_string())
    }

    /// A host in the server's network, else the server itself, else any.
    fn insider(&self, server: &Host) -> Option<String> {
        let near = self.find(|host| host.id != server.id && share_network(host, server));
        near.or_else(|| self.find(|host| host.id == server.id)).or_else(|| self.find(|_| true))
    }

    /// A host in another network, else the visitor, where one may join.
    fn outsider(&self, server: &Host, visitor: &str) -> Option<String> {
        let is_name_server = |host: &Host| preset(self.scenario, host) == Some(Preset::DnsServer);
        let far = self.find(|host| !share_network(host, server) && !is_name_server(host));
        far.or_else(|| self.choice.seats.is_none().then(|| visitor.to_owned()))
    }

    /// Who asks a name server: any other host, else itself.
    fn asker(&self, server: &Host) -> Option<String> {
        self.find(|host| host.id != server.id).or_else(|| self.find(|_| true))
    }
}

/// Whether a plan needs the visitor.
pub fn needs_visitor(world: &World, scenario: &Scenario, choice: &Choice) -> bool {
    const MARK: &str = "\0";
    choice.from.is_none()
        && plan(world, scenario, choice, MARK).is_ok_and(|places| places.iter().any(|place| place.from == MARK))
}

/// A loopback address for each host: 127 and the last three octets of its own address, so that
/// who knows the world's addresses knows these. Where that is taken, the next free one of
/// 127.77.0.0/16.
fn real_addresses(world: &World) -> BTreeMap<HostId, Ipv4Addr> {
    let mut taken = BTreeSet::from([Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 53), Ipv4Addr::new(127, 0, 0, 54)]);
    let mut next = u32::from(Ipv4Addr::new(127, 77, 0, 1));
    let mut found = BTreeMap::new();
    for host in world.hosts() {
        let own = host.addrs.iter().find_map(|addr| match addr {
            IpAddr::V4(addr) => {
                let [_, b, c, d] = addr.octets();
                Some(Ipv4Addr::new(127, b, c, d))
            }
            IpAddr::V6(_) => None,
        });
        let mut address = own.filter(|address| !taken.contains(address));
        while address.is_none() {
            let candidate = Ipv4Addr::from(next);
            next += 1;
            address = Some(candidate).filter(|candidate| !taken.contains(candidate));
        }
        if let Some(address) = address {
            taken.insert(address);
            found.insert(host.id, address);
        }
    }
    found
}

/// What kind of host it is, in a word or two.
fn role(scenario: &Scenario, host: &Host) -> &'static str {
    match preset(scenario, host) {
        None | Some(Preset::Workstation) => "workstation",
        Some(Preset::NoConfiguration) => "not configured",
        Some(Preset::InternetSite) => "mail server",
        Some(Preset::InternetWithSmarthost) => "mail server with smarthost",
        Some(Preset::SatelliteSystem) => "satellite system",
        Some(Preset::LocalOnly) => "local mail only",
        Some(Preset::NullClient) => "null client",
        Some(Preset::BackupMx) => "backup MX",
        Some(Preset::SubmissionServer) => "submission server",
        Some(Preset::DnsServer) => "name server",
    }
}
