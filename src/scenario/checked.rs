//! What a scenario file means: names resolved, times and addresses as values.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::dialogue::Item;
use super::problem::Problem;
use super::written::{self, Expect, Mail, Preset, Service, Text, User};
use crate::host::layout::Layout;
use crate::sim::faults::Effect;
use crate::sim::{Duration, Time};
use crate::trace::Level;

/// The texts that make up a scenario, read by whoever has files.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Name of the scenario: the file's name without its ending.
    pub name: String,
    /// Name of the file, for errors.
    pub file: String,
    /// The RON text.
    pub text: String,
    /// Files of `hosts/NAME/…` beside it: host and absolute path there, and content.
    pub overlay: BTreeMap<(String, String), Vec<u8>>,
    /// Further files beside it, by relative path (zones).
    pub files: BTreeMap<String, String>,
}

/// A host of the scenario, by its place in [`Scenario::hosts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostIndex(pub u32);

/// A scenario that is valid.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: Text,
    /// What is to be seen.
    pub summary: Text,
    /// Where all chance comes from.
    pub seed: u64,
    /// When it begins.
    pub start: Time,
    /// How much is recorded.
    pub level: Level,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// The zones.
    pub zones: Vec<Zone>,
    /// Properties of paths.
    pub links: Vec<Link>,
    /// What happens.
    pub script: Vec<Step>,
    /// A digest of all its texts.
    pub digest: String,
}

/// A valid host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name in the scenario.
    pub name: String,
    /// Its fully qualified name.
    pub fqdn: String,
    /// Its addresses.
    pub addrs: Vec<IpAddr>,
    /// Its time zone.
    pub zone: jiff::tz::TimeZone,
    /// Name servers.
    pub resolvers: Vec<IpAddr>,
    /// What it is set up for.
    pub preset: Preset,
    /// Answers to the preset's questions.
    pub mail: Mail,
    /// Users.
    pub users: Vec<User>,
    /// Files by absolute path: those of the scenario file, then those of the overlay.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Commands before the services start.
    pub setup: Vec<String>,
    /// Services.
    pub services: Vec<Service>,
    /// Packages that are installed besides those of the preset.
    pub packages: Vec<String>,
    /// Packages that are not installed.
    pub without: Vec<String>,
    /// Whose conventions.
    pub layout: Layout,
    /// Size of the disk in octets.
    pub disk: Option<u64>,
    /// Whether it is off at first.
    pub off: bool,
    /// Where its card stands on the map.
    pub place: Option<(f32, f32)>,
}

/// A zone with its master file.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name with the final dot.
    pub origin: String,
    /// The host that serves it.
    pub server: HostIndex,
    /// Complete master file text.
    pub text: String,
}

/// A property of paths.
#[derive(Clone, Debug)]
pub struct Link {
    /// A name to remove it by.
    pub name: String,
    /// One end; any if `None`.
    pub from: Option<HostIndex>,
    /// The other end; any if `None`.
    pub to: Option<HostIndex>,
    /// Only this port.
    pub port: Option<u16>,
    /// What it does.
    pub effects: Vec<Effect>,
}

/// A valid step of the script.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "see `written::Step`")]
pub enum Step {
    Wait(Duration),
    At(Duration),
    Settle(Duration),
    Narrate(Text),
    Send { host: HostIndex, mail: Box<written::Send> },
    Fetch { host: HostIndex, fetch: Box<written::Fetch> },
    Run { host: HostIndex, user: Option<String>, command: String, stdin: String },
    Dialogue { from: HostIndex, to: SocketAddr, send: Vec<Item> },
    Down(HostIndex),
    Up(HostIndex),
    Fault(Link),
    Repair(String),
    Write { host: HostIndex, path: String, text: String },
    Expect(Expect),
}

impl Scenario {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// Everything that is wrong with it, in order of the file.
    pub fn load(sources: &Sources) -> Result<Scenario, Vec<Problem>> {
        let written = super::parse::parse(&sources.file, &sources.text)?;
        super::check::check(sources, written)
    }

    /// A host of this scenario. Indexes come from it, so every one has a host.
    pub fn host(&self, index: HostIndex) -> &Host {
        &self.hosts[index.0 as usize]
    }
}
