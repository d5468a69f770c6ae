//! From a checked scenario to a world with running services.

use bytes::Bytes;
use smol_str::SmolStr;

use super::checked::{Host, HostIndex, Link, Scenario};
use super::presets;
use super::written::Service;
use crate::host::layout::{self, Installer, UserSpec};
use crate::host::vfs::{Cred, Errno};
use crate::host::{Command, Exit, Spawn};
use crate::sim::faults::{Rule, Selector};
use crate::sim::{Duration, HostId, ProcId};
use crate::trace::{Actor, Level};
use crate::world::World;

/// Longest time that a set-up command may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a valid scenario has no world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A file could not be written.
    #[error("host {host}: {path}: {error}")]
    File {
        /// The host.
        host: String,
        /// The file.
        path: String,
        /// Why.
        error: Errno,
    },
    /// A set-up command failed.
    #[error("host {host}: `{command}` ended with status {status}: {output}")]
    Setup {
        /// The host.
        host: String,
        /// The command.
        command: String,
        /// Its exit status.
        status: u8,
        /// What it wrote.
        output: String,
    },
}

impl Scenario {
    /// Builds the world and starts its services. The seed and the level may be other ones than
    /// those of the file.
    ///
    /// # Errors
    /// A file cannot be written, or a set-up command fails.
    pub fn build(&self, seed: u64, level: Level) -> Result<World, BuildError> {
        let mut world = World::new(seed, self.start, level);
        let mut installer = Installer::default();
        for host in &self.hosts {
            let data = self.host_data(host, &mut installer, &world)?;
            world.add_host(data);
        }
        for link in &self.links {
            add_link(&mut world, link);
        }
        for (index, host) in self.hosts.iter().enumerate() {
            let id = HostId(index as u32);
            set_up(&mut world, id, host)?;
            if host.off {
                world.set_up(id, false);
            } else {
                start_services(&mut world, id, &host.services);
            }
        }
        Ok(world)
    }

    pub(super) fn host_data(
        &self,
        host: &Host,
        installer: &mut Installer,
        world: &World,
    ) -> Result<crate::host::Host, BuildError> {
        let mut spec = layout::HostSpec::new(HostId(0), host.name.as_str(), host.fqdn.as_str(), world.now());
        spec.addrs.clone_from(&host.addrs);
        spec.zone = host.zone.clone();
        spec.layout = host.layout;
        spec.resolvers.clone_from(&host.resolvers);
        spec.seed = world.seed();
        let user = |user: &super::written::User| UserSpec {
            name: user.name.as_str().into(),
            password: user.password.clone(),
            full_name: user.full_name.as_deref().map(SmolStr::from),
        };
        spec.users = host.users.iter().map(user).collect();
        let failed = |path: &str, error| BuildError::File { host: host.name.clone(), path: path.to_owned(), error };
        let mut data = installer.build(&spec).map_err(|error| failed("/", error))?;
        for (path, text) in self.preset_files(host) {
            write(&mut data, &path, text.into_bytes()).map_err(|error| failed(&path, error))?;
        }
        for (path, content) in &host.files {
            write(&mut data, path, content.clone()).map_err(|error| failed(path, error))?;
        }
        crate::world::install_programs(&mut data);
        super::packages::set_up(&mut data, host).map_err(|error| failed("/var/lib/dpkg", error))?;
        if super::packages::has_postfix(host) {
            layout::copy_into_chroot(&mut data.vfs).map_err(|error| failed("/var/spool/postfix/etc", error))?;
        }
        data.vfs.capacity = host.disk.unwrap_or(data.vfs.capacity);
        Ok(data)
    }

    fn preset_files(&self, host: &Host) -> Vec<(String, String)> {
        let mut files = Vec::new();
        if presets::has_postfix(host.preset) {
            files.push(("/etc/postfix/master.cf".into(), presets::master_cf(host.preset, host.layout)));
            files.push(("/etc/mailname".into(), format!("{}\n", host.mail.name.as_deref().unwrap_or(&host.fqdn))));
        }
        files.extend(presets::main_cf(host).map(|text| ("/etc/postfix/main.cf".into(), text)));
        let own = |zone: &&super::checked::Zone| self.host(zone.server).name == host.name;
        let zones: Vec<_> = self.zones.iter().filter(own).collect();
        if !zones.is_empty() {
            // The empty root makes every other name one that does not exist.
            let root = (!self.zones.iter().any(|zone| zone.origin == ".")).then_some(".");
            let conf = presets::named_conf(zones.iter().map(|zone| zone.origin.as_str()).chain(root));
            files.push(("/etc/bind/named.conf.local".into(), conf));
            files.extend(root.map(|root| (presets::zone_file(root), presets::master_file(root, ""))));
            files.extend(zones.iter().map(|zone| (presets::zone_file(&zone.origin), zone.text.clone())));
        }
        files
    }
}

