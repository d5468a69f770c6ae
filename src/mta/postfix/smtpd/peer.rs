//! Who is the client? Name by address, and that name's addresses again (`smtpd_peer.c`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use crate::dns::lookup::{Outcome, Rdata};
use crate::dns::{Hosts, Lookup, Qtype, reverse_name};
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::smtp::path::is_domain;

/// What became of a lookup of the client's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameStatus {
    /// It is known.
    Ok,
    /// The servers could not tell.
    Temporary,
    /// There is none.
    Permanent,
    /// It does not lead back to the address.
    Forged,
}

/// The client of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Verified name, or `unknown`.
    pub name: SmolStr,
    /// Name by address, verified or not, or `unknown`.
    pub reverse_name: SmolStr,
    /// Address.
    pub ip: IpAddr,
    /// Address as text.
    pub addr: SmolStr,
    /// Address as in a literal of RFC 5321: `IPv6:2001:db8::1`.
    pub rfc_addr: SmolStr,
    /// Port.
    pub port: u16,
    /// `name[addr]`.
    pub namaddr: SmolStr,
    /// Of the verified name.
    pub status: NameStatus,
    /// Of the name by address.
    pub reverse_status: NameStatus,
    /// Of the addresses by name.
    pub forward_status: NameStatus,
}

impl Peer {
    /// Gives the client another address. `namaddr` is left as it is.
    pub(super) fn set_address(&mut self, ip: IpAddr) {
        self.ip = ip;
        self.addr = ip.to_smolstr();
        self.rfc_addr = if ip.is_ipv6() { format_smolstr!("IPv6:{ip}") } else { self.addr.clone() };
    }
}

/// What finding out needs next.
#[derive(Clone, Debug)]
pub enum Step {
    /// A DNS answer for [`Naming::answer`].
    Ask(SmolStr, Qtype),
    /// Done; the text is for a warning.
    Done(Box<Peer>, Option<String>),
}

/// A name being found out.
#[derive(Clone, Debug)]
pub struct Naming {
    peer: SocketAddr,
    reverse: Option<SmolStr>,
}

impl Naming {
    /// Begins. `/etc/hosts` comes first; `lookup` is `smtpd_peername_lookup`.
    pub fn start(peer: SocketAddr, lookup: bool, host: &Host) -> (Naming, Step) {
        let mut naming = Naming { peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()), reverse: None };
        if !lookup {
            let step = naming.unknown(None, NameStatus::Permanent, NameStatus::Permanent, None);
            return (naming, step);
        }
        let step = match hosts(host).by_address(naming.peer.ip()) {
            Some(name) => naming.reversed(&name.to_smolstr(), host),
            None => Step::Ask(reverse_name(naming.peer.ip()), Qtype::Ptr),
        };
        (naming, step)
    }

    /// Takes the answer to the last question.
    pub fn answer(&mut self, lookup: &Arc<Lookup>, host: &Host) -> Step {
        let temporary = matches!(lookup.outcome, Outcome::ServFail | Outcome::Timeout);
        let status = if temporary { NameStatus::Temporary } else { NameStatus::Permanent };
        let Some(name) = self.reverse.clone() else {
            let name = lookup.answers.iter().find_map(|answer| match &answer.data {
                Rdata::Ptr(name) => Some(name.clone()),
                _ => None,
            });
            return match name {
                Some(name) => self.reversed(&name, host),
                None => self.unknown(None, status, status, None),
            };
        };
        let ip = self.peer.ip();
        if lookup.addresses().any(|addr| addr == ip) {
            return self.known(name);
        }
        let why = match lookup.outcome {
            Outcome::Found => "",
            Outcome::NoData => ": No address associated with hostname",
            Outcome::NxDomain => ": Name or service not known",
            Outcome::ServFail | Outcome::Timeout => ": Temporary failure in name resolution",
        };
        let status = if temporary { NameStatus::Temporary } else { NameStatus::Forged };
        let warning = format!("hostname {name} does not resolve to address {ip}{why}");
        self.unknown(Some(name), NameStatus::Ok, status, Some(warning))
    }

    fn reversed(&mut self, name: &str, host: &Host) -> Step {
        let ip = self.peer.ip();
        if name.parse::<IpAddr>().is_ok() || !is_domain(name) {
            return self.unknown(None, NameStatus::Permanent, NameStatus::Permanent, None);
        }
        let addrs: Vec<IpAddr> = hosts(host).by_name(name).filter(|addr| addr.is_ipv4() == ip.is_ipv4()).collect();
        if addrs.contains(&ip) {
            return self.known(name.into());
        }
        if !addrs.is_empty() {
            let warning = format!("hostname {name} does not resolve to address {ip}");
            return self.unknown(Some(name.into()), NameStatus::Ok, NameStatus::Forged, Some(warning));
        }
        self.reverse = Some(name.into());
        Step::Ask(name.to_ascii_lowercase().into(), if ip.is_ipv4() { Qtype::A } else { Qtype::Aaaa })
    }

    fn known(&self, name: SmolStr) -> Step {
        let ok = NameStatus::Ok;
        Step::Done(Box::new(self.peer(name.clone(), name, (ok, ok, ok))), None)
    }

    fn unknown(
        &self,
        reverse: Option<SmolStr>,
        reverse_status: NameStatus,
        status: NameStatus,
        warning: Option<String>,
    ) -> Step {
        let unknown = SmolStr::new_static("unknown");
        let reverse = reverse.unwrap_or_else(|| unknown.clone());
        Step::Done(Box::new(self.peer(unknown, reverse, (status, reverse_status, status))), warning)
    }

    fn peer(
        &self,
        name: SmolStr,
        reverse_name: SmolStr,
        (status, reverse_status, forward_status): (NameStatus, NameStatus, NameStatus),
    ) -> Peer {
        let ip = self.peer.ip();
        let addr = ip.to_smolstr();
        let rfc_addr = if ip.is_ipv6() { format_smolstr!("IPv6:{ip}") } else { addr.clone() };
        let namaddr = format_smolstr!("{name}[{addr}]");
        let port = self.peer.port();
        Peer { name, reverse_name, ip, addr, rfc_addr, port, namaddr, status, reverse_status, forward_status }
    }
}

fn hosts(host: &Host) -> Hosts {
    Hosts::parse(&host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default())
}
