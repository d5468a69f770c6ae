//! The packages of a host: what may be installed, and what is (dpkg(1), rpm(8)).
//!
//! The state lies in a file of the host, `/var/lib/dpkg/status` on Debian. Installing a package
//! brings its commands, services, directories and default files; removing it takes them away.

mod catalogue;
mod files;
mod status;

use smol_str::SmolStr;

pub use catalogue::{Package, all, find, owners, providers};
pub use files::{RED_HAT_MAIN, default_files, red_hat_main_cf, without_chroot};
pub use status::{State, installed, is_installed, stanza, state, states};

use super::Host;
use super::layout::{self, Layout};
use super::vfs::{Cred, Errno, Node, Vfs};

/// The name and version of a package on this host: Red Hat has its own.
pub fn name_on(package: &Package, layout: Layout) -> Option<(&'static str, &'static str)> {
    match layout {
        Layout::Debian => Some((package.name, package.version)),
        Layout::RedHat => package.rpm,
    }
}

/// The package of this name on a host.
pub fn find_on(host: &Host, name: &str) -> Option<&'static Package> {
    let name = name.split(':').next().unwrap_or(name);
    match host.layout {
        Layout::Debian => find(name),
        Layout::RedHat => {
            all().iter().find(|package| package.rpm.is_some_and(|(own, _)| own == name || package.is(name)))
        }
    }
}

/// Makes exactly these packages the installed ones, when a host is set up: commands and services
/// of all others are taken away, with their directories.
///
/// # Errors
/// The disk is full.
pub fn set_up(host: &mut Host, wanted: impl Fn(&Package) -> bool) -> Result<(), Errno> {
    host.archive = host.programs.clone();
    let (present, absent): (Vec<&Package>, Vec<&Package>) = all().iter().partition(|package| wanted(package));
    for package in absent {
        take_away(host, package, &present);
        for tree in package.purges.iter().chain(package.trees.iter()) {
            remove_tree(&mut host.vfs, tree);
        }
    }
    for package in &present {
        write_defaults(&mut host.vfs, package, host.layout)?;
    }
    status::write_all(&mut host.vfs, host.layout, &present)
}

/// Writes the files of a package that are missing.
fn write_defaults(vfs: &mut Vfs, package: &Package, layout: Layout) -> Result<(), Errno> {
    let default =
        files::default_files(package.name).iter().map(|(path, mode, text)| (*path, *mode, (*text).to_owned()));
    for (path, mode, text) in default.chain(files::made_files(package.name, layout)) {
        if !vfs.exists(path) {
            if let Some((directory, _)) = path.rsplit_once('/') {
                vfs.mkdir_all(directory)?;
            }
            vfs.write(path, text, mode, &Cred::ROOT)?;
        }
    }
    Ok(())
}

/// Puts a package on the host: its commands, services, directories and missing default files.
///
/// # Errors
/// The disk is full.
pub fn install(host: &mut Host, package: &Package) -> Result<(), Errno> {
    for name in &package.programs {
        if let Some(entry) = host.archive.find(name) {
            host.programs.install(name, entry);
        }
    }
    for tree in package.trees.iter().chain(package.purges.iter()) {
        layout::unpack(&mut host.vfs, tree)?;
    }
    write_defaults(&mut host.vfs, package, host.layout)?;
    layout::publish_programs(host)?;
    for unit in &package.units {
        host.services.install(unit);
    }
    status::set(&mut host.vfs, host.layout, package, Some(State::Installed))
}

/// Takes a package off the host; its configuration goes only when it is purged.
///
/// # Errors
/// The disk is full.
pub fn remove(host: &mut Host, package: &Package, purge: bool) -> Result<(), Errno> {
    let others: Vec<&Package> = installed(host).into_iter().filter(|other| other.name != package.name).collect();
    take_away(host, package, &others);
    for name in package.programs.iter().filter(|name| !others.iter().any(|other| other.programs.contains(name))) {
        for place in ["bin", "sbin"] {
            // It lies in one of the two, or nowhere.
            let _ = host.vfs.unlink(&format!("/usr/{place}/{name}"), &Cred::ROOT);
        }
    }
    for tree in &package.trees {
        remove_tree(&mut host.vfs, tree);
    }
    if purge {
        for tree in &package.purges {
            remove_tree(&mut host.vfs, tree);
        }
    }
    let keeps = !purge && package.purges.iter().any(|tree| host.vfs.exists(tree));
    status::set(&mut host.vfs, host.layout, package, keeps.then_some(State::ConfigFiles))
}

/// Takes the commands and services of a package away, but for commands that others bring as well.
fn take_away(host: &mut Host, package: &Package, others: &[&Package]) {
    for name in package.programs.iter().filter(|name| !others.iter().any(|other| other.programs.contains(name))) {
        host.programs.remove(name);
    }
    for unit in &package.units {
        host.services.uninstall(unit);
    }
}

/// Removes a directory with everything in it, or a file; what is not there is no matter.
pub fn remove_tree(vfs: &mut Vfs, path: &str) {
    let names: Vec<SmolStr> =
        vfs.list(path, &Cred::ROOT).unwrap_or_default().into_iter().map(|(name, _)| name).collect();
    let is_dir = vfs
        .resolve_link(path, &Cred::ROOT)
        .is_ok_and(|ino| vfs.inode(ino).is_some_and(|inode| matches!(inode.node, Node::Dir(_))));
    if !is_dir {
        let _ = vfs.unlink(path, &Cred::ROOT);
        return;
    }
    for name in names {
        remove_tree(vfs, &format!("{path}/{name}"));
    }
    let _ = vfs.rmdir(path, &Cred::ROOT);
}
