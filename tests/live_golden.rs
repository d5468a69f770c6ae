//! The golden SMTP dialogues over real loopback sockets: a real client hears what Postfix 3.7 said.
#![cfg(feature = "live")]
#![allow(clippy::disallowed_methods, reason = "these tests are real clients: they read their cases, connect and wait")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mxlab::conform::{self, normalise};
use mxlab::live::plan::{Choice, Service};
use mxlab::live::{Gateway, Options};
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use serde_json::{Value, json};

/// The world's speed: pauses that a server makes after errors need not be sat out.
const PERMILLE: u64 = 10_000;
/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(20);
const MASTER_CF: &str = include_str!("golden/template/master.cf");
const ALIASES: &str = include_str!("golden/template/aliases");

/// A RON string.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The name of the workstation at an address outside the case's hosts.
fn client(from: &str) -> String {
    from.strip_prefix('@').map_or_else(|| format!("client-{}", from.replace(['.', ':'], "-")), str::to_owned)
}

/// The case's hosts and zones as a scenario.
fn scenario(case: &Value) -> Scenario {
    let mut ron = "(title: (en: \"\", de: \"\"), summary: (en: \"\", de: \"\"), start: \"2026-11-21T12:00:00Z\", \
                   zones: ["
        .to_owned();
    let mut broken = String::new();
    for (origin, text) in case["zones"].as_object().into_iter().flatten() {
        let name = origin.trim_end_matches('.');
        let text = match text_of(text) {
            // A zone that cannot be loaded is answered with SERVFAIL.
            "SERVFAIL" => {
                let _ = write!(broken, "\"/etc/bind/db.{name}\": \"no zone\",");
                ""
            }
            text => text,
        };
        let _ = write!(ron, "(origin: {}, text: {}),", quoted(name), quoted(text));
    }
    ron += "], hosts: [";
    let _ = write!(
        ron,
        "(name: \"dns\", addresses: [\"192.0.2.53\"], fqdn: \"ns.oracle-dns.test\", preset: DnsServer, \
         files: {{{broken}}}),"
    );
    for (name, host) in case["hosts"].as_object().into_iter().flatten() {
        let address = text_of(&host["addr"]);
        let fqdn = host["fqdn"].as_str().unwrap_or(name);
        let _ = write!(ron, "(name: {}, addresses: [{}], fqdn: {}, ", quoted(name), quoted(address), quoted(fqdn));
        ron += "preset: InternetSite, users: [";
        for user in host["users"].as_array().into_iter().flatten() {
            let _ = write!(ron, "(name: {}),", quoted(text_of(user)));
        }
        ron += "], files: {";
        let mut files: std::collections::BTreeMap<&str, &str> =
            [("/etc/postfix/master.cf", MASTER_CF), ("/etc/aliases", ALIASES)].into();
        for (path, file) in host["files"].as_object().into_iter().flatten() {
            files.insert(path, file["text"].as_str().unwrap_or(text_of(file)));
        }
        for (path, text) in files {
            let _ = write!(ron, "{}: {},", quoted(path), quoted(text));
        }
        ron += "}, setup: [";
        for line in host["setup"].as_array().into_iter().flatten() {
            let _ = write!(ron, "{},", quoted(text_of(line)));
        }
        ron += "]),";
    }
    let outside: BTreeSet<&str> = sessions(case).map(|session| text_of(&session["from"])).collect();
    for from in outside.into_iter().filter(|from| !from.starts_with('@')) {
        let _ = write!(ron, "(name: {}, addresses: [{}]),", quoted(&client(from)), quoted(from));
    }
    ron += "])";
    let sources = Sources { name: "golden".into(), file: "golden.ron".into(), text: ron, ..Sources::default() };
    Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn sessions(case: &Value) -> impl Iterator<Item = &Value> {
    case["steps"].as_array().into_iter().flatten().filter_map(|step| step.get("session"))
}

/// A real client that follows the items of a dialogue.
struct Dialogue {
    stream: TcpStream,
    buffer: Vec<u8>,
    lines: Vec<String>,
    code: String,
    closed: bool,
}

impl Dialogue {
    /// Reads what comes within a time; false if nothing did.
    fn read(&mut self, limit: Duration) -> bool {
        let limit = limit.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(limit)).expect("a time-out");
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.closed = true,
            Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
            Err(_) => self.closed = true,
        }
        true
    }

    /// Takes a line that is there; tells whether it ends a reply.
    fn line(&mut self) -> Option<bool> {
        let end = self.buffer.iter().position(|octet| *octet == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        let line = conform::text::decode(line.trim_ascii_end());
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        if is_last {
            self.code = line.chars().take(3).collect();
        }
        self.lines.push(line);
        Some(is_last)
    }

    fn reply(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.line() {
                Some(true) => return,
                Some(false) => continue,
                None if self.closed => return,
                None => assert!(Instant::now() < end && self.read(PATIENCE), "no reply after {:?}", self.lines),
            }
        }
    }

    /// Reads until nothing has come for a time.
    fn silence(&mut self, span: Duration) {
        loop {
            while self.line().is_some() {}
            if self.closed || !self.read(span) {
                return;
            }
        }
    }

    fn send(&mut self, octets: &[u8]) {
        // A server that has hung up says so where it is read.
        let _ = self.stream.write_all(octets);
    }

    fn play(&mut self, items: &[Value]) {
        let mut in_data = false;
        for item in items {
            if self.closed {
                return;
            }
            if let Some(wait) = item["wait"].as_f64() {
                self.silence(Duration::from_secs_f64(wait));
                continue;
            }
            let octets = match (item.as_str(), item["raw"].as_str(), item["repeat"].as_str()) {
                (Some(line), ..) => format!("{line}\r\n"),
                (_, Some(raw), _) => raw.to_owned(),
                (.., Some(part)) => part.repeat(item["times"].as_u64().unwrap_or(1) as usize) + "\r\n",
                _ => panic!("an item that no client plays: {item}"),
            };
            self.send(octets.as_bytes());
            if item["raw"].is_string() {
                match item["replies"].as_u64() {
                    Some(count) => (0..count).for_each(|_| self.reply()),
                    None => self.silence(Duration::from_secs_f64(item["idle"].as_f64().unwrap_or(1.0))),
                }
                in_data = self.code == "354";
            } else if in_data && octets != ".\r\n" {
                continue;
            } else {
                self.reply();
                in_data = !in_data && self.code == "354";
            }
        }
        let is_parting = ["221", "421", "521"].contains(&self.code.as_str());
        self.silence(Duration::from_millis(if is_parting { 5000 } else { 300 }));
    }
}

