//! The trace is a public format: its events and fields are those of the book's reference.

#![allow(clippy::disallowed_methods, reason = "this test reads the book and the source")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The events that every version of the format has, with the fields that each has at least. In
/// JSON lines `host`, `actor`, `time` and `cause` are fields of every event.
const COURSE: &[(&str, &str)] = &[
    ("dns.query", "from resolver qname qtype"),
    ("dns.answer", "rcode records cached"),
    ("tcp.connect", "from to port result"),
    ("smtp.session", "session client server port"),
    ("smtp.cmd", "session line"),
    ("smtp.reply", "session code enhanced text"),
    ("smtp.tls", "session version peer_name verified"),
    ("smtp.auth", "mechanism user ok encrypted"),
    ("policy.step", "list restriction result"),
    ("policy.verdict", "action text"),
    ("mua.compose", "user account"),
    ("mua.send", "user account"),
    ("mua.fetch", "user account"),
    ("queue.enter", "queue_id queue sender rcpts via"),
    ("queue.move", "queue_id queue"),
    ("queue.leave", "queue_id queue"),
    ("route.decide", "rcpt class transport nexthop"),
    ("rewrite", "kind field from to"),
    ("alias.expand", "name source results"),
    ("deliver", "queue_id rcpt orig_to agent target uid dsn status"),
    ("bounce", "queue_id to dsn reason"),
    ("delay.warn", "queue_id to dsn reason"),
    ("map.build", "file entries duplicates"),
    ("config.load", "how changed"),
    ("filter.verdict", "queue_id result"),
    ("spf.eval", "queue_id result"),
    ("dnsbl.query", "result"),
    ("pop.cmd", "user line reply"),
    ("imap.cmd", "user line reply"),
    ("mra.poll", "server count"),
    ("sieve.action", "user action"),
    ("file.write", "path by"),
    ("log.line", "file text"),
];

/// Events and their fields as the source declares them.
fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let source = fs::read_to_string("src/trace/event.rs").unwrap();
    let body = source.split("pub enum Kind {").nth(1).unwrap().split("\n}").next().unwrap();
    let mut events = BTreeMap::new();
    for part in body.split("#[serde(rename = \"").skip(1) {
        let (name, rest) = part.split_once('"').unwrap();
        let fields = rest.split_once('{').unwrap().1;
        let names = fields.split(['{', '}', ',', '\n']).filter_map(|field| field.split_once(':'));
        let names = names.map(|(name, _)| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        events.insert(name.to_owned(), names);
    }
    events
}

/// Rows `| name | fields | meaning |` of the book's table.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string("book/src/trace.md").unwrap();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').collect::<Vec<_>>());
    rows.filter(|cells| cells.len() == 5).map(|cells| (names(cells[1]).pop_first().unwrap(), names(cells[2]))).collect()
}

#[test]
fn the_course_finds_its_events_with_their_fields() {
    let declared = declared();
    for (name, fields) in COURSE {
        let known = declared.get(*name).unwrap_or_else(|| panic!("no event {name}"));
        for field in fields.split(' ') {
            assert!(known.contains(field), "{name} has no field {field}: {known:?}");
        }
    }
}

#[test]
fn the_book_lists_every_event_with_every_field() {
    assert_eq!(documented(), declared());
}
