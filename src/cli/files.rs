//! Files of the real machine: scenarios with what lies beside them, and safe writing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::language;
use crate::session::errors::Errors;
use include_dir::{Dir, include_dir};

use crate::lab::{Folder, Lab};
use crate::scenario::problem::nearest;
use crate::scenario::{Problem, Scenario, Sources};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");
static LABS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/labs");
/// Files beside a scenario that are larger than this are refused.
const MAX_FILE: u64 = 16 << 20;

/// Names of the built-in scenarios in order.
pub fn built_in_names() -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "ron"))
        .filter_map(|file| Some(file.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// Names of the built-in labs in order of the course: by the ids in their files.
pub fn built_in_labs() -> Vec<String> {
    let folders = LABS.dirs().filter(|dir| dir.get_file(dir.path().join("lab.ron")).is_some());
    let mut names: Vec<String> = folders.map(|dir| dir.path().to_string_lossy().into_owned()).collect();
    names.sort_by_key(|name| course_place(name));
    names
}

/// Demonstrations before telnet, DNS, administration, trouble and security; then by number.
fn course_place(name: &str) -> (u64, String) {
    let number = name.chars().skip(1).take_while(char::is_ascii_digit).collect::<String>();
    (number.parse().unwrap_or(u64::MAX), name.to_owned())
}

/// Whether a name or path stands for a lab.
pub fn is_lab(name: &str) -> bool {
    Path::new(name).join("lab.ron").is_file() || find_lab(name).is_some()
}

/// A built-in lab by its folder's name (`t05-telnet-first-mail`) or its id (`T05`).
fn find_lab(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    built_in_labs().into_iter().find(|lab| *lab == lower || lab.split('-').next() == Some(lower.as_str()))
}

/// The files of a lab by name or path.
///
/// # Errors
/// There is none, or a file cannot be read; in words for people.
pub fn lab_folder(name: &str) -> Result<Folder, String> {
    let path = Path::new(name);
    if path.join("lab.ron").is_file() {
        let mut files = BTreeMap::new();
        walk(path, path, &mut files).map_err(|error| format!("{name}: {error}"))?;
        // `labs/t05/.` and `labs/t05/` are the lab `t05`.
        let full = fs::canonicalize(path).map_err(|error| format!("{name}: {error}"))?;
        let name = full.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Folder { name, files });
    }
    let Some(found) = find_lab(name) else {
        let names = built_in_labs();
        let hint = nearest(name, names.iter().map(String::as_str));
        let hint = hint.map_or("`mxlab list` shows them".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(format!("no lab `{name}`, neither built in nor a folder with lab.ron; {hint}"));
    };
    let mut files = BTreeMap::new();
    if let Some(dir) = LABS.get_dir(&found) {
        embedded(dir, dir.path(), &mut files);
    }
    Ok(Folder { name: found, files })
}

fn embedded(dir: &Dir<'_>, root: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for file in dir.files() {
        let relative = file.path().strip_prefix(root).unwrap_or(file.path()).to_string_lossy().replace('\\', "/");
        files.insert(relative, file.contents().to_vec());
    }
    for dir in dir.dirs() {
        embedded(dir, root, files);
    }
}

/// A problem of a lab with the path of its file as one would type it.
pub fn in_lab(path: &str, problem: &Problem, errors: &Errors) -> String {
    let inside = problem.file.split_once('/').map_or(problem.file.as_str(), |(_, inside)| inside);
    let file = Path::new(path).join(inside).display().to_string();
    Problem { file, ..translated(problem, errors) }.to_string()
}

/// A problem in another language.
fn translated(problem: &Problem, errors: &Errors) -> Problem {
    let help = problem.help.as_deref().map(|help| errors.tell(help));
    Problem { message: errors.tell(&problem.message), help, ..problem.clone() }
}

/// Loads a lab; what is wrong with it is printed.
pub fn load_lab(name: &str) -> Option<Lab> {
    let errors = Errors::new(language::current());
    let loaded = lab_folder(name).map_err(|error| vec![format!("mxlab: {error}")]).and_then(|folder| {
        Lab::load(folder)
            .map_err(|problems| problems.iter().map(|problem| in_lab(name, problem, &errors)).collect::<Vec<_>>())
    });
    match loaded {
        Ok(lab) => Some(lab),
        Err(lines) => {
            for line in lines {
                eprintln!("{line}");
            }
            None
        }
    }
}

/// The texts of a scenario by name or path.
///
/// # Errors
/// There is none, or a file cannot be read; in words for people.
pub fn sources(name: &str) -> Result<Sources, String> {
    let path = Path::new(name);
    if path.is_dir() || path.is_file() || name.ends_with(".ron") {
        return from_disk(path);
    }
    let Some(file) = BUILT_IN.get_file(format!("{name}.ron")) else {
        let names = built_in_names();
        let hint = nearest(name, names.iter().map(String::as_str));
        let hint = hint.map_or("`mxlab list` shows them".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(format!("no scenario `{name}`, neither built in nor a file; {hint}"));
    };
    let text = file.contents_utf8().unwrap_or_default().to_owned();
    Ok(Sources { name: name.to_owned(), file: format!("{name}.ron"), text, ..Sources::default() })
}

/// The scenarios that a name or path stands for: a folder without `scenario.ron` for all its files.
///
/// # Errors
/// The folder cannot be read, or has none; in words for people.
pub fn all_in(name: &str) -> Result<Vec<String>, String> {
    let path = Path::new(name);
    if !path.is_dir() || path.join("scenario.ron").is_file() {
        return Ok(vec![name.to_owned()]);
    }
    let failed = |error: io::Error| format!("{name}: {error}");
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_folder = ["scenario.ron", "lab.ron"].iter().any(|file| path.join(file).is_file());
        if is_folder || path.extension().is_some_and(|extension| extension == "ron") {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    if found.is_empty() { Err(format!("{name}: no scenario.ron, and no other .ron file")) } else { Ok(found) }
}

/// The files in a folder by their path in it.
///
/// # Errors
/// One of them cannot be read, or is too large.
pub fn read_folder(path: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    walk(path, path, &mut found)?;
    Ok(found)
}

/// A file, or a folder with `scenario.ron`, with the overlay and zone files beside it.
fn from_disk(path: &Path) -> Result<Sources, String> {
    let (file, folder) = if path.is_dir() {
        (path.join("scenario.ron"), path.to_owned())
    } else {
        // Beside `x.ron` lies `x/`.
        (path.to_owned(), path.with_extension(""))
    };
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(&file).map_err(|error| failed(&file, error))?;
    let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let name = stem.unwrap_or_default().to_string_lossy().into_owned();
    let mut sources = Sources { name, file: file.display().to_string(), text, ..Sources::default() };
    let mut found = BTreeMap::new();
    if folder.is_dir() {
        walk(&folder, &folder, &mut found).map_err(|error| failed(&folder, error))?;
    }
    for (relative, content) in found {
        match relative.strip_prefix("hosts/").and_then(|rest| rest.split_once('/')) {
            Some((host, path)) => {
                sources.overlay.insert((host.to_owned(), format!("/{path}")), content);
            }
            None => {
                sources.files.insert(relative, String::from_utf8_lossy(&content).into_owned());
            }
        }
    }
    Ok(sources)
}

fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        // Links are not followed: a scenario reads nothing outside its folder.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &path, found)?;
        } else if kind.is_file() {
            if entry.metadata()?.len() > MAX_FILE {
                return Err(io::Error::other(format!("{} is larger than {MAX_FILE} octets", path.display())));
            }
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.insert(relative, fs::read(&path)?);
        }
    }
    Ok(())
}

