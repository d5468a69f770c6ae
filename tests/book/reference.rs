//! Reference pages that are made from the code: options, commands of the hosts, parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mxlab::host::man;

/// Files that name parameters without reading them.
const TABLES: [&str; 2] = ["config/limits.rs", "tests.rs"];

/// Every page, by its path below `book/src`.
pub fn pages() -> Vec<(String, String)> {
    vec![
        ("reference/options.md".to_owned(), options()),
        ("reference/commands.md".to_owned(), commands()),
        ("reference/parameters.md".to_owned(), parameters()),
    ]
}

fn options() -> String {
    let mut page =
        "# Options of every command\n\nWhat `mxlab COMMAND --help` prints. This page is made from the program.\n"
            .to_owned();
    for (name, help) in mxlab::cli::help() {
        let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", help.trim());
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

fn commands() -> String {
    let mut page = "# Commands of the hosts\n\nThe programs of the simulated hosts, and what each of them is for; `man NAME` on a host says \
                    more. This page is made from their manual pages.\n\n| command | how it is called | what it does |\n| --- | --- | --- |\n"
        .to_owned();
    let mut pages: Vec<_> = man::pages().filter(|page| matches!(page.section, "1" | "8")).collect();
    pages.sort_by_key(|page| page.name);
    for entry in pages {
        let _ =
            writeln!(page, "| `{}({})` | {} | {} |", entry.name, entry.section, cell(entry.synopsis), cell(entry.text));
    }
    page.push_str("\n## Builtins of the shell\n\n| builtin | how it is called | what it does |\n| --- | --- | --- |\n");
    for (name, synopsis, text) in man::builtins() {
        let _ = writeln!(page, "| `{name}` | {} | {} |", cell(synopsis), cell(text));
    }
    page
}

/// Names of parameters that stand as text in the sources below a folder.
fn named(dir: &Path, known: &BTreeMap<String, String>, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named(&path, known, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !TABLES.iter().any(|table| path.ends_with(table))
        {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            let literals = text.split('"').filter(|literal| known.contains_key(*literal));
            found.extend(literals.map(str::to_owned));
        }
    }
}

fn parameters() -> String {
    let root = super::root();
    let defaults = fs::read_to_string(root.join("tests/golden/postconf-defaults.json")).unwrap();
    let defaults: serde_json::Value = serde_json::from_str(&defaults).unwrap();
    let known: BTreeMap<String, String> = serde_json::from_value(defaults["defaults"].clone()).unwrap();
    let mut readers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut programs: Vec<_> =
        fs::read_dir(root.join("src/mta/postfix")).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.sort();
    for path in programs {
        let name = path.file_stem().unwrap().to_string_lossy().trim_end_matches('_').to_owned();
        if matches!(name.as_str(), "commands" | "mod") {
            continue;
        }
        let mut found = BTreeSet::new();
        if path.is_dir() {
            named(&path, &known, &mut found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            found.extend(text.split('"').filter(|literal| known.contains_key(*literal)).map(str::to_owned));
        }
        for parameter in found {
            readers.entry(parameter).or_default().push(name.clone());
        }
    }
    let mut page = format!(
        "# Parameters of Postfix\n\nAll {} parameters of Postfix 3.7 are known with their defaults, and `postconf` treats them as the real one. \
         These {} have an effect: the parts of mxlab named beside them read them. The rest is accepted and does nothing. \
         This page is made from the code.\n\n| parameter | default | read by | |\n| --- | --- | --- | --- |\n",
        known.len(),
        readers.len()
    );
    for (name, programs) in &readers {
        let about = man::find(name, Some("5")).next().map_or(String::new(), |page| cell(page.text));
        let default = &known[name];
        let default = if default.chars().count() > 60 {
            default.chars().take(57).collect::<String>() + "…"
        } else {
            default.clone()
        };
        let default = if default.is_empty() { String::new() } else { format!("`{}`", default.replace('|', "\\|")) };
        let _ = writeln!(page, "| `{name}` | {default} | {} | {about} |", programs.join(", "));
    }
    page
}
