//! The file system of a freshly installed mail host: Debian 12, or Red Hat's layout.

pub mod tables;

use std::collections::BTreeMap;
use std::net::IpAddr;

use smol_str::SmolStr;

use super::Host;
use super::accounts::Accounts;
use super::password;
use super::program::Programs;
use super::syslog::Syslog;
use super::vfs::{Content, Cred, Device, Errno, Object, Special, Vfs};
use crate::sim::{Dice, HostId, Time};
use tables::ids;

/// Whose conventions a host follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Layout {
    /// Debian: `/var/log/mail.log`, daemons in a chroot.
    #[default]
    Debian,
    /// Red Hat: `/var/log/maillog`.
    RedHat,
}

/// An ordinary user to be created.
#[derive(Clone, Debug, Default)]
pub struct UserSpec {
    /// Login name.
    pub name: SmolStr,
    /// Password in clear; `None` locks password logins.
    pub password: Option<String>,
    /// Full name in the GECOS field; the capitalised login name if `None`.
    pub full_name: Option<SmolStr>,
}

/// What tells one host from another when it is set up.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// Its place in the world.
    pub id: HostId,
    /// Its name in the scenario.
    pub name: SmolStr,
    /// The short host name.
    pub hostname: SmolStr,
    /// The fully qualified name.
    pub fqdn: SmolStr,
    /// Its addresses, without the loopback ones.
    pub addrs: Vec<IpAddr>,
    /// Prefix length of the IPv4 network.
    pub prefix4: u8,
    /// Its time zone.
    pub zone: jiff::tz::TimeZone,
    /// Name servers for `/etc/resolv.conf`.
    pub resolvers: Vec<IpAddr>,
    /// Ordinary users; they get the ids 1000, 1001, … and a home directory.
    pub users: Vec<UserSpec>,
    /// Whose conventions.
    pub layout: Layout,
    /// The first inode number: decides how long short queue ids are.
    pub inode_base: u64,
    /// The world's seed, for the host's dice.
    pub seed: u64,
    /// The present moment.
    pub now: Time,
}

impl HostSpec {
    /// A Debian host without users, with inodes that give queue ids of nine characters.
    pub fn new(id: HostId, name: impl Into<SmolStr>, fqdn: impl Into<SmolStr>, now: Time) -> HostSpec {
        let fqdn = fqdn.into();
        HostSpec {
            id,
            name: name.into(),
            hostname: fqdn.split('.').next().unwrap_or_default().into(),
            fqdn,
            addrs: Vec::new(),
            prefix4: 24,
            zone: jiff::tz::TimeZone::UTC,
            resolvers: Vec::new(),
            users: Vec::new(),
            layout: Layout::Debian,
            inode_base: 0x1000,
            seed: 0,
            now,
        }
    }
}

/// Sets up hosts. Those that it sets up with the same layout at the same moment share the files of
/// the base system until they change one.
#[derive(Clone, Debug, Default)]
pub struct Installer {
    base: Option<BaseSystem>,
}

/// The files that are the same on all hosts of a layout.
#[derive(Clone, Debug)]
struct BaseSystem {
    layout: Layout,
    inode_base: u64,
    now: Time,
    vfs: Vfs,
}

impl BaseSystem {
    fn new(spec: &HostSpec) -> Result<BaseSystem, Errno> {
        let mut vfs = Vfs::new(spec.inode_base, spec.now);
        directories(&mut vfs)?;
        let texts = match spec.layout {
            Layout::Debian => tables::DEBIAN_TEXTS,
            Layout::RedHat => tables::RED_HAT_TEXTS,
        };
        for (path, mode, gid, text) in tables::TEXTS.iter().chain(texts) {
            vfs.write(path, *text, *mode, &Cred { gid: *gid, ..Cred::ROOT })?;
        }
        Ok(BaseSystem { layout: spec.layout, inode_base: spec.inode_base, now: spec.now, vfs })
    }

