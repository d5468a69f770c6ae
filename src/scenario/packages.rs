//! Which packages the hosts of a scenario have.

use super::checked::Host;
use super::presets;
use super::written::Service;
use crate::host::layout::Layout;
use crate::host::packages::{self, Package};
use crate::host::vfs::{Cred, Errno};
use crate::sim::HostId;
use crate::trace::Actor;
use crate::world::World;

/// Daemons whose start script wants a configuration first: unit, file, and a line it must have.
const CONFIGURED: [(&str, &str, &str); 4] = [
    ("saslauthd", "/etc/default/saslauthd", "START=yes"),
    ("fetchmail", "/etc/fetchmailrc", ""),
    ("dnsbld", "/etc/dnsbl.conf", "zone"),
    ("spamfilter", "/etc/spamfilter.conf", "listen"),
];

/// Whether a package is installed: what the host's role needs, what the scenario asks for, and
/// the tools of the course on every host.
fn is_wanted(host: &Host, package: &Package) -> bool {
    let named = |list: &[String]| list.iter().any(|name| name == package.name);
    let runs = |service| host.services.contains(&service);
    let has_files = |directory: &str| host.files.keys().any(|path| path.starts_with(directory));
    // Red Hat has other tools for this.
    let is_foreign = host.layout == Layout::RedHat && matches!(package.name, "apt" | "aptitude" | "debconf" | "dpkg");
    if named(&host.without) || is_foreign {
        return false;
    }
    let by_role = match package.name {
        "postfix" | "postfix-pcre" => has_postfix(host),
        "bind9" => runs(Service::Named) || has_files("/etc/bind/"),
        "dovecot-core" | "dovecot-imapd" | "dovecot-pop3d" => {
            runs(Service::Dovecot) || runs(Service::Lmtp) || runs(Service::LmtpNetwork) || has_files("/etc/dovecot/")
        }
        "dnsbld" => host.files.contains_key("/etc/dnsbl.conf"),
        "dovecot-lmtpd" => runs(Service::Lmtp) || runs(Service::LmtpNetwork),
        "spamfilter" => host.files.contains_key("/etc/spamfilter.conf"),
        "unbound" => runs(Service::Resolver),
        _ => !package.optional,
    };
    by_role || named(&host.packages)
}

/// Whether Postfix is installed on a host.
pub(super) fn has_postfix(host: &Host) -> bool {
    let asked = host.packages.iter().any(|name| name == "postfix");
    let has_files = host.files.keys().any(|path| path.starts_with("/etc/postfix/"));
    presets::has_postfix(host.preset) || host.services.contains(&Service::Postfix) || asked || has_files
}

/// Installs the packages of a host and takes away what belongs to others.
pub(super) fn set_up(data: &mut crate::host::Host, host: &Host) -> Result<(), Errno> {
    packages::set_up(data, |package| is_wanted(host, package))?;
    if !has_postfix(host) {
        // On Red Hat the aliases belong to another package, which every host has.
        let own: &[&str] = match host.layout {
            Layout::Debian => &["/etc/aliases", "/etc/mailname"],
            Layout::RedHat => &["/etc/mailname"],
        };
        for path in own.iter().copied().filter(|path| !host.files.contains_key(*path)) {
            packages::remove_tree(&mut data.vfs, path);
        }
    }
    if host.layout == Layout::Debian {
        for name in ["alternatives", "dnf", "rpm", "yum"] {
            data.programs.remove(name);
        }
    }
    for (name, path, line) in CONFIGURED {
        let text = data.vfs.read_text(path, &Cred::ROOT);
        let ready = text.is_ok_and(|text| text.lines().any(|own| own.trim().starts_with(line)));
        if let Some(unit) = data.services.find(name).filter(|_| !ready) {
            data.services.enable(&unit, false);
        }
    }
    crate::host::layout::publish_programs(data)
}

/// Starts the daemons that are configured.
pub(super) fn start_configured(world: &mut World, id: HostId) {
    for (name, ..) in CONFIGURED {
        let services = &world.host(id).services;
        let unit = services.find(name).filter(|unit| services.is_enabled(unit));
        if let Some(crate::host::services::UnitKind::Daemon { make }) = unit.map(|unit| unit.kind) {
            world.start(id, make(), Actor::Daemon);
        }
    }
}
