//! What has changed since the student began, and what would be after something more was done.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::fork::Fork;
use super::{Bench, Check, Finding, matches_text, same, text};
use crate::host::vfs::{Cred, Vfs};
use crate::scenario::parse_duration;
use crate::sim::Duration;

/// Files that are as they were at the beginning, but for certain lines. Comments, empty lines and
/// the order of lines do not matter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unchanged {
    /// The host.
    pub host: String,
    /// Their absolute paths.
    pub paths: Vec<String>,
    /// Lines like these may have changed, come or gone.
    #[serde(default)]
    pub but: Vec<String>,
}

impl Unchanged {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = text(
            format!("on {} nothing else is changed", self.host),
            format!("auf {} ist sonst nichts geändert", self.host),
        );
        let lines = |world: &crate::world::World, path: &str| {
            world.find(&self.host).map(|id| settings(&world.host(id).vfs, path)).unwrap_or_default()
        };
        let mut changed = Vec::new();
        for path in &self.paths {
            let (before, now) = (lines(bench.before, path), lines(bench.world, path));
            let differing = before.symmetric_difference(&now);
            let differing = differing.filter(|line| !self.but.iter().any(|but| matches_text(line, but)));
            changed.extend(differing.map(|line| format!("{path}: {line}")));
        }
        let actual = match changed.len() {
            0 => text("nothing else", "nichts sonst"),
            _ => same(changed.into_iter().take(3).collect::<Vec<_>>().join("; ")),
        };
        Finding::new(actual.en == "nothing else", expected, actual)
    }
}

/// The lines of a file that mean something, with single blanks.
fn settings(vfs: &Vfs, path: &str) -> BTreeSet<String> {
    let content = vfs.read_text(path, &Cred::ROOT).unwrap_or_default();
    let lines = content.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])).collect()
}

/// A zone whose serial number is higher than at the beginning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serial {
    /// Who asks.
    pub host: String,
    /// The zone.
    pub zone: String,
}

impl Serial {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let serial = |bench: &Bench<'_>| -> Option<u64> {
            let exit = Fork::of(bench).run(&self.host, "root", &format!("dig +short SOA {}", self.zone), "")?;
            String::from_utf8_lossy(&exit.stdout).split_whitespace().nth(2)?.parse().ok()
        };
        let before = serial(&Bench { world: bench.before, ..*bench });
        let now = serial(bench);
        let shown = |serial: Option<u64>| serial.map_or("-".to_owned(), |serial| serial.to_string());
        let expected = text(
            format!("the serial of {} is higher than {}", self.zone, shown(before)),
            format!("die Seriennummer von {} ist höher als {}", self.zone, shown(before)),
        );
        Finding::new(now.is_some() && now > before, expected, same(shown(now)))
    }
}

/// A check in a copy of the world in which more has happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// What happens first, in order.
    pub first: Vec<Deed>,
    /// What must hold then.
    pub then: Box<Check>,
}

/// Something that happens in a trial.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Deed {
    /// A command is run as root.
    Run {
        /// Where.
        host: String,
        /// The command line.
        line: String,
    },
    /// Time passes: `"70m"`.
    Wait(String),
    /// A host is switched off.
    Off(String),
    /// A host is switched on.
    On(String),
}

impl Trial {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let mut fork = Fork::of(bench);
        for deed in &self.first {
            match deed {
                Deed::Run { host, line } => drop(fork.run(host, "root", line, "")),
                Deed::Wait(time) => fork.pass(parse_duration(time).unwrap_or(Duration::ZERO)),
                Deed::Off(host) => fork.power(host, false),
                Deed::On(host) => fork.power(host, true),
            }
        }
        self.then.look(&Bench { world: &fork.world, ..*bench })
    }
}