    fn serves(&self, spec: &HostSpec) -> bool {
        (self.layout, self.inode_base, self.now) == (spec.layout, spec.inode_base, spec.now)
    }
}

/// Sets up a host as the installer leaves it. No commands are installed yet.
///
/// # Errors
/// A user's name is not usable as a file name, or the like.
pub fn build(spec: &HostSpec) -> Result<Host, Errno> {
    Installer::default().build(spec)
}

impl Installer {
    /// As [`build`].
    ///
    /// # Errors
    /// As there.
    pub fn build(&mut self, spec: &HostSpec) -> Result<Host, Errno> {
        if !self.base.as_ref().is_some_and(|base| base.serves(spec)) {
            self.base = None;
        }
        let base = match &mut self.base {
            Some(base) => base,
            none => none.insert(BaseSystem::new(spec)?),
        };
        host(spec, base.vfs.clone())
    }
}

fn host(spec: &HostSpec, mut vfs: Vfs) -> Result<Host, Errno> {
    identity(&mut vfs, spec)?;
    vfs.write("/etc/passwd", tables::PASSWD, 0o644, &Cred::ROOT)?;
    vfs.write("/etc/group", tables::GROUP, 0o644, &Cred::ROOT)?;
    let shadow: String = tables::PASSWD.lines().filter_map(|line| line.split(':').next()).map(locked).collect();
    vfs.write("/etc/shadow", shadow, 0o640, &Cred { gid: ids::SHADOW, ..Cred::ROOT })?;
    for (user, uid) in spec.users.iter().zip(1000..) {
        add_user(&mut vfs, user, uid)?;
    }
    copy_into_chroot(&mut vfs)?;
    let mut accounts = Accounts::default();
    accounts.refresh(&vfs);
    Ok(Host {
        id: spec.id,
        name: spec.name.clone(),
        hostname: spec.hostname.clone(),
        fqdn: spec.fqdn.clone(),
        addrs: spec.addrs.clone(),
        prefix4: spec.prefix4,
        layout: spec.layout,
        zone: spec.zone.clone(),
        vfs,
        accounts,
        dice: Dice::new(spec.seed, &spec.name),
        firewall: crate::sim::firewall::Firewall::default(),
        syslog: match spec.layout {
            Layout::Debian => Syslog::debian(),
            Layout::RedHat => Syslog::red_hat(),
        },
        programs: Programs::default(),
        archive: Programs::default(),
        // Ids below belong to what booted before anybody could look.
        processes: BTreeMap::new(),
        listeners: BTreeMap::new(),
        services: crate::host::services::Services::default(),
        udp_ports: BTreeMap::new(),
        last_proc: 300,
        refusals: Default::default(),
        booted: spec.now,
    })
}

fn directories(vfs: &mut Vfs) -> Result<(), Errno> {
    for dir in tables::DIRS {
        vfs.mkdir(dir.path, dir.mode, &Cred::ROOT)?;
        vfs.chown(dir.path, Some(dir.uid), Some(dir.gid), &Cred::ROOT)?;
    }
    for (target, path) in tables::LINKS {
        vfs.symlink(target, path, &Cred::ROOT)?;
    }
    vfs.mkdir("/run/lock", 0o1777, &Cred::ROOT)?;
    for (name, device) in Device::ALL {
        vfs.mknod(&format!("/dev/{name}"), Special::Device(device), 0o666, &Cred::ROOT)?;
    }
    for name in tables::POSTFIX_DAEMONS {
        let path = format!("/usr/lib/postfix/sbin/{name}");
        vfs.write(&path, program_file(name), 0o755, &Cred::ROOT)?;
    }
    Ok(())
}

