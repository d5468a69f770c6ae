//! From a case to a world: hosts with their files, name server, sinks, dead addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use smol_str::SmolStr;

use super::case::{Case, DeadMode, FullFile, HostKind, HostSpec, SinkScript, Step};
use super::run::{ConformError, Runner};
use super::sink::{SCRIPT_FILE, Sink};
use crate::host::Host;
use crate::host::layout::{self, UserSpec};
use crate::host::vfs::{Cred, Errno};
use crate::scenario::dialogue::seconds;
use crate::sim::{HostId, ProcId, Time};
use crate::trace::{Actor, Level};
use crate::world::World;

/// When every case begins: the certificates of the cases are valid then.
const START: &str = "2026-11-21T12:00:00Z";
/// The one name server.
const DNS_ADDR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 53));
/// The host from whose addresses dialogues come.
pub(super) const OUTSIDE: &str = "(outside)";
const DNS_HOST: &str = "(dns)";

/// What a host has when the case does not say otherwise.
const MASTER_CF: &str = include_str!("../../tests/golden/template/master.cf");
const MAIN_CF: &str = "compatibility_level = 3.6\n";
const ALIASES: &str = include_str!("../../tests/golden/template/aliases");
/// Age in seconds of the files a host has by itself, and of those a case gives.
const TEMPLATE_AGE: f64 = 7200.0;
const FILE_AGE: f64 = 600.0;

/// A host of a case in the world.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub name: String,
    pub id: HostId,
    pub spec: HostSpec,
    pub kind: HostKind,
    /// The process of a sink.
    pub sink: Option<ProcId>,
}

/// Builds the world of a case and starts Postfix on its hosts.
pub(super) fn build(case: &Case) -> Result<Runner, ConformError> {
    let start = Time::parse(START).map_err(ConformError::Case)?;
    let mut world = World::new(1, start, Level::Full);
    add_name_server(case, &mut world)?;
    add_outside(case, &mut world)?;
    let mut members = Vec::new();
    for (name, spec) in case.hosts.iter() {
        members.extend(add_host(name, spec, &mut world)?);
    }
    let mut runner = Runner::new(world, members);
    for index in 0..runner.members.len() {
        let member = runner.members[index].clone();
        if member.kind == HostKind::Postfix {
            runner.prepare(&member)?;
        }
    }
    for index in 0..runner.members.len() {
        let member = runner.members[index].clone();
        if member.kind == HostKind::Postfix && member.spec.start != Some(false) {
            runner.start_postfix(&member);
        }
    }
    Ok(runner)
}

fn plain_host(name: &str, fqdn: &str, addrs: Vec<IpAddr>, world: &World) -> layout::HostSpec {
    let mut spec = layout::HostSpec::new(HostId(0), name, fqdn, world.now());
    spec.addrs = addrs;
    spec.seed = world.seed();
    spec.resolvers = vec![DNS_ADDR];
    spec
}

fn finish(spec: &layout::HostSpec) -> Result<Host, ConformError> {
    layout::build(spec).map_err(|error| ConformError::Case(format!("host {}: {error}", spec.name)))
}

fn add_name_server(case: &Case, world: &mut World) -> Result<(), ConformError> {
    let mut host = finish(&plain_host(DNS_HOST, "ns.oracle-dns.test", vec![DNS_ADDR], world))?;
    let mut zones: Vec<(String, String)> =
        case.zones.iter().map(|(origin, text)| (origin.to_owned(), text.clone())).collect();
    if case.zones.get(".").is_none() {
        zones.push((".".into(), String::new()));
    }
    let server = super::name_server::name_server(&zones, &mut host)?;
    let id = world.add_host(host);
    world.start(id, server, Actor::Daemon);
    Ok(())
}

/// All addresses from which dialogues come and that belong to no host.
fn add_outside(case: &Case, world: &mut World) -> Result<(), ConformError> {
    let addrs: BTreeSet<IpAddr> = case
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Session(session) => session.from.parse().ok(),
            _ => None,
        })
        .collect();
    if !addrs.is_empty() {
        let host = finish(&plain_host(OUTSIDE, "outside.test", addrs.into_iter().collect(), world))?;
        world.add_host(host);
    }
    Ok(())
}

fn add_host(name: &str, spec: &HostSpec, world: &mut World) -> Result<Option<Member>, ConformError> {
    let kind = spec.kind();
    if kind == HostKind::Dead(DeadMode::Unreachable) {
        return Ok(None);
    }
    let fqdn = spec.fqdn.as_deref().unwrap_or(name);
    let mut addrs = vec![spec.addr];
    addrs.extend(spec.addr6);
    addrs.extend(&spec.extra_addrs);
    let mut plain = plain_host(name, fqdn, addrs, world);
    if let Some(hostname) = &spec.hostname {
        plain.hostname = hostname.into();
    }
    plain.prefix4 = spec.prefix.unwrap_or(24);
    plain.users = spec.users.iter().map(|user| UserSpec { name: user.into(), ..UserSpec::default() }).collect();
    let mut host = finish(&plain)?;
    let failed = |error: Errno| ConformError::Case(format!("files of {name}: {error}"));
    if kind == HostKind::Postfix {
        write_template(&mut host, spec, world.now()).map_err(failed)?;
        crate::world::install_programs(&mut host);
    }
    let id = world.add_host(host);
    let mut sink = None;
    match (kind, &spec.sink) {
        (HostKind::Sink, script) => {
            let script = script.clone().unwrap_or_default();
            sink = Some(world.start(id, Box::new(Sink::new(fqdn, &script)), Actor::Daemon));
        }
        (HostKind::Dead(DeadMode::Timeout), _) => world.set_silent(id, true),
        _ => {}
    }
    Ok(Some(Member { name: name.to_owned(), id, spec: spec.clone(), kind, sink }))
}