fn play(gateway: &Gateway, step: &Value) -> Value {
    let (host, port) = text_of(&step["to"]).rsplit_once(':').expect("host and port");
    let service = Service::ALL.into_iter().find(|service| service.port().to_string() == port).expect("a mail port");
    let bound = gateway.bounds().iter().find(|bound| {
        let place = &bound.place;
        let is_own = host.starts_with("127.") && text_of(&step["from"]).strip_prefix('@') == Some(&place.host);
        place.service == service && (place.host == host || place.inside.ip().to_string() == host || is_own)
    });
    let stream = TcpStream::connect(bound.expect("the host is served").address).expect("the gateway listens");
    let mut dialogue = Dialogue { stream, buffer: Vec::new(), lines: Vec::new(), code: String::new(), closed: false };
    dialogue.reply();
    dialogue.play(step["send"].as_array().expect("items"));
    let _ = dialogue.stream.shutdown(Shutdown::Both);
    json!({"lines": dialogue.lines, "closed": dialogue.closed})
}

/// What is wrong with a case; nothing if it gives the recorded replies.
fn check(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).expect("a case");
    let case: Value = serde_json::from_str(&conform::text::unescape_surrogates(&text)).expect("JSON");
    let mut session = Session::new(Arc::new(scenario(&case)), None, None).expect("a world").without_script();
    let (mut found, mut expected) = (serde_json::Map::new(), serde_json::Map::new());
    for step in sessions(&case) {
        let id = text_of(&step["id"]);
        let choice = Choice { any_port: true, from: Some(client(text_of(&step["from"]))), ..Choice::default() };
        let options = Options { choice, permille: PERMILLE, ..Options::default() };
        let gateway = Gateway::start(session, options).expect("loopback sockets can be opened");
        found.insert(id.to_owned(), play(&gateway, step));
        session = gateway.stop().expect("the driver ends in good order");
        let recorded = &case["expect"]["sessions"][id];
        expected.insert(id.to_owned(), json!({"lines": recorded["lines"], "closed": recorded["closed"]}));
    }
    let found = normalise(&json!({"sessions": found}));
    let differences = conform::differences(&json!({"sessions": expected}), &found, &[]);
    (!differences.is_empty()).then(|| format!("{}: {differences:#?}\n", file.display()))
}

#[test]
fn the_smtp_family_gives_the_recorded_replies_over_sockets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cases");
    let entries = std::fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a file").path());
    let is_smtp = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("smtp-"));
    let mut files: Vec<PathBuf> = entries.filter(is_smtp).collect();
    files.sort();
    assert!(files.len() >= 48, "{} cases", files.len());
    // Most of the time is waiting for silence.
    let next = AtomicUsize::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            std::iter::from_fn(|| files.get(next.fetch_add(1, Ordering::Relaxed)))
                .filter_map(|file| check(file))
                .collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..6).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{} of {} cases differ\n{}", failures.len(), files.len(), failures.concat());
}