/// Makes the directories of the base system that lie in this one, as far as they are missing, with
/// Postfix's daemons.
///
/// # Errors
/// The disk is full.
pub fn unpack(vfs: &mut Vfs, tree: &str) -> Result<(), Errno> {
    let inside = |path: &str| path.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    vfs.mkdir_all(tree)?;
    for dir in tables::DIRS.iter().filter(|dir| inside(dir.path)) {
        match vfs.mkdir(dir.path, dir.mode, &Cred::ROOT) {
            Ok(_) | Err(Errno::Exist) => {}
            Err(error) => return Err(error),
        }
        vfs.chmod(dir.path, dir.mode, &Cred::ROOT)?;
        vfs.chown(dir.path, Some(dir.uid), Some(dir.gid), &Cred::ROOT)?;
    }
    if inside("/usr/lib/postfix/sbin") {
        for name in tables::POSTFIX_DAEMONS {
            vfs.write(&format!("/usr/lib/postfix/sbin/{name}"), program_file(name), 0o755, &Cred::ROOT)?;
        }
    }
    Ok(())
}

fn identity(vfs: &mut Vfs, spec: &HostSpec) -> Result<(), Errno> {
    let mut hosts = "127.0.0.1\tlocalhost\n".to_owned();
    for addr in &spec.addrs {
        hosts.push_str(&format!("{addr}\t{}\t{}\n", spec.fqdn, spec.hostname));
    }
    let resolvers: String = spec.resolvers.iter().map(|addr| format!("nameserver {addr}\n")).collect();
    for (path, text) in [
        ("/etc/hostname", format!("{}\n", spec.hostname)),
        ("/etc/mailname", format!("{}\n", spec.fqdn)),
        ("/etc/hosts", hosts),
        ("/etc/resolv.conf", resolvers),
    ] {
        vfs.write(path, text, 0o644, &Cred::ROOT)?;
    }
    Ok(())
}

fn locked(name: &str) -> String {
    format!("{name}:*:19000:0:99999:7:::\n")
}

/// Adds a user with a group of the same name and id and a home directory, as `adduser` does.
///
/// # Errors
/// A file could not be written, or the home directory exists.
pub fn add_user(vfs: &mut Vfs, user: &UserSpec, uid: u32) -> Result<(), Errno> {
    let name = &user.name;
    let mut letters = name.chars();
    let capitalised: SmolStr =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters.flat_map(char::to_lowercase)).collect();
    let full_name = user.full_name.as_ref().unwrap_or(&capitalised);
    let root = Cred::ROOT;
    vfs.append("/etc/passwd", format!("{name}:x:{uid}:{uid}:{full_name},,,:/home/{name}:/bin/sh\n"), 0o644, &root)?;
    vfs.append("/etc/group", format!("{name}:x:{uid}:\n"), 0o644, &root)?;
    let shadow = match &user.password {
        Some(clear) => format!("{name}:{}:19000:0:99999:7:::\n", password::hash(name, clear)),
        None => locked(name),
    };
    vfs.append("/etc/shadow", shadow, 0o640, &root)?;
    let home = format!("/home/{name}");
    vfs.mkdir(&home, 0o755, &root)?;
    vfs.chown(&home, Some(uid), Some(uid), &root)
}

/// Copies the files that Postfix's chrooted daemons need below its queue directory, as Debian's
/// start script does (`configure-instance.sh`).
///
/// # Errors
/// The jail's directory is missing, or the disk is full.
pub fn copy_into_chroot(vfs: &mut Vfs) -> Result<(), Errno> {
    for name in tables::CHROOT_FILES {
        if let Ok(content) = vfs.read(&format!("/etc/{name}"), &Cred::ROOT) {
            let copy = content.clone();
            vfs.write(&format!("/var/spool/postfix/etc/{name}"), copy, 0o644, &Cred::ROOT)?;
        }
    }
    Ok(())
}

/// The content of an executable: which installed command it is.
#[derive(Debug)]
pub struct ProgramFile(pub SmolStr);

impl Object for ProgramFile {
    fn bytes(&self) -> Vec<u8> {
        format!("\u{7f}ELF {}\n", self.0).into_bytes()
    }

