//! The scenarios that come with mxlab are valid, and tell their story in both languages.

#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use mxlab::session::story::{self, Style};

#[test]
fn every_scenario_is_valid_and_has_texts_in_both_languages() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let file = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let scenario = Scenario::load(&Sources { name, file: file.clone(), text, ..Sources::default() });
        let scenario = scenario.unwrap_or_else(|problems| panic!("{problems:#?}"));
        for text in [&scenario.title, &scenario.summary] {
            assert!(!text.en.is_empty() && !text.de.is_empty() && text.en != text.de, "{file}");
        }
        assert!(!scenario.script.is_empty(), "{file}: nothing happens");
        count += 1;
    }
    assert!(count >= 19);
}

/// The examples of the book are complete scenarios that prove what they say.
#[test]
fn the_examples_of_the_book_play() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/scenarios.md")).unwrap();
    let mut count = 0;
    for example in page.split("```ron\n").skip(1) {
        let text = example.split("```").next().unwrap().to_owned();
        let sources = Sources { name: "example".into(), file: "scenarios.md".into(), text, ..Sources::default() };
        let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let mut session = Session::new(Arc::new(scenario), None, None).unwrap();
        session.run_script(None);
        assert!(session.is_script_done());
        assert_eq!(session.failed_expectations(), 0, "{}", story::tell(&session, &Style::default()));
        count += 1;
    }
    assert!(count > 0);
}

/// Every field, preset, service, step and expectation of the format stands in the book.
#[test]
fn the_book_names_everything_that_a_scenario_may_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("book/src/scenarios.md")).unwrap();
    let source = fs::read_to_string(root.join("src/scenario/written.rs")).unwrap();
    let declared = source.lines().filter_map(|line| {
        let line = line.strip_prefix("    ").filter(|line| !line.starts_with([' ', '/', '#', '}']))?;
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let name: String = line.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        let rest = &line[name.len()..];
        (!name.is_empty() && rest.starts_with([':', ',', '(', ' ']) && name != "fn").then_some(name)
    });
    let words: std::collections::BTreeSet<&str> =
        page.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let missing: Vec<String> = declared.filter(|name| !words.contains(name.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new());
}