/// The files that every Postfix host has before the case's own, but for the compiled aliases.
fn write_template(host: &mut Host, spec: &HostSpec, now: Time) -> Result<(), Errno> {
    // The recordings were made on small disks (`queue_minfree`).
    host.vfs.capacity = 2 << 30;
    // Only the first address of each family stands in the host's own line.
    let mut hosts = "127.0.0.1\tlocalhost\n".to_owned();
    for addr in std::iter::once(spec.addr).chain(spec.addr6) {
        hosts.push_str(&format!("{addr}\t{}\t{}\n", host.fqdn, host.hostname));
    }
    host.vfs.write("/etc/hosts", hosts, 0o644, &Cred::ROOT)?;
    write_file(host, "/etc/postfix/main.cf", &template(MAIN_CF), &[], now)?;
    write_file(host, "/etc/postfix/master.cf", &template(MASTER_CF), &[], now)?;
    write_file(host, "/etc/aliases", &template(ALIASES), &[], now)
}

fn template(text: &str) -> FullFile {
    FullFile { text: text.to_owned(), mode: None, owner: None, age: Some(TEMPLATE_AGE) }
}

/// The case's own files, after the template's aliases were compiled.
pub(super) fn write_files(host: &mut Host, spec: &HostSpec, now: Time) -> Result<(), Errno> {
    let old = now - seconds(TEMPLATE_AGE);
    // Without a compiled file the case shows it by its own log lines.
    host.vfs.set_mtime("/etc/aliases.db", old, &Cred::ROOT).ok();
    host.vfs.unlink("/etc/postfix/main.cf", &Cred::ROOT)?;
    for (path, file) in spec.files.iter() {
        write_file(host, path, &file.full(), &spec.users, now)?;
    }
    Ok(())
}

fn write_file(host: &mut Host, path: &str, file: &FullFile, users: &[String], now: Time) -> Result<(), Errno> {
    let root = Cred::ROOT;
    if let Some((dir, _)) = path.rsplit_once('/') {
        host.vfs.mkdir_all(dir)?;
    }
    let by_default = if file.text.starts_with("#!") { 0o755 } else { 0o644 };
    let mode = file.mode.as_deref().and_then(|mode| u16::from_str_radix(mode, 8).ok()).unwrap_or(by_default);
    host.vfs.write(path, file.text.as_str(), mode, &root)?;
    host.vfs.chmod(path, mode, &root)?;
    host.vfs.set_mtime(path, now - seconds(file.age.unwrap_or(FILE_AGE)), &root)?;
    let home_of = path.strip_prefix("/home/").and_then(|rest| rest.split_once('/')).map(|(user, _)| user);
    let owner = file.owner.as_deref().or(home_of);
    let Some(index) = owner.and_then(|owner| users.iter().position(|user| user == owner)) else { return Ok(()) };
    let uid = 1000 + index as u32;
    host.vfs.chown(path, Some(uid), Some(uid), &root)?;
    // Directories on the way belong to the user, too, as far as they lie in the home directory.
    let home = format!("/home/{}", users[index]);
    let mut dir = path;
    while let Some((parent, _)) = dir.rsplit_once('/') {
        if !parent.starts_with(&home) {
            break;
        }
        host.vfs.chown(parent, Some(uid), Some(uid), &root)?;
        dir = parent;
    }
    Ok(())
}

/// Writes a new script for a sink.
pub(super) fn write_sink_script(host: &mut Host, script: &SinkScript) -> Result<(), ConformError> {
    let text = serde_json::to_string(script).map_err(|error| ConformError::Case(error.to_string()))?;
    host.vfs
        .write(SCRIPT_FILE, text, 0o644, &Cred::ROOT)
        .map(|_| ())
        .map_err(|error| ConformError::Case(format!("{SCRIPT_FILE}: {error}")))
}

/// The environment of every command of a case.
pub(super) fn environment(user: Option<&str>) -> Vec<(SmolStr, String)> {
    let home = user.map_or("/root".to_owned(), |user| format!("/home/{user}"));
    let user = user.unwrap_or("root");
    [
        ("HOME", home.as_str()),
        ("LANG", "C.UTF-8"),
        ("LOGNAME", user),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("SHELL", "/bin/sh"),
        ("TERM", "dumb"),
        ("TZ", "UTC"),
        ("USER", user),
    ]
    .map(|(name, value)| (SmolStr::new(name), value.to_owned()))
    .to_vec()
}
