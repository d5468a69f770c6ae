//! What may be installed: control data of packages (deb-control(5)) with some fields of our own.

use std::sync::LazyLock;

/// The packages as stanzas of control fields. Beyond Debian's fields there are `Programs` (names
/// of commands), `Units` (services), `Trees` (directories that go when it is removed), `Purges`
/// (directories that go when it is purged), `Optional` (not installed unless asked for) and `Rpm`
/// (name and version on Red Hat).
const CONTROL: &str = include_str!("catalogue.control");

/// Fields that dpkg does not know.
const OWN_FIELDS: [&str; 7] = ["Programs", "Units", "Trees", "Purges", "Optional", "Rpm", "Size"];

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Octets to be fetched.
    pub size: u64,
    /// Size on the disk in KiB.
    pub installed_size: u64,
    /// Each must be there; any of the alternatives will do.
    pub depends: Vec<Vec<&'static str>>,
    /// What may not be there at the same time, by real or virtual name.
    pub conflicts: Vec<&'static str>,
    /// Virtual packages that it is one of.
    pub provides: Vec<&'static str>,
    /// Suggested packages.
    pub suggests: Vec<&'static str>,
    /// Its commands.
    pub programs: Vec<&'static str>,
    /// Its services.
    pub units: Vec<&'static str>,
    /// Directories that go when it is removed.
    pub trees: Vec<&'static str>,
    /// Directories that go when it is purged.
    pub purges: Vec<&'static str>,
    /// Whether it is there only if somebody asks for it.
    pub optional: bool,
    /// Its name and version on Red Hat.
    pub rpm: Option<(&'static str, &'static str)>,
    fields: Vec<(&'static str, &'static str)>,
}

impl Package {
    fn parse(stanza: &'static str) -> Option<Package> {
        let fields: Vec<_> = stanza.lines().filter_map(|line| line.split_once(": ")).collect();
        let get = |name: &str| fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| *value);
        let words = |name: &str| get(name).split_whitespace().collect::<Vec<_>>();
        Some(Package {
            name: Some(get("Package")).filter(|name| !name.is_empty())?,
            version: get("Version"),
            summary: get("Description"),
            size: get("Size").parse().unwrap_or_default(),
            installed_size: get("Installed-Size").parse().unwrap_or_default(),
            depends: relations(get("Depends")),
            conflicts: relations(get("Conflicts")).concat(),
            provides: relations(get("Provides")).concat(),
            suggests: relations(get("Suggests")).concat(),
            programs: words("Programs"),
            units: words("Units"),
            trees: words("Trees"),
            purges: words("Purges"),
            optional: get("Optional") == "yes",
            rpm: get("Rpm").split_once(' '),
            fields,
        })
    }

    /// A control field.
    pub fn field(&self, name: &str) -> Option<&'static str> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
    }

    /// The control fields that dpkg knows, in order, without the name.
    pub fn control(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.fields.iter().copied().filter(|(name, _)| *name != "Package" && !OWN_FIELDS.contains(name))
    }

    /// Whether this real or virtual name means it.
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.provides.contains(&name)
    }
}

/// `a (>= 1) | b, c` as alternatives, without versions and architectures.
fn relations(text: &'static str) -> Vec<Vec<&'static str>> {
    let name = |word: &'static str| word.split([' ', ':', '(']).find(|part| !part.is_empty());
    text.split(',')
        .map(|one| one.split('|').filter_map(name).collect::<Vec<_>>())
        .filter(|one| !one.is_empty())
        .collect()
}

static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| CONTROL.split("\n\n").filter_map(Package::parse).collect());

/// All packages in order of names.
pub fn all() -> &'static [Package] {
    &PACKAGES
}

/// The package of this name.
pub fn find(name: &str) -> Option<&'static Package> {
    all().iter().find(|package| package.name == name)
}

/// The packages that are, or provide, this name.
pub fn providers(name: &str) -> impl Iterator<Item = &'static Package> + '_ {
    all().iter().filter(move |package| package.is(name))
}

/// The packages that bring a command.
pub fn owners(program: &str) -> impl Iterator<Item = &'static Package> + '_ {
    all().iter().filter(move |package| package.programs.contains(&program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order_and_complete() {
        assert!(all().len() > 50);
        assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name));
        for package in all() {
            assert!(!package.version.is_empty() && !package.summary.is_empty(), "{}", package.name);
        }
    }

    #[test]
    fn relations_are_read_without_versions() {
        let text = "libc6 (>= 2.34), perl:any, default-mta | mail-transport-agent";
        let expected = vec![vec!["libc6"], vec!["perl"], vec!["default-mta", "mail-transport-agent"]];
        assert_eq!(relations(text), expected);
    }

    #[test]
    fn mail_transport_agents_exclude_each_other() {
        let names: Vec<_> = providers("mail-transport-agent").map(|package| package.name).collect();
        assert_eq!(names, ["exim4-daemon-light", "postfix"]);
        assert!(find("postfix").unwrap().conflicts.contains(&"mail-transport-agent"));
        assert_eq!(owners("mailq").map(|package| package.name).collect::<Vec<_>>(), ["postfix"]);
    }
}
