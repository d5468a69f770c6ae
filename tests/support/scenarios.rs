//! The scenarios of the repository, read from disk.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;

/// Where the scenarios lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Their names, in order.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|ext| ext == "ron"));
    let mut names: Vec<String> = files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The text of one.
pub fn text(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.ron"))).unwrap()
}

/// One with a text of its own, before anything happens.
pub fn session_of(name: &str, text: String) -> Session {
    let sources = Sources { name: name.into(), file: format!("{name}.ron"), text, ..Sources::default() };
    let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Session::new(Arc::new(scenario), None, None).unwrap()
}

/// One, before anything happens.
pub fn session(name: &str) -> Session {
    session_of(name, text(name))
}

/// One that has come to its end.
pub fn played(name: &str) -> Session {
    let mut session = session(name);
    session.run_script(None);
    session
}
