//! Hosts that join a running world: a workstation, or all that a student of a class gets.

use std::net::{IpAddr, Ipv4Addr};

use smol_str::SmolStr;

use super::build::{BuildError, spawn, write};
use super::checked::{Host, HostIndex, Scenario, Zone};
use super::presets;
use super::written::{Mail, Preset, Service, User};
use crate::host::layout::{Installer, Layout};
use crate::host::tls::issue::{Authority, NewCertificate, NewKey};
use crate::host::tls::{Certificate, DistinguishedName};
use crate::sim::{Dice, HostId, Time};
use crate::world::World;

/// Domains of students are children of this one.
pub const CLASS_DOMAIN: &str = "class.test";
/// The first two octets of students' networks; the third is the student's number.
const CLASS_NETWORK: [u8; 2] = [10, 77];
/// The last octet of a student's workstation.
const WORKSTATION: u8 = 200;
/// Students with a network of their own.
pub const MAX_STUDENTS: u32 = 250;
/// Longest name of a student.
const MAX_NAME: usize = 20;

/// Where students' hosts keep the authority that certifies their servers.
const AUTHORITY: &str = "/etc/ssl/certs/mxlab-class-ca.pem";
/// How long that lives: from 2020 to 2049.
const LIFE: [Time; 2] = [Time::from_secs(1_577_836_800), Time::from_secs(2_493_072_000)];

/// Whether a name can be a host's and a domain's first label: lower-case letters, digits and
/// hyphens, beginning with a letter.
pub fn is_student_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= MAX_NAME
        && name.chars().all(fits)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
}

/// The name of a student's server in the scenario.
pub fn server_name(student: &str) -> String {
    format!("mail-{student}")
}

/// What a student of a class gets: a workstation, a server, and a domain of her own.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The workstation; it has the student's name.
    pub workstation: Host,
    /// The server: like its model, but for names and addresses.
    pub server: Host,
    /// The domain's zone and its reverse one.
    pub zones: Vec<Zone>,
}

/// Certifies the servers of a class under their own names. Every student's has the same authority:
/// it comes from the scenario's seed.
struct Registry {
    authority: Authority,
    dice: Dice,
    is_used: bool,
}

impl Registry {
    fn new(seed: u64, student: &str) -> Registry {
        let wanted = certificate_for("mxlab class CA", Vec::new(), LIFE);
        let authority = Authority::new(&wanted, &mut Dice::new(seed, "class authority"));
        Registry { authority, dice: Dice::new(seed, &format!("certificate of {student}")), is_used: false }
    }

    /// The file of a certificate whose names change, with a new one for the same key; nothing for
    /// other files.
    fn renamed(&mut self, file: &str, renamed: impl Fn(&str) -> String) -> Option<String> {
        let old = Certificate::parse_pem(file).into_iter().next()?;
        let name = renamed(&old.common_name);
        let names: Vec<SmolStr> = old.dns_names.iter().map(|name| renamed(name).into()).collect();
        if name == old.common_name && names == old.dns_names {
            return None;
        }
        self.is_used = true;
        let wanted = certificate_for(&name, names, [old.not_before, old.not_after]);
        Some(self.authority.certify(&wanted, &old.public_key(), &mut self.dice))
    }
}

fn certificate_for(name: &str, dns_names: Vec<SmolStr>, [not_before, not_after]: [Time; 2]) -> NewCertificate {
    let subject = DistinguishedName(vec![("CN".into(), name.into())]);
    NewCertificate { subject, dns_names, not_before, not_after, key: NewKey::EcP256 }
}

impl Scenario {
    /// A workstation for somebody who joins.
    pub fn workstation(&self, name: &str, fqdn: &str, addr: IpAddr) -> Host {
        Host {
            name: name.to_owned(),
            fqdn: fqdn.to_owned(),
            addrs: vec![addr],
            zone: jiff::tz::TimeZone::UTC,
            resolvers: self.hosts.first().map(|first| first.resolvers.clone()).unwrap_or_default(),
            preset: Preset::Workstation,
            mail: Mail::default(),
            users: Vec::new(),
            files: std::collections::BTreeMap::new(),
            setup: Vec::new(),
            services: Vec::new(),
            packages: Vec::new(),
            without: Vec::new(),
            layout: Layout::default(),
            disk: None,
            off: false,
            place: None,
        }
    }