/// Loads a scenario.
///
/// # Errors
/// There is none of this name, or it is not valid; in words for people, one line per problem.
#[cfg(feature = "gui")]
pub fn scenario(name: &str) -> Result<Scenario, String> {
    let sources = sources(name)?;
    Scenario::load(&sources).map_err(|problems| {
        problems.iter().map(|problem| format!("{problem}\n{}", problem.render(&sources.text, false))).collect()
    })
}

/// Loads a scenario; what is wrong with it is printed.
pub fn load(name: &str) -> Option<Scenario> {
    let sources = match sources(name) {
        Ok(sources) => sources,
        Err(error) => {
            eprintln!("mxlab: {error}");
            return None;
        }
    };
    match Scenario::load(&sources) {
        Ok(scenario) => Some(scenario),
        Err(problems) => {
            print_problems(&sources, &problems);
            None
        }
    }
}

/// Prints problems with the lines that they are about.
pub fn print_problems(sources: &Sources, problems: &[Problem]) {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let errors = Errors::new(language::current());
    for problem in problems.iter().map(|problem| translated(problem, &errors)) {
        eprintln!("{problem}");
        eprintln!("{}", problem.render(&sources.text, colour));
    }
}

/// Writes a file so that at no time a half-written one stands under its name.
///
/// # Errors
/// The file cannot be written beside its place, or not be renamed.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary: PathBuf = path.with_file_name(name);
    let written = fs::write(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