    fn size(&self) -> u64 {
        // A plausible size, different from command to command.
        let spread = self.0.bytes().fold(7_u64, |sum, octet| sum * 31 % 9973 + u64::from(octet));
        14_488 + spread * 8
    }
}

fn program_file(name: &str) -> Content {
    Content::Object(std::sync::Arc::new(ProgramFile(name.into())))
}

/// Puts a file into `/usr/bin` or `/usr/sbin` for each installed command that has none yet, so
/// that `ls`, `which` and permissions work on them. Commands run without such files, too.
///
/// # Errors
/// A directory is missing, or the disk is full.
pub fn publish_programs(host: &mut Host) -> Result<(), Errno> {
    let names: Vec<&'static str> = host.programs.names().collect();
    for name in names {
        let place = if tables::SBIN.contains(&name) { "sbin" } else { "bin" };
        match host.vfs.create_new(&format!("/usr/{place}/{name}"), program_file(name), 0o755, &Cred::ROOT) {
            Ok(_) | Err(Errno::Exist) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> HostSpec {
        HostSpec {
            addrs: vec![IpAddr::from([192, 0, 2, 10])],
            users: vec![
                UserSpec { name: "alice".into(), password: Some("secret".into()), full_name: None },
                UserSpec { name: "bob".into(), ..UserSpec::default() },
            ],
            ..HostSpec::new(HostId(0), "mx1", "mx1.example.com", Time::from_secs(1_000))
        }
    }

    #[test]
    fn a_fresh_host_has_debians_owners_and_modes() {
        let host = build(&spec()).unwrap();
        for (path, mode, uid, gid) in [
            ("/var/mail", 0o2775, 0, 8),
            ("/var/spool/mail", 0o2775, 0, 8),
            ("/tmp", 0o1777, 0, 0),
            ("/home/alice", 0o755, 1000, 1000),
            ("/home/bob", 0o755, 1001, 1001),
            ("/var/spool/postfix/maildrop", 0o1730, 102, 106),
            ("/etc/shadow", 0o640, 0, 42),
        ] {
            let inode = host.vfs.stat(path, &Cred::ROOT).unwrap();
            assert_eq!((inode.mode, inode.uid, inode.gid), (mode, uid, gid), "{path}");
        }
        assert_eq!(host.accounts.user("alice").unwrap().gecos, "Alice,,,");
    }

    #[test]
    fn hosts_of_one_installer_share_the_base_system_until_they_change_it() {
        let mut installer = Installer::default();
        let (mut first, second) = (installer.build(&spec()).unwrap(), installer.build(&spec()).unwrap());
        let services = |host: &Host| host.vfs.stat_shared("/etc/services", &Cred::ROOT).unwrap();
        assert!(std::sync::Arc::ptr_eq(&services(&first), &services(&second)));
        first.vfs.write("/etc/services", "none\n", 0o644, &Cred::ROOT).unwrap();
        assert_ne!(second.vfs.read_text("/etc/services", &Cred::ROOT).unwrap(), "none\n");
        let other = HostSpec { layout: Layout::RedHat, ..spec() };
        assert!(installer.build(&other).unwrap().vfs.exists("/var/log/maillog"));
    }

    #[test]
    fn passwords_are_checked_against_the_shadow_file() {
        let host = build(&spec()).unwrap();
        assert!(password::verify(&host.vfs, "alice", "secret"));
        assert!(!password::verify(&host.vfs, "alice", "wrong"));
        assert!(!password::verify(&host.vfs, "bob", ""));
    }

    #[test]
    fn the_red_hat_layout_logs_to_maillog() {
        let host = build(&HostSpec { layout: Layout::RedHat, ..spec() }).unwrap();
        assert!(host.vfs.exists("/var/log/maillog") && !host.vfs.exists("/var/log/mail.log"));
        assert_eq!(host.syslog.file, "/var/log/maillog");
    }
}
