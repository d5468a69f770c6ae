//! The book: pages that are made from labs and code are up to date, links lead somewhere, and what
//! the book tells people to type works.
//!
//! `UPDATE_BOOK=1 cargo test --test book` writes the made pages anew.

#![allow(clippy::disallowed_methods, reason = "tests read and write the book")]

#[path = "book/labs.rs"]
mod labs;
#[path = "book/reference.rs"]
mod reference;
#[path = "support/labs.rs"]
mod repository;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source() -> PathBuf {
    root().join("book/src")
}

/// All pages by their path below `book/src`, with their text.
fn pages() -> Vec<(String, String)> {
    fn walk(dir: &Path, pages: &mut Vec<(String, String)>) {
        let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(source()).unwrap().to_string_lossy().into_owned();
                pages.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut all = Vec::new();
    walk(&source(), &mut all);
    all
}

#[test]
fn made_pages_are_up_to_date() {
    let mut made = labs::pages();
    made.extend(reference::pages());
    let update = std::env::var_os("UPDATE_BOOK").is_some();
    let mut stale = Vec::new();
    for (name, text) in &made {
        let path = source().join(name);
        if fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            stale.push(name.as_str());
        }
    }
    assert!(stale.is_empty(), "run `UPDATE_BOOK=1 cargo test --test book`, and read what changes in {stale:?}");
    let names: BTreeSet<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
    let left: Vec<String> = pages()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| (name.starts_with("labs/") || name.starts_with("de/labs/")) && !names.contains(name.as_str()))
        .collect();
    assert!(left.is_empty(), "pages of labs that are not there: {left:?}");
}

#[test]
fn every_page_is_in_the_table_of_contents_and_every_link_leads_to_a_page() {
    let pages = pages();
    let (_, summary) = pages.iter().find(|(name, _)| name == "SUMMARY.md").unwrap();
    let mut wrong = Vec::new();
    for (name, text) in &pages {
        if name != "SUMMARY.md" && !summary.contains(&format!("({name})")) {
            wrong.push(format!("{name} is not in SUMMARY.md"));
        }
        let folder = source().join(name);
        for rest in text.split("](").skip(1) {
            let Some((target, _)) = rest.split_once(')') else { continue };
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") || !(file.ends_with(".md") || file.ends_with(".png")) {
                continue;
            }
            if !folder.parent().unwrap().join(file).is_file() {
                wrong.push(format!("{name}: {target} does not exist"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Lines of the book's shell examples that run mxlab itself and end by themselves.
fn examples() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (_, text) in pages() {
        let mut shell = false;
        for line in text.lines() {
            if let Some(fence) = line.strip_prefix("```") {
                shell = !shell && matches!(fence, "sh" | "console" | "");
                continue;
            }
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let line = line.split("   #").next().unwrap().split("  #").next().unwrap().trim_end();
            if shell && line.starts_with("mxlab ") && !line.contains(['…', '|', '<']) {
                lines.insert(line.to_owned());
            }
        }
    }
    lines
}

/// Words of a command line; quotes keep a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn commands_of_the_book_are_understood() {
    let mut refused = Vec::new();
    for line in examples() {
        if let Err(error) = mxlab::cli::understood(&words(&line)) {
            refused.push(format!("{line}\n{error}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn stories_of_the_book_can_be_played() {
    let played: BTreeSet<String> = examples().into_iter().filter(|line| line.starts_with("mxlab run ")).collect();
    assert!(!played.is_empty());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("book");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(root().join("scenarios/mx-preference.ron"), folder.join("my.ron")).unwrap();
    for line in played {
        let output = Command::new(env!("CARGO_BIN_EXE_mxlab"))
            .args(words(&line).into_iter().skip(1))
            .current_dir(&folder)
            .env("MXLAB_LANG", "en")
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{line}");
    }
}
