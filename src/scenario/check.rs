//! From written to checked types: names are looked up, times and addresses read, and everything
//! that is wrong is reported at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

use super::checked::{Host, HostIndex, Link, Scenario, Sources, Step, Zone};
use super::problem::{Problem, nearest};
use super::written::{self, Expect, Preset, Service};
use crate::dns;
use crate::host::packages;
use crate::sim::faults::Effect;
use crate::sim::{Duration, Time};

/// Checks a parsed scenario.
pub(super) fn check(sources: &Sources, written: written::Scenario) -> Result<Scenario, Vec<Problem>> {
    let mut check = Check::new(sources, &written);
    let start = check.time(&written.start);
    let hosts: Vec<Host> = written.hosts.iter().map(|host| check.host(host)).collect();
    let name_server = check.name_servers.first().copied();
    let zones = written.zones.iter().filter_map(|zone| check.zone(zone, name_server)).collect();
    let links = written.links.iter().map(|link| check.link(link)).collect();
    let script = written.script.iter().filter_map(|step| check.step(step)).collect();
    check.unused_overlay();
    let Check { mut problems, .. } = check;
    if !problems.is_empty() {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        return Err(problems);
    }
    Ok(Scenario {
        name: sources.name.clone(),
        title: written.title,
        summary: written.summary,
        seed: written.seed,
        start,
        level: written.trace,
        hosts,
        zones,
        links,
        script,
        digest: digest(sources),
    })
}