/// Writes a file as root, or as the user in whose home directory it lies.
pub(super) fn write(host: &mut crate::host::Host, path: &str, content: Vec<u8>) -> Result<(), Errno> {
    if let Some((dir, _)) = path.rsplit_once('/') {
        host.vfs.mkdir_all(dir)?;
    }
    let mode = if content.starts_with(b"#!") { 0o755 } else { 0o644 };
    host.vfs.write(path, content, mode, &Cred::ROOT)?;
    host.accounts.refresh(&host.vfs);
    let user = path.strip_prefix("/home/").and_then(|rest| rest.split('/').next());
    if let Some(user) = user.and_then(|name| host.accounts.user(name)) {
        let (uid, gid) = (user.uid, user.gid);
        host.vfs.chown(path, Some(uid), Some(gid), &Cred::ROOT)?;
    }
    Ok(())
}

/// Adds the rules of a link.
pub(super) fn add_link(world: &mut World, link: &Link) {
    let id = |index: Option<HostIndex>| index.map(|index| HostId(index.0));
    let selector = Selector { from: id(link.from), to: id(link.to), port: link.port, both_ways: true };
    for effect in &link.effects {
        let rule = Rule { name: link.name.clone(), selector: selector.clone(), effect: effect.clone() };
        world.faults_mut().add(rule);
    }
}

fn set_up(world: &mut World, id: HostId, host: &Host) -> Result<(), BuildError> {
    let aliases = presets::has_postfix(host.preset) && host.preset != super::written::Preset::NoConfiguration;
    let first = aliases.then_some("newaliases");
    for command in first.into_iter().chain(host.setup.iter().map(String::as_str)) {
        let exit = run(world, id, None, command, "");
        if exit.status != 0 {
            let output = [exit.stdout, exit.stderr].concat();
            let output = String::from_utf8_lossy(&output).trim_end().to_owned();
            let (host, command) = (host.name.clone(), command.to_owned());
            return Err(BuildError::Setup { host, command, status: exit.status, output });
        }
    }
    Ok(())
}

/// Starts what has no unit of its own on a host that was just switched on.
pub(super) fn start_helpers(world: &mut World, id: HostId, services: &[Service]) {
    for service in services.iter().filter(|service| matches!(service, Service::Lmtp | Service::LmtpNetwork)) {
        super::services::start(world, id, *service);
    }
}

/// Starts the services of a host for the first time, in the order of the scenario.
fn start_services(world: &mut World, id: HostId, services: &[Service]) {
    for service in services {
        match service {
            Service::Postfix => {
                run(world, id, None, "postfix start", "");
            }
            service => super::services::start(world, id, *service),
        }
    }
    super::packages::start_configured(world, id);
}

/// A command line as a user (root if none or unknown) in the home directory, after a login.
pub fn login_spawn(host: &crate::host::Host, user: Option<&str>, line: &str, stdin: &str) -> Spawn {
    let user = user.and_then(|user| host.accounts.user(user));
    let cred = user.map_or(Cred::ROOT, |user| host.accounts.cred(user));
    let (name, home) = user.map_or(("root".into(), "/root".into()), |user| (user.name.clone(), user.home.clone()));
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let env = [("HOME", home.as_str()), ("LOGNAME", &name), ("PATH", path), ("SHELL", "/bin/sh"), ("USER", &name)];
    Spawn {
        command: Command::Shell(line.to_owned()),
        cred,
        cwd: home.clone(),
        env: env.map(|(name, value)| (SmolStr::from(name), value.to_owned())).to_vec(),
        umask: 0o022,
        stdin: Bytes::copy_from_slice(stdin.as_bytes()),
        tty: false,
    }
}

/// Starts a command of the script.
pub(super) fn spawn(world: &mut World, id: HostId, user: Option<&str>, command: &str, stdin: &str) -> ProcId {
    let spawn = login_spawn(world.host(id), user, command, stdin);
    world.spawn(id, spawn, Actor::Scenario)
}

/// Runs a command to its end.
fn run(world: &mut World, id: HostId, user: Option<&str>, command: &str, stdin: &str) -> Exit {
    let proc = spawn(world, id, user, command, stdin);
    let end = world.now() + SETUP_TIMEOUT;
    loop {
        if let Some(exit) = world.exited(id, proc) {
            return exit;
        }
        if !world.step(end) {
            return Exit { status: 124, stderr: b"timed out".to_vec(), ..Exit::default() };
        }
    }
}
