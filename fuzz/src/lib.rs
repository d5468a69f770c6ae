//! What several fuzz targets share: a bare host, a running Postfix, a way to let them run.

use std::sync::OnceLock;

use mxlab::host::layout::{HostSpec, UserSpec, build};
use mxlab::host::{Exit, Host};
use mxlab::scenario::{Scenario, Sources, login_spawn};
use mxlab::sim::{Duration, HostId, Time};
use mxlab::trace::{Actor, Level};
use mxlab::world::{World, install_programs};

/// Steps of the world that one input may cost; more is a hang.
const MAX_STEPS: u64 = 200_000;

/// One host with its own zone, with Postfix and the users alice and bob.
const SITE: &str = r#"(
  title: (en: "a", de: "a"), summary: (en: "", de: ""),
  zones: [(origin: "example.com", text: "@ MX 10 mx1\nmx1 A 192.0.2.10")],
  hosts: [
    (name: "dns", addresses: ["203.0.113.53"], fqdn: "resolver.example.net", preset: DnsServer),
    (name: "mx1", addresses: ["192.0.2.10"], fqdn: "mx1.example.com", preset: InternetSite,
     mail: (name: "example.com"), users: [(name: "alice", password: "x"), (name: "bob", password: "x")]),
  ],
)"#;

/// The text of arbitrary octets.
pub fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// Octets in pieces whose lengths follow from the octets themselves.
pub fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let (piece, left) = rest.split_at(rest.len().min(1 + usize::from(first % 7)));
        rest = left;
        Some(piece)
    })
}

/// A Debian host with alice and bob, all commands, and nothing running.
pub fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    let new = || {
        let now = Time::from_secs(1_795_262_400);
        let user = |name: &str| UserSpec { name: name.into(), password: Some("x".into()), full_name: None };
        let spec = HostSpec {
            users: vec![user("alice"), user("bob")],
            ..HostSpec::new(HostId(0), "mx1", "mx1.example.com", now)
        };
        let mut host = build(&spec).expect("a host");
        install_programs(&mut host);
        host
    };
    HOST.get_or_init(new).clone()
}

/// A world in which only [`host`] is.
pub fn lone_world() -> (World, HostId) {
    let mut world = World::new(1, Time::from_secs(1_795_262_400), Level::Full);
    let id = world.add_host(host());
    (world, id)
}

/// The scenario of [`site`].
pub fn site_scenario() -> Scenario {
    let sources = Sources { name: "site".into(), file: "site.ron".into(), text: SITE.into(), ..Sources::default() };
    Scenario::load(&sources).expect("a valid scenario")
}

/// A name server, and mx1 with Postfix for example.com.
pub fn site() -> (World, HostId) {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| site_scenario().build(1, Level::Full).expect("a world")).clone();
    let id = world.find("mx1").expect("mx1");
    (world, id)
}

/// Runs a command line as a user to its end, for at most an hour.
///
/// # Panics
/// It keeps the world busy without end.
pub fn run(world: &mut World, host: HostId, user: &str, line: &str, stdin: &str) -> Option<Exit> {
    let spawn = login_spawn(world.host(host), Some(user), line, stdin);
    let proc = world.spawn(host, spawn, Actor::Scenario);
    let end = world.now() + Duration::from_secs(3600);
    for _ in 0..MAX_STEPS {
        if let Some(exit) = world.exited(host, proc) {
            return Some(exit);
        }
        if !world.step(end) {
            return None;
        }
    }
    panic!("`{line}` keeps the world busy");
}

/// Lets time pass.
///
/// # Panics
/// Something keeps the world busy without end.
pub fn pass(world: &mut World, seconds: u64) {
    let end = world.now() + Duration::from_secs(seconds);
    for _ in 0..MAX_STEPS {
        if !world.step(end) {
            return;
        }
    }
    panic!("something keeps the world busy");
}
