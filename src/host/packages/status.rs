//! The file that says what is installed: `/var/lib/dpkg/status`, or its counterpart on Red Hat.

use std::collections::BTreeMap;

use super::catalogue::{Package, all, find};
use crate::host::Host;
use crate::host::layout::Layout;
use crate::host::vfs::{Cred, Errno, Vfs};

/// What became of a package that was installed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is installed.
    Installed,
    /// It was removed, its configuration is still there.
    ConfigFiles,
}

impl State {
    /// As in the field `Status`.
    fn text(self) -> &'static str {
        match self {
            State::Installed => "install ok installed",
            State::ConfigFiles => "deinstall ok config-files",
        }
    }

    /// The two letters of `dpkg -l`.
    pub fn letters(self) -> &'static str {
        match self {
            State::Installed => "ii",
            State::ConfigFiles => "rc",
        }
    }
}

/// The path of the file.
fn path(layout: Layout) -> &'static str {
    match layout {
        Layout::Debian => "/var/lib/dpkg/status",
        Layout::RedHat => "/var/lib/rpm/Packages",
    }
}

/// A package as a stanza of the file.
pub fn stanza(package: &Package, state: State) -> String {
    let mut text = format!("Package: {}\nStatus: {}\nArchitecture: amd64\n", package.name, state.text());
    for (name, value) in package.control() {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text
}

/// The states of all packages that the file names, in order of names.
pub fn states(host: &Host) -> BTreeMap<&'static str, State> {
    let text = host.vfs.read_text(path(host.layout), &Cred::ROOT).unwrap_or_default();
    let mut states = BTreeMap::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let Some(package) = field("Package").and_then(find) else { continue };
        match field("Status") {
            Some("install ok installed") => states.insert(package.name, State::Installed),
            Some("deinstall ok config-files") => states.insert(package.name, State::ConfigFiles),
            _ => None,
        };
    }
    states
}

/// The state of one package, if it was ever installed.
pub fn state(host: &Host, package: &Package) -> Option<State> {
    states(host).get(package.name).copied()
}

/// Whether a package is installed.
pub fn is_installed(host: &Host, package: &Package) -> bool {
    state(host, package) == Some(State::Installed)
}

/// The installed packages in order of names.
pub fn installed(host: &Host) -> Vec<&'static Package> {
    let states = states(host);
    all().iter().filter(|package| states.get(package.name) == Some(&State::Installed)).collect()
}

/// Writes the file anew.
pub(super) fn write_all(vfs: &mut Vfs, layout: Layout, packages: &[&Package]) -> Result<(), Errno> {
    let stanzas: Vec<String> = packages.iter().map(|package| stanza(package, State::Installed)).collect();
    write(vfs, layout, &stanzas)
}

fn write(vfs: &mut Vfs, layout: Layout, stanzas: &[String]) -> Result<(), Errno> {
    let path = path(layout);
    if let Some((directory, _)) = path.rsplit_once('/') {
        vfs.mkdir_all(directory)?;
    }
    vfs.write(path, stanzas.join("\n"), 0o644, &Cred::ROOT).map(|_| ())
}

/// Changes the state of one package; others keep their stanzas.
pub(super) fn set(vfs: &mut Vfs, layout: Layout, package: &Package, state: Option<State>) -> Result<(), Errno> {
    let text = vfs.read_text(path(layout), &Cred::ROOT).unwrap_or_default();
    let first = format!("Package: {}", package.name);
    let mut stanzas: Vec<String> = text
        .split("\n\n")
        .filter(|stanza| !stanza.trim().is_empty() && stanza.lines().next() != Some(first.as_str()))
        .map(|stanza| format!("{}\n", stanza.trim_end()))
        .collect();
    stanzas.extend(state.map(|state| stanza(package, state)));
    stanzas.sort_by(|a, b| a.lines().next().cmp(&b.lines().next()));
    write(vfs, layout, &stanzas)
}