/// A digest of all texts of a scenario.
fn digest(sources: &Sources) -> String {
    let mut hash = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    };
    add("", sources.text.as_bytes());
    for ((host, path), content) in &sources.overlay {
        add(&format!("hosts/{host}{path}"), content);
    }
    for (path, content) in &sources.files {
        add(path, content.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Check<'a> {
    sources: &'a Sources,
    names: Vec<String>,
    addrs: Vec<Option<IpAddr>>,
    fqdns: BTreeMap<String, usize>,
    users: BTreeMap<usize, BTreeSet<String>>,
    name_servers: Vec<HostIndex>,
    faults: BTreeSet<String>,
    /// How often each text was already reported: the next report is about its next place.
    reported: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn new(sources: &'a Sources, written: &written::Scenario) -> Check<'a> {
        let names: Vec<String> = written.hosts.iter().map(|host| host.name.clone()).collect();
        let first = |host: &written::Host| host.addresses.first().and_then(|addr| addr.parse().ok());
        let fqdn = |(index, host): (usize, &written::Host)| host.fqdn.clone().map(|fqdn| (fqdn, index));
        let users = |host: &written::Host| host.users.iter().map(|user| user.name.clone()).collect();
        let serves = |host: &written::Host| host.preset == Preset::DnsServer || host.services.contains(&Service::Named);
        let indexed = || written.hosts.iter().enumerate();
        let servers = indexed().filter(|(_, host)| serves(host)).map(|(index, _)| HostIndex(index as u32));
        let mut check = Check {
            sources,
            addrs: written.hosts.iter().map(first).collect(),
            fqdns: indexed().filter_map(fqdn).collect(),
            users: indexed().map(|(index, host)| (index, users(host))).collect(),
            name_servers: servers.collect(),
            faults: written.links.iter().filter_map(|link| link.name.clone()).collect(),
            reported: BTreeMap::new(),
            problems: Vec::new(),
            names: Vec::new(),
        };
        for name in names {
            if check.names.contains(&name) {
                // The first place is the good one.
                check.reported.entry(name.clone()).or_insert(1);
                check.problem(&name, format!("there are two hosts `{name}`"), Some("names must differ".into()));
            }
            check.names.push(name);
        }
        for step in &written.script {
            if let written::Step::Fault(written::Link { name: Some(name), .. }) = step {
                check.faults.insert(name.clone());
            }
        }
        check
    }

    /// Reports something about a text that stands in quotes in the file.
    fn problem(&mut self, text: &str, message: String, help: Option<String>) {
        let source = &self.sources.text;
        let quoted = format!("\"{}\"", text.escape_default());
        let times = self.reported.entry(text.to_owned()).or_default();
        let mut places = source.match_indices(&quoted).map(|(at, _)| at);
        let at = places.nth(*times).or_else(|| source.find(&quoted));
        *times += 1;
        let span = at.map_or(0..0, |at| at + 1..at + quoted.len() - 1);
        let mut problem = Problem::new(&self.sources.file, source, span, message);
        problem.help = help;
        self.problems.push(problem);
    }

    fn host_index(&mut self, name: &str) -> Option<HostIndex> {
        if let Some(index) = self.names.iter().position(|known| known == name) {
            return Some(HostIndex(index as u32));
        }
        let help = nearest(name, self.names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let known = || format!("known hosts are {}", self.names.join(", "));
        let help = help.unwrap_or_else(known);
        self.problem(name, format!("unknown host `{name}`"), Some(help));
        None
    }

    fn user(&mut self, host: Option<HostIndex>, user: &str) {
        let Some(users) = host.and_then(|host| self.users.get(&(host.0 as usize))) else { return };
        if user == "root" || users.contains(user) {
            return;
        }
        let help = nearest(user, users.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        self.problem(user, format!("the host has no user `{user}`"), help);
    }

    fn time(&mut self, text: &str) -> Time {
        Time::parse(text).unwrap_or_else(|error| {
            let help = "a date and time with zone, as in \"2026-03-02T08:00:00Z\"";
            self.problem(text, format!("not a date: {error}"), Some(help.into()));
            Time::default()
        })
    }

    fn duration(&mut self, text: &str) -> Duration {
        parse_duration(text).unwrap_or_else(|| {
            let help = "numbers with units ms, s, m, h or d, as in \"1h30m\"";
            self.problem(text, format!("not a stretch of time: `{text}`"), Some(help.into()));
            Duration::ZERO
        })
    }

    fn addr(&mut self, text: &str) -> Option<IpAddr> {
        let addr = text.parse().ok();
        if addr.is_none() {
            let help = "an address as in \"192.0.2.10\" or \"2001:db8::10\"";
            self.problem(text, format!("not an IP address: `{text}`"), Some(help.into()));
        }
        addr
    }

    fn path(&mut self, path: &str) {
        if !path.starts_with('/') || path.ends_with('/') {
            self.problem(path, format!("not an absolute path of a file: `{path}`"), None);
        }
    }

    fn host(&mut self, host: &written::Host) -> Host {
        if host.addresses.is_empty() {
            self.problem(&host.name, format!("host `{}` has no address", host.name), None);
        }
        let addrs: Vec<IpAddr> = host.addresses.iter().filter_map(|addr| self.addr(addr)).collect();
        for addr in &host.addresses {
            let parsed = addr.parse().ok();
            let others = self.addrs.iter().zip(&self.names);
            let other =
                others.filter(|(_, name)| **name != host.name).find(|(known, _)| parsed.is_some() && **known == parsed);
            if let Some((_, name)) = other {
                let message = format!("`{addr}` is also the address of `{name}`");
                self.problem(addr, message, None);
            }
        }
        let zone = host.time_zone.as_deref().map_or(jiff::tz::TimeZone::UTC, |name| self.zone_of_time(name));
        let resolvers = if host.resolvers.is_empty() {
            self.name_servers.first().and_then(|index| self.addrs[index.0 as usize]).into_iter().collect()
        } else {
            host.resolvers.iter().filter_map(|resolver| self.host_or_addr(resolver)).collect()
        };
        let mut files = BTreeMap::new();
        for (path, text) in &host.files {
            self.path(path);
            files.insert(path.clone(), text.clone().into_bytes());
        }
        let overlay = self.sources.overlay.iter().filter(|((name, _), _)| *name == host.name);
        files.extend(overlay.map(|((_, path), content)| (path.clone(), content.clone())));
        Host {
            name: host.name.clone(),
            fqdn: host.fqdn.clone().unwrap_or_else(|| host.name.clone()),
            addrs,
            zone,
            resolvers,
            preset: host.preset,
            mail: host.mail.clone(),
            users: host.users.clone(),
            files,
            setup: host.setup.clone(),
            services: super::presets::services(host.preset, &host.services),
            packages: host.packages.iter().filter_map(|name| self.package(name)).collect(),
            without: host.without.iter().filter_map(|name| self.package(name)).collect(),
            layout: host.layout,
            disk: host.disk.map(|mebibytes| mebibytes.saturating_mul(1 << 20)),
            off: host.off,
            place: self.place(host),
        }
    }

    /// A place on the map that can be drawn.
    fn place(&mut self, host: &written::Host) -> Option<(f32, f32)> {
        const FARTHEST: f32 = 10_000.0;
        let (x, y) = host.place?;
        if x.abs() <= FARTHEST && y.abs() <= FARTHEST {
            return Some((x, y));
        }
        let help = Some(format!("places are within {FARTHEST} of the middle, as in (-300, 120)"));
        self.problem(&host.name, format!("place ({x}, {y}) is not on the map"), help);
        None
    }

    fn package(&mut self, name: &str) -> Option<String> {
        if packages::find(name).is_some() {
            return Some(name.to_owned());
        }
        let near = nearest(name, packages::all().iter().map(|package| package.name));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        self.problem(name, format!("unknown package `{name}`"), help);
        None
    }

    fn zone_of_time(&mut self, name: &str) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(name).unwrap_or_else(|_| {
            self.problem(name, format!("unknown time zone `{name}`"), Some("a name as in \"Europe/Berlin\"".into()));
            jiff::tz::TimeZone::UTC
        })
    }

    fn host_or_addr(&mut self, text: &str) -> Option<IpAddr> {
        match text.parse() {
            Ok(addr) => Some(addr),
            Err(_) => {
                let place = self.fqdns.get(text).copied();
                let index = place.map(|index| HostIndex(index as u32)).or_else(|| self.host_index(text))?;
                self.addrs[index.0 as usize]
            }
        }
    }

    fn server(&mut self, text: &str) -> Option<SocketAddr> {
        let split = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let Some((host, port)) = split else {
            self.problem(text, format!("no port in `{text}`"), Some("a host and a port, as in \"mx1:25\"".into()));
            return None;
        };
        let host = host.trim_matches(['[', ']']);
        let known = host.parse::<IpAddr>().is_ok()
            || self.fqdns.contains_key(host)
            || self.names.iter().any(|name| name == host);
        if !known {
            let names = self.names.iter().chain(self.fqdns.keys()).map(String::as_str);
            let help = nearest(host, names).map(|near| format!("did you mean `{near}:{port}`?"));
            self.problem(text, format!("unknown host `{host}`"), help);
            return None;
        }
        Some(SocketAddr::new(self.host_or_addr(host)?, port))
    }

    fn zone(&mut self, zone: &written::Zone, default: Option<HostIndex>) -> Option<Zone> {
        let server = match &zone.server {
            Some(name) => self.host_index(name)?,
            None => match default {
                Some(server) => server,
                None => {
                    let help = "give a host the preset DnsServer, or name the `server`";
                    self.problem(&zone.origin, "nobody serves this zone".into(), Some(help.into()));
                    return None;
                }
            },
        };
        let text = match (&zone.text, &zone.file) {
            (Some(text), None) => text.clone(),
            (None, Some(file)) => match self.sources.files.get(file) {
                Some(text) => text.clone(),
                None => {
                    self.problem(file, format!("there is no file `{file}` beside the scenario"), None);
                    return None;
                }
            },
            _ => {
                let help = "a zone has either a `text` or a `file`";
                self.problem(&zone.origin, "the records of this zone are missing".into(), Some(help.into()));
                return None;
            }
        };
        let origin = format!("{}.", zone.origin.trim_end_matches('.'));
        let text = super::presets::master_file(&origin, &text);
        if let Err(errors) = dns::Zone::parse(&origin, &text, &zone.origin) {
            for error in errors.0 {
                self.zone_error(zone, &text, error);
            }
        }
        Some(Zone { text, origin, server })
    }

    /// Reports a mistake in a master file at its line in the scenario, if it stands there.
    fn zone_error(&mut self, zone: &written::Zone, text: &str, error: dns::ZoneError) {
        let message = format!("zone {}: {}", zone.origin, error.found);
        let line = (error.line as usize).checked_sub(1).and_then(|line| text.lines().nth(line)).unwrap_or_default();
        let source = &self.sources.text;
        match source.find(line).filter(|_| !line.is_empty() && zone.text.is_some()) {
            Some(at) => {
                let problem = Problem::new(&self.sources.file, source, at..at + line.len(), message);
                self.problems.push(problem.help(error.expected));
            }
            None => self.problem(&zone.origin, message, Some(error.expected)),
        }
    }

    fn link(&mut self, link: &written::Link) -> Link {
        let mut effects = Vec::new();
        if let Some(latency) = &link.latency {
            effects.push(Effect::Latency(self.duration(latency)));
        }
        if let Some(percent) = link.loss {
            effects.push(Effect::LossPpm((percent.clamp(0.0, 100.0) * 10_000.0) as u32));
        }
        effects.extend(link.bandwidth.map(Effect::Bandwidth));
        effects.extend(link.block.map(|kind| Effect::Block(kind.into())));
        let mut end = |name: &Option<String>| name.as_deref().and_then(|name| self.host_index(name));
        let (from, to) = (end(&link.from), end(&link.to));
        Link { name: link.name.clone().unwrap_or_default(), from, to, port: link.port, effects }
    }

    fn step(&mut self, step: &written::Step) -> Option<Step> {
        Some(match step {
            written::Step::Wait(time) => Step::Wait(self.duration(time)),
            written::Step::At(time) => Step::At(self.duration(time)),
            written::Step::Settle(time) => Step::Settle(self.duration(time)),
            written::Step::Narrate { en, de } => Step::Narrate(written::Text { en: en.clone(), de: de.clone() }),
            written::Step::Send(send) => {
                let host = self.host_index(&send.host);
                self.user(host, &send.user);
                Step::Send { host: host?, mail: Box::new(send.clone()) }
            }
            written::Step::Fetch(fetch) => {
                let host = self.host_index(&fetch.host);
                self.user(host, &fetch.user);
                Step::Fetch { host: host?, fetch: Box::new(fetch.clone()) }
            }
            written::Step::Run(run) => {
                let host = self.host_index(&run.host);
                if let Some(user) = &run.user {
                    self.user(host, user);
                }
                let written::Run { user, command, stdin, .. } = run.clone();
                Step::Run { host: host?, user, command, stdin }
            }
            written::Step::Dialogue(dialogue) => {
                let (from, to) = (self.host_index(&dialogue.from), self.server(&dialogue.to));
                Step::Dialogue { from: from?, to: to?, send: dialogue.send.clone() }
            }
            written::Step::Down(name) => Step::Down(self.host_index(name)?),
            written::Step::Up(name) => Step::Up(self.host_index(name)?),
            written::Step::Fault(link) => Step::Fault(self.link(link)),
            written::Step::Repair(name) => {
                if !self.faults.contains(name) {
                    let help = nearest(name, self.faults.iter().map(String::as_str));
                    let help = help.map(|near| format!("did you mean `{near}`?"));
                    self.problem(name, format!("no link and no fault has the name `{name}`"), help);
                }
                Step::Repair(name.clone())
            }
            written::Step::Write(write) => {
                self.path(&write.path);
                let host = self.host_index(&write.host)?;
                Step::Write { host, path: write.path.clone(), text: write.text.clone() }
            }
            written::Step::Expect(expect) => {
                let (Expect::Mailbox { host, .. }
                | Expect::File { host, .. }
                | Expect::Queue { host, .. }
                | Expect::Log { host, .. }) = expect
                else {
                    return Some(Step::Expect(expect.clone()));
                };
                let index = self.host_index(host);
                if let Expect::Mailbox { user, .. } = expect {
                    self.user(index, user);
                }
                Step::Expect(expect.clone())
            }
        })
    }

    /// Overlay folders of hosts that do not exist.
    fn unused_overlay(&mut self) {
        let folders: BTreeSet<&String> = self.sources.overlay.keys().map(|(host, _)| host).collect();
        for folder in folders {
            if !self.names.contains(folder) {
                let mut problem =
                    Problem::new(&self.sources.file, &self.sources.text, 0..0, format!("no host for `hosts/{folder}`"));
                problem.help = nearest(folder, self.names.iter().map(String::as_str))
                    .map(|near| format!("did you mean `{near}`?"));
                self.problems.push(problem);
            }
        }
    }
}

/// Reads `1h30m`, `10s`, `250ms`, `2d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_end = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
        let millis = match &rest[..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = rest[unit_end..].trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Scenario, Vec<Problem>> {
        Scenario::load(&Sources { file: "x.ron".into(), text: text.into(), ..Sources::default() })
    }

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("10s", Some(10)), ("1h30m", Some(5400)), ("2d", Some(172_800)), ("10", None), ("", None), ("5x", None)]
        {
            assert_eq!(parse_duration(text).map(|time| time.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn every_unknown_name_is_reported_at_its_place() {
        let text = r#"(
  title: (en: "a", de: "b"), summary: (en: "", de: ""),
  hosts: [(name: "mx1", addresses: ["192.0.2.300"], users: [(name: "alice")])],
  script: [
    Down("mx2"),
    Run((host: "mx1", user: "alise", command: "id")),
    Wait("ten"),
  ],
)"#;
        let found: Vec<String> = load(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "x.ron:3:38: not an IP address: `192.0.2.300`; an address as in \"192.0.2.10\" or \"2001:db8::10\"",
                "x.ron:5:11: unknown host `mx2`; did you mean `mx1`?",
                "x.ron:6:30: the host has no user `alise`; did you mean `alice`?",
                "x.ron:7:11: not a stretch of time: `ten`; numbers with units ms, s, m, h or d, as in \"1h30m\"",
            ]
        );
    }

    #[test]
    fn a_zone_needs_a_server() {
        let text = r#"(
  title: (en: "a", de: "b"), summary: (en: "", de: ""),
  zones: [(origin: "example.org", text: "@ MX 10 mx")],
  hosts: [(name: "mx", addresses: ["192.0.2.1"])],
)"#;
        let problems = load(text).unwrap_err();
        assert_eq!((problems.len(), problems[0].line), (1, 3));
    }
}
