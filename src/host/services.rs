//! The services of a host as its service manager knows them (systemd.service(5)): a table of
//! units. What runs is read off the process table; who knows the programs registers the units.

use std::collections::{BTreeMap, BTreeSet};

use super::process::Process;
use super::{Host, ProcessInfo};
use crate::sim::{ProcId, Time};

/// How a unit is started and stopped.
#[derive(Clone, Copy, Debug)]
pub enum UnitKind {
    /// A process of its own, reloaded by SIGHUP, stopped by SIGTERM.
    Daemon {
        /// Makes the process.
        make: fn() -> Box<dyn Process>,
    },
    /// A command with the verbs `start`, `stop` and `reload`, as postfix(1).
    Command {
        /// The command.
        command: &'static str,
        /// What the unit file has for `ExecStart=`.
        exec_start: &'static str,
        /// What is done before it is started (`ExecStartPre=`).
        prepare: fn(&mut Host),
    },
    /// A unit that does nothing itself and takes another one along (Debian's `postfix.service`).
    Front {
        /// The name of the other unit.
        of: &'static str,
    },
    /// The system log daemon, which is a part of the host.
    Syslog,
}

/// A unit.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Its name without `.service`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub description: &'static str,
    /// Its manual page, as in `man:postfix(1)`.
    pub docs: &'static str,
    /// The program of its main process, by absolute path; empty if it has none.
    pub program: &'static str,
    /// The beginning of the tags of its log lines.
    pub tag: &'static str,
    /// How it is started and stopped.
    pub kind: UnitKind,
}

/// What became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Its process runs, since then.
    Running(ProcId, Time),
    /// It has done what it had to do.
    Exited(Time),
    /// It is stopped.
    Dead,
    /// Its start failed.
    Failed(Time),
}

impl Activity {
    /// The words of `systemctl is-active`.
    pub fn text(self) -> &'static str {
        match self {
            Activity::Running(..) | Activity::Exited(_) => "active",
            Activity::Dead => "inactive",
            Activity::Failed(_) => "failed",
        }
    }

    /// The words of the column SUB.
    pub fn sub(self) -> &'static str {
        match self {
            Activity::Running(..) => "running",
            Activity::Exited(_) => "exited",
            Activity::Dead => "dead",
            Activity::Failed(_) => "failed",
        }
    }

    /// Whether it counts as active.
    pub fn is_active(self) -> bool {
        self.text() == "active"
    }
}

/// The units of a host and what the service manager remembers of them.
#[derive(Clone, Debug, Default)]
pub struct Services {
    units: BTreeMap<&'static str, Unit>,
    /// All units that packages can bring.
    known: BTreeMap<&'static str, Unit>,
    /// Units that are not started when the host is switched on.
    disabled: BTreeSet<&'static str>,
    /// Units without a process that were stopped.
    stopped: BTreeSet<&'static str>,
    /// When units without a process were started, if not with the host.
    started: BTreeMap<&'static str, Time>,
    failed: BTreeMap<&'static str, Time>,
}

impl Services {
    /// Adds a unit, or replaces the one of this name.
    pub fn register(&mut self, unit: Unit) {
        self.known.insert(unit.name, unit);
        self.units.insert(unit.name, unit);
    }

    /// Brings a registered unit back, enabled, with its package.
    pub fn install(&mut self, name: &str) {
        if let Some(unit) = self.known.get(name) {
            self.disabled.remove(unit.name);
            self.stopped.insert(unit.name);
            self.units.insert(unit.name, *unit);
        }
    }

    /// Takes a unit away with its package.
    pub fn uninstall(&mut self, name: &str) {
        self.units.remove(name);
    }

    /// Forgets what happened before the host was switched on: nothing has failed, and units
    /// without a process are active if they are enabled.
    pub fn boot(&mut self) {
        self.failed.clear();
        self.started.clear();
        self.stopped.clone_from(&self.disabled);
    }

    /// The units in order of names.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// The unit of this name, with or without `.service`.
    pub fn find(&self, name: &str) -> Option<Unit> {
        self.units.get(name.strip_suffix(".service").unwrap_or(name)).copied()
    }

    /// Whether a unit is started when the host is switched on.
    pub fn is_enabled(&self, unit: &Unit) -> bool {
        !self.disabled.contains(unit.name)
    }

    /// Enables or disables a unit; whether that changed anything.
    pub fn enable(&mut self, unit: &Unit, enabled: bool) -> bool {
        if enabled { self.disabled.remove(unit.name) } else { self.disabled.insert(unit.name) }
    }

    /// Remembers that a unit without a process was started or stopped.
    pub fn mark(&mut self, unit: &Unit, active: bool, now: Time) {
        self.failed.remove(unit.name);
        if active {
            self.stopped.remove(unit.name);
            self.started.insert(unit.name, now);
        } else {
            self.stopped.insert(unit.name);
        }
    }

    /// Remembers that the start of a unit failed, or forgets it.
    pub fn mark_failed(&mut self, unit: &Unit, failed: Option<Time>) {
        match failed {
            Some(time) => self.failed.insert(unit.name, time),
            None => self.failed.remove(unit.name),
        };
    }
}

/// The state of a unit of this host.
pub fn activity(host: &Host, unit: &Unit) -> Activity {
    let services = &host.services;
    if let Some((id, info)) = main_process(host, unit) {
        return Activity::Running(id, info.started);
    }
    let since = services.started.get(unit.name).copied().unwrap_or(host.booted);
    match unit.kind {
        _ if services.failed.contains_key(unit.name) => Activity::Failed(services.failed[unit.name]),
        UnitKind::Front { .. } if !services.stopped.contains(unit.name) => Activity::Exited(since),
        UnitKind::Syslog if host.syslog.running => Activity::Running(ProcId(2), since),
        _ => Activity::Dead,
    }
}

fn main_process<'a>(host: &'a Host, unit: &Unit) -> Option<(ProcId, &'a ProcessInfo)> {
    let is_main = |info: &ProcessInfo| info.command.split(' ').next() == Some(unit.program);
    host.processes.iter().find(|(_, info)| !unit.program.is_empty() && is_main(info)).map(|(id, info)| (*id, info))
}
