//! The labs of the repository, read from disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mxlab::lab::{Folder, Lab};

fn files(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files(root, &entry, found);
        } else {
            let path = entry.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            found.insert(path, fs::read(&entry).expect("a file"));
        }
    }
}

/// Where the labs lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("labs")
}

/// The names of all labs, in order.
#[allow(dead_code, reason = "not every test looks at all labs")]
pub fn names() -> Vec<String> {
    let all = fs::read_dir(folder()).expect("labs").map(|entry| entry.expect("an entry").path());
    let labs = all.filter(|path| path.join("lab.ron").is_file());
    let mut names: Vec<String> =
        labs.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

/// A lab by the name of its folder.
pub fn load(name: &str) -> Lab {
    let path = folder().join(name);
    let mut found = BTreeMap::new();
    files(&path, &path, &mut found);
    Lab::load(Folder { name: name.to_owned(), files: found }).unwrap_or_else(|problems| panic!("{name}: {problems:?}"))
}
