//! What the course's notes say, held against the hosts: every row of the coverage table names a
//! fact, a command, a file or a log line of the notes; here it is tried out, or the page of the
//! book is named that explains it.
//!
//! `coverage/rows.ron` has one entry per row, `coverage/world.ron` is the world they are tried in.

#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mxlab::host::{Command, Exit};
use mxlab::scenario::{Scenario, Sources, login_spawn};
use mxlab::sim::Duration;
use mxlab::trace::Actor;
use mxlab::world::World;
use serde::Deserialize;

/// Seeds of the table and the number of their last rows; one row stands between two others.
const SEEDS: [(&str, u32); 5] = [("000", 42), ("001", 71), ("002", 52), ("003", 19), ("004", 36)];
const BETWEEN: &str = "001-45b";

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    /// The fact, in a few words.
    says: String,
    /// What is tried; each in the state that the one before left.
    #[serde(default)]
    tried: Vec<Try>,
    /// Where the book explains what cannot be tried: page and a text on it.
    #[serde(default)]
    book: Option<(String, String)>,
    /// What is missing for it.
    #[serde(default)]
    pending: Option<String>,
}

/// A command line and what is seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    on: String,
    #[serde(default = "root")]
    user: String,
    run: String,
    #[serde(default)]
    stdin: String,
    /// Whether it is run at a terminal.
    #[serde(default)]
    tty: bool,
    /// Seconds that pass afterwards.
    #[serde(default)]
    wait: u64,
    /// Texts in what it writes, in this order.
    #[serde(default)]
    shows: Vec<String>,
    /// Texts that are not in it.
    #[serde(default)]
    hides: Vec<String>,
    #[serde(default)]
    status: Option<u8>,
    /// Events of the trace since the row began: each an event's name and texts in its JSON line, in
    /// this order.
    #[serde(default)]
    events: Vec<(String, Vec<String>)>,
}

fn root() -> String {
    "root".into()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/coverage")
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(folder().join("rows.ron")).unwrap();
    ron::from_str(&text).unwrap_or_else(|error| panic!("rows.ron:{error}"))
}

fn world() -> World {
    let text = fs::read_to_string(folder().join("world.ron")).unwrap();
    let sources = Sources { name: "coverage".into(), file: "world.ron".into(), text, ..Sources::default() };
    let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut world = scenario.build(scenario.seed, scenario.level).unwrap();
    let rest = world.now() + Duration::from_secs(60);
    world.advance(rest);
    world
}

/// Runs a command line to its end.
fn run(world: &mut World, step: &Try) -> Exit {
    let host = world.find(&step.on).unwrap_or_else(|| panic!("no host {}", step.on));
    let mut spawn = login_spawn(world.host(host), Some(&step.user), &step.run, &step.stdin);
    spawn.command = Command::Exec(vec!["bash".into(), "-c".into(), step.run.clone()]);
    spawn.tty = step.tty;
    let proc = world.spawn(host, spawn, Actor::Student);
    let end = world.now() + Duration::from_secs(600);
    let exit = loop {
        if let Some(exit) = world.exited(host, proc) {
            break exit;
        }
        if !world.step(end) {
            let stderr = b"(still running after ten minutes)".to_vec();
            break Exit { status: 255, stderr, ..Exit::default() };
        }
    };
    let later = world.now() + Duration::from_secs(step.wait);
    world.advance(later);
    exit
}

/// What is wrong with one attempt.
fn judge(world: &World, first_event: u64, step: &Try, exit: &Exit) -> Option<String> {
    let shown = String::from_utf8_lossy(&[exit.stdout.as_slice(), &exit.stderr].concat()).into_owned();
    let mut rest = shown.as_str();
    for text in &step.shows {
        match rest.find(text.as_str()) {
            Some(at) => rest = &rest[at + text.len()..],
            None => return Some(format!("{text:?} is missing in\n{shown}(status {})", exit.status)),
        }
    }
    if let Some(text) = step.hides.iter().find(|text| shown.contains(text.as_str())) {
        return Some(format!("{text:?} is in\n{shown}"));
    }
    if step.status.is_some_and(|status| status != exit.status) {
        return Some(format!("status {} in place of {:?}\n{shown}", exit.status, step.status));
    }
    let mut events = world.trace().iter().filter(|event| event.id.0 > first_event);
    for (name, texts) in &step.events {
        let fits = |event: &&mxlab::trace::Event| {
            let json = world.trace().json(event);
            event.kind.name() == name && texts.iter().all(|text| json.contains(text.as_str()))
        };
        if events.find(fits).is_none() {
            return Some(format!("no event {name} with {texts:?} follows\n{shown}"));
        }
    }
    None
}

/// What is wrong with a row.
fn examine(row: &Row, world: &World, pages: &BTreeMap<String, String>) -> Option<String> {
    if let Some((page, text)) = &row.book {
        let found = pages.get(page).is_some_and(|content| content.contains(text.as_str()));
        return (!found).then(|| format!("the book's page {page} does not say {text:?}"));
    }
    let mut world = world.clone();
    let first_event = world.trace().len();
    row.tried.iter().find_map(|step| {
        let exit = run(&mut world, step);
        judge(&world, first_event, step, &exit).map(|wrong| format!("$ {}\n{wrong}", step.run))
    })
}

#[test]
fn every_row_has_an_entry() {
    let mut expected: BTreeSet<String> =
        SEEDS.iter().flat_map(|(seed, last)| (1..=*last).map(move |row| format!("{seed}-{row:02}"))).collect();
    expected.insert(BETWEEN.into());
    let rows = rows();
    let ids: BTreeSet<String> = rows.iter().map(|row| row.id.clone()).collect();
    assert_eq!(ids.len(), rows.len(), "no row twice");
    assert_eq!(expected.difference(&ids).collect::<Vec<_>>(), Vec::<&String>::new(), "without an entry");
    assert_eq!(ids.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new(), "unknown");
    for row in rows {
        let ways =
            usize::from(!row.tried.is_empty()) + usize::from(row.book.is_some()) + usize::from(row.pending.is_some());
        assert_eq!(ways, 1, "{} ({}) is either tried, or explained, or pending", row.id, row.says);
    }
}

#[test]
fn every_row_is_as_the_table_says() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src");
    let pages = fs::read_dir(pages).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let pages: BTreeMap<String, String> = pages.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect();
    let world = world();
    let mut wrong = Vec::new();
    let rows = rows();
    for row in rows.iter().filter(|row| row.pending.is_none()) {
        if let Some(text) = examine(row, &world, &pages) {
            wrong.push(format!("{} ({}): {text}", row.id, row.says));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n---\n"));
}