    /// The seat of a student, whose server is like another host of this scenario; nothing if
    /// that host has no domain with a zone here, or the number is not from 1 to [`MAX_STUDENTS`].
    pub fn seat(&self, student: &str, number: u32, like: &str) -> Option<Seat> {
        let model = self.hosts.iter().find(|host| host.name == like)?;
        let (_, above) = model.fqdn.split_once('.')?;
        let old = model.mail.name.as_deref().unwrap_or(above);
        let forward = self.zones.iter().find(|zone| zone.origin.trim_end_matches('.') == old)?;
        let IpAddr::V4(addr) = *model.addrs.iter().find(|addr| addr.is_ipv4())? else { return None };
        let third = u8::try_from(number).ok().filter(|third| (1..=MAX_STUDENTS as u8).contains(third))?;
        let [a, b, c, last] = addr.octets();
        let [x, y] = CLASS_NETWORK;
        let domain = format!("{student}.{CLASS_DOMAIN}");
        let renaming = [
            (old.to_owned(), domain.clone()),
            (format!("{a}.{b}.{c}."), format!("{x}.{y}.{third}.")),
            (format!("{c}.{b}.{a}.in-addr.arpa"), format!("{third}.{y}.{x}.in-addr.arpa")),
        ];
        let renamed = |text: &str| renaming.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let reverse = self.zones.iter().find(|zone| zone.origin.trim_end_matches('.') == renaming[2].0);
        let own_name = format!("{student}.{domain}.");
        let mut zones: Vec<Zone> = [Some(forward), reverse]
            .into_iter()
            .flatten()
            .map(|zone| Zone { origin: renamed(&zone.origin), server: zone.server, text: renamed(&zone.text) })
            .collect();
        let lines =
            [format!("{own_name} A {x}.{y}.{third}.{WORKSTATION}\n"), format!("{WORKSTATION} PTR {own_name}\n")];
        for (zone, line) in zones.iter_mut().zip(lines) {
            zone.text.push_str(&line);
        }
        let mut server = model.clone();
        server.name = server_name(student);
        server.fqdn = renamed(&model.fqdn);
        server.addrs = vec![IpAddr::V4(Ipv4Addr::new(x, y, third, last))];
        server.mail.name = Some(domain.clone());
        server.mail.networks = model.mail.networks.iter().map(|network| renamed(network)).collect();
        server.mail.domains = model.mail.domains.iter().map(|domain| renamed(domain)).collect();
        server.mail.parameters.values_mut().for_each(|value| *value = renamed(value));
        server.setup.iter_mut().for_each(|line| *line = renamed(line));
        let mut registry = Registry::new(self.seed, student);
        for content in server.files.values_mut() {
            if let Ok(text) = std::str::from_utf8(content) {
                *content = registry.renamed(text, renamed).unwrap_or_else(|| renamed(text)).into_bytes();
            }
        }
        let addr = IpAddr::V4(Ipv4Addr::new(x, y, third, WORKSTATION));
        let mut workstation = self.workstation(student, own_name.trim_end_matches('.'), addr);
        workstation.resolvers.clone_from(&model.resolvers);
        if registry.is_used {
            for host in [&mut workstation, &mut server] {
                host.files.insert(AUTHORITY.to_owned(), registry.authority.certificate.clone().into_bytes());
            }
        }
        workstation.users = vec![User { name: student.to_owned(), password: None, full_name: None }];
        Some(Seat { workstation, server, zones })
    }

    /// Adds a student's seat to a running world. The server sets itself up and starts as time
    /// goes on; this scenario then knows the new hosts and zones.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn enrol(&mut self, seat: &Seat, world: &mut World) -> Result<(), BuildError> {
        let hosts = [&seat.workstation, &seat.server];
        let mut ids = Vec::new();
        let mut installer = Installer::default();
        for host in hosts {
            let data = self.host_data(host, &mut installer, world)?;
            ids.push(world.add_host(data));
            self.hosts.push(host.clone());
        }
        for zone in &seat.zones {
            self.add_zone(zone, world)?;
        }
        let Some(id) = ids.last().copied() else { return Ok(()) };
        for service in seat.server.services.iter().filter(|service| **service != Service::Postfix) {
            super::services::start(world, id, *service);
        }
        let mut commands = vec!["newaliases"];
        commands.extend(seat.server.setup.iter().map(String::as_str));
        commands.push("postfix start");
        spawn(world, id, None, &commands.join("\n"), "");
        Ok(())
    }

    /// Lets a running name server serve one zone more.
    fn add_zone(&mut self, zone: &Zone, world: &mut World) -> Result<(), BuildError> {
        const CONF: &str = "/etc/bind/named.conf.local";
        let HostIndex(index) = zone.server;
        let id = HostId(index);
        let name = self.host(zone.server).name.clone();
        let failed = |path: &str, error| BuildError::File { host: name.clone(), path: path.to_owned(), error };
        let host = world.host_mut(id);
        let path = presets::zone_file(&zone.origin);
        write(host, &path, zone.text.clone().into_bytes()).map_err(|error| failed(&path, error))?;
        let mut conf = host.vfs.read_text(CONF, &crate::host::vfs::Cred::ROOT).unwrap_or_default();
        conf.push_str(&presets::named_conf([zone.origin.as_str()]));
        write(host, CONF, conf.into_bytes()).map_err(|error| failed(CONF, error))?;
        spawn(world, id, None, "rndc reconfig", "");
        self.zones.push(zone.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Sources;

    #[test]
    fn a_students_server_is_certified_under_its_own_names_with_its_own_key() {
        let text = include_str!("../../scenarios/practice.ron").to_owned();
        let sources = Sources { name: "practice".into(), file: "practice.ron".into(), text, ..Sources::default() };
        let scenario = Scenario::load(&sources).unwrap();
        let certificate = |host: &Host, path: &str| {
            let pem = String::from_utf8(host.files[path].clone()).unwrap();
            Certificate::parse_pem(&pem).remove(0)
        };
        let path = "/etc/ssl/mail/cert.pem";
        let model = certificate(scenario.hosts.iter().find(|host| host.name == "mail").unwrap(), path);
        for (number, name) in [(1, "anna"), (2, "ben")] {
            let seat = scenario.seat(name, number, "mail").unwrap();
            let own = certificate(&seat.server, path);
            assert!(own.has_name(&seat.server.fqdn) && !own.has_name("mail.example.com"), "{:?}", own.dns_names);
            assert!(own.is_signed_by(&certificate(&seat.workstation, AUTHORITY)));
            assert_eq!((own.public_key(), own.not_after), (model.public_key(), model.not_after));
        }
    }
}
