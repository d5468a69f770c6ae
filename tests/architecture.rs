//! Keeps `ARCHITECTURE.md` true: its table names every room, and no room uses what it may not.
#![allow(clippy::disallowed_methods, reason = "this test reads the source tree")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string("ARCHITECTURE.md").expect("ARCHITECTURE.md");
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows =
        text.lines().skip_while(|line| !line.starts_with("| module")).skip(2).take_while(|line| line.starts_with('|'));
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<String>>();
        let room = names(cells[1]).into_iter().next().expect("a module name");
        let allowed = if cells[3] == "all above" { rooms.keys().cloned().collect() } else { names(cells[3]) };
        rooms.insert(room, allowed);
    }
    rooms
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files.extend(sources(&entry));
        } else if entry.extension().is_some_and(|ext| ext == "rs") {
            files.push(entry);
        }
    }
    files.sort();
    files
}

#[test]
fn every_folder_of_src_is_on_the_map_and_every_room_exists() {
    let rooms: BTreeSet<String> = table().into_keys().collect();
    let folders: BTreeSet<String> = fs::read_dir("src")
        .expect("src")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(rooms, folders);
}

#[test]
fn no_room_uses_what_its_line_does_not_name() {
    let rooms = table();
    let mut wrong = Vec::new();
    for (room, allowed) in &rooms {
        for file in sources(&Path::new("src").join(room)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for rest in line.split("crate::").skip(1) {
                    let used: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    if rooms.contains_key(&used) && used != *room && !allowed.contains(&used) {
                        wrong.push(format!("{}:{}: `{room}` uses `{used}`", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What only some rooms may name.
const HOMES: [(&str, &[&str]); 7] = [
    ("hickory", &["dns", "live"]),
    ("egui", &["gui"]),
    ("tokio", &["live"]),
    ("rustls", &["live"]),
    ("std::fs", &["cli", "gui", "live"]),
    ("Instant::now", &["cli", "gui", "live"]),
    ("std::thread", &["cli", "gui", "live"]),
];

#[test]
fn libraries_files_and_clocks_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).expect("a source file");
        let room =
            file.components().nth(1).map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
        for (word, homes) in HOMES {
            let used = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            if used && !homes.contains(&room.as_str()) {
                wrong.push(format!("{} names {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
