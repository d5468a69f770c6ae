//! Every built-in scenario proves its point and tells a story that fits the terminal.

#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

#[path = "support/scenarios.rs"]
mod repository;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mxlab::scenario::Step;
use mxlab::session::story::{self, Detail, Lang, Style};
use mxlab::session::{Input, Recording, Session};
use repository::{names, played};

#[test]
fn every_scenario_plays_to_its_end_and_meets_its_expectations() {
    let names = names();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let session = played(&name);
        assert!(session.is_script_done(), "{name}");
        let story = story::tell(&session, &Style::default());
        assert_eq!(session.failed_expectations(), 0, "{name}\n{story}");
        let expects = |step: &Step| matches!(step, Step::Expect(_));
        assert!(session.scenario().script.iter().any(expects), "{name} proves nothing");
        let narrates = |step: &Step| matches!(step, Step::Narrate(_));
        assert!(session.scenario().script.iter().any(narrates), "{name} tells nothing");
    }
}

#[test]
fn stories_fit_80_columns_and_have_all_their_words() {
    for name in names() {
        let session = played(&name);
        for lang in [Lang::En, Lang::De] {
            for detail in [Detail::Quiet, Detail::Normal, Detail::Verbose] {
                let story = story::tell(&session, &Style { lang, detail, ..Style::default() });
                for line in story.lines() {
                    assert!(line.chars().count() <= 80, "{name}: {line}");
                    assert!(!line.contains('\u{1b}'), "{name}: {line}");
                }
            }
        }
    }
}

#[test]
fn colours_do_not_change_the_words() {
    let session = played("first-mail");
    let plain = story::tell(&session, &Style::default());
    let coloured = story::tell(&session, &Style { colour: true, ..Style::default() });
    let mut stripped = String::new();
    for (index, part) in coloured.split('\u{1b}').enumerate() {
        let text = if index == 0 { part } else { part.split_once('m').map_or("", |(_, text)| text) };
        stripped.push_str(text);
    }
    assert_ne!(plain, coloured);
    let trimmed = |text: &str| text.lines().map(str::trim_end).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(trimmed(&plain), trimmed(&stripped));
}

#[test]
fn a_filter_shows_only_what_it_names() {
    let session = played("first-mail");
    let style = Style { events: vec!["mx.".into(), "queue.move".into()], ..Style::default() };
    let story = story::tell(&session, &style);
    assert!(story.contains("servers of example.org in order"));
    assert!(story.contains("moves from incoming to active"));
    assert!(!story.contains("EHLO"));
}

#[test]
fn the_first_mail_passes_all_its_stations_in_order() {
    let story = story::tell(&played("first-mail"), &Style::default());
    let stations = [
        "alice writes to bob@example.org",
        "ws1 ──▶ smtp  STARTTLS",
        "has logged in (PLAIN, encrypted)",
        "smtpd_relay_restrictions: permitted",
        "because permit_sasl_authenticated",
        "MX example.org?  10 gw.example.org",
        "smtp ──▶ gw   connects to port 25",
        "gw ──▶ hub    connects to port 25",
        "bob@example.org: put into /var/mail/bob",
        "bob: one mail fetched over IMAP",
        "delivered: 1",
    ];
    let mut rest = story.as_str();
    for station in stations {
        let at = rest.find(station).unwrap_or_else(|| panic!("{station} is missing in\n{story}"));
        rest = &rest[at..];
    }
}

#[test]
fn stories_read_as_they_were_approved() {
    for name in ["first-mail", "greylisted-retry", "alias-expansion", "blocked-port-25"] {
        insta::assert_snapshot!(name, story::tell(&played(name), &Style::default()));
    }
    let german = Style { lang: Lang::De, detail: Detail::Quiet, ..Style::default() };
    insta::assert_snapshot!("double-bounce-de-quiet", story::tell(&played("double-bounce"), &german));
}

#[test]
fn the_readme_shows_the_story_that_is_told() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let story = story::tell(&played("first-mail"), &Style::default());
    let excerpt = readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    for part in excerpt.split("[…]\n") {
        assert!(story.contains(part.trim_matches('\n')), "not in the story:\n{part}\n{story}");
    }
}

#[test]
fn replay_reproduces_trace_and_digest() {
    for name in ["first-mail", "greylisted-retry", "mx-fallback"] {
        let mut session = played(name);
        session.apply(Input::Pass).unwrap();
        session.note_digest();
        let recording = Recording::parse(&session.recording().to_text()).unwrap();
        let (again, drift) = Session::replay(Arc::new(session.scenario().clone()), &recording).unwrap();
        assert_eq!(drift, [], "{name}");
        assert_eq!(again.world().digest(), session.world().digest(), "{name}");
        let lines = |session: &Session| {
            let trace = session.world().trace();
            trace.iter().map(|event| trace.json(event)).collect::<Vec<_>>()
        };
        assert_eq!(lines(&again), lines(&session), "{name}");
    }
}

#[test]
fn truncated_and_tampered_recordings_are_told_with_their_line() {
    let mut session = played("bounce");
    session.apply(Input::Write { host: "mx1".into(), path: "/tmp/a".into(), text: "a".into() }).unwrap();
    session.note_digest();
    let text = session.recording().to_text();
    let lines: Vec<&str> = text.lines().collect();

    let truncated = lines[..lines.len() - 1].join("\n");
    let damage = Recording::parse(&truncated).unwrap_err();
    assert!(damage.to_string().contains("end"), "{damage}");
    assert_eq!(damage.readable.unwrap().inputs().count(), 1);

    let tampered = text.replace("/tmp/a", "/tmp/b");
    let damage = Recording::parse(&tampered).unwrap_err();
    assert_eq!(damage.line, 2);
    assert!(damage.to_string().contains("checksum"), "{damage}");
    assert_eq!(damage.readable.unwrap().inputs().count(), 0);
}
