//! A host: its files, users, services, processes, and the shell that a person types into.
//!
//! [`vfs`] is the file system, [`accounts`] the users, [`process`] the contract of everything
//! that runs, [`program`] the contract of commands, [`shell`] the command language.

pub mod accounts;
pub mod console;
pub mod dial;
pub mod dnsbl;
pub mod layout;
pub mod man;
pub mod named;
pub mod packages;
pub mod password;
pub mod process;
pub mod program;
pub mod refusal;
pub mod saslauthd;
pub mod services;
pub mod shell;
pub mod spamfilter;
pub mod syslog;
pub mod tls;
pub mod tools;
pub mod unbound;
pub mod vfs;

use std::collections::BTreeMap;
use std::net::IpAddr;

use smol_str::SmolStr;

use crate::sim::firewall::Firewall;
use crate::sim::{Dice, HostId, Listener, ProcId, Time};
use accounts::Accounts;
use layout::Layout;
pub use process::{Command, Ctx, Effect, Exit, Input, Priority, Process, Signal, Spawn};
pub use program::{Env, Program, Programs, Progress, Resume};
use refusal::Refusals;
use services::Services;
use syslog::Syslog;
use vfs::Vfs;

/// A row of the process table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// The process that started it; `None` if it was started from outside.
    pub parent: Option<ProcId>,
    /// Its user id.
    pub uid: u32,
    /// Its command line.
    pub command: SmolStr,
    /// When it was started.
    pub started: Time,
}

/// What a host has, apart from its running processes.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its place in the world.
    pub id: HostId,
    /// Its name in the scenario.
    pub name: SmolStr,
    /// The short host name (`hostname`, the log's second field).
    pub hostname: SmolStr,
    /// The fully qualified name (`hostname -f`).
    pub fqdn: SmolStr,
    /// Its addresses, without the loopback ones.
    pub addrs: Vec<IpAddr>,
    /// Prefix length of the IPv4 network that it is on.
    pub prefix4: u8,
    /// Whose conventions it follows.
    pub layout: Layout,
    /// Its time zone.
    pub zone: jiff::tz::TimeZone,
    /// Its files.
    pub vfs: Vfs,
    /// Its users, refreshed from the files before each step.
    pub accounts: Accounts,
    /// Its dice.
    pub dice: Dice,
    /// Its packet filter; the world keeps it.
    pub firewall: Firewall,
    /// Its system log.
    pub syslog: Syslog,
    /// Its services.
    pub services: Services,
    /// The commands that are installed.
    pub programs: Programs,
    /// The commands that packages can bring.
    pub archive: Programs,
    /// What runs, as `ps` shows it; the world keeps it.
    pub processes: BTreeMap<ProcId, ProcessInfo>,
    /// Who listens on what, as `ss` shows it; the world keeps it.
    pub listeners: BTreeMap<Listener, ProcId>,
    /// Who receives datagrams on which port; the world keeps it.
    pub udp_ports: BTreeMap<u16, ProcId>,
    /// What its servers refuse on purpose.
    pub refusals: Refusals,
    /// Process ids given so far.
    pub last_proc: u32,
    /// When it was switched on.
    pub booted: Time,
}

impl Host {
    /// A fresh process id.
    pub fn next_proc(&mut self) -> ProcId {
        self.last_proc += 1;
        ProcId(self.last_proc)
    }

    /// Takes an ended process off the tables.
    pub fn forget_process(&mut self, proc: ProcId) {
        self.processes.remove(&proc);
        self.listeners.retain(|_, owner| *owner != proc);
        self.udp_ports.retain(|_, owner| *owner != proc);
    }

    /// Prefix length of the network that an own address is in.
    pub fn prefix(&self, addr: IpAddr) -> u8 {
        if addr.is_ipv4() { self.prefix4 } else { 64 }
    }

    /// Whether an address is this host's own, the loopback ones included.
    pub fn owns(&self, addr: IpAddr) -> bool {
        addr.is_loopback() || self.addrs.contains(&addr)
    }
}
