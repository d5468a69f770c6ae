//! The scenarios that come with mxlab are valid, and tell their story in both languages.

#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

use std::fs;
use std::path::Path;

use mxlab::scenario::{Scenario, Sources};

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
