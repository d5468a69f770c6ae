//! The configuration: `main.cf` (postconf(5)) and `master.cf` (master(5)).
//!
//! [`Config::load`] reads both files as every Postfix program does when it starts; [`Params`]
//! answers what a parameter is for one service, with `-o` overrides applied and `$name` expanded.

pub mod compat;
pub mod defaults;
pub mod expand;
pub mod facts;
pub mod hostname;
pub mod limits;
pub mod lines;
pub mod main_cf;
pub mod master_cf;
pub mod params;
pub mod tokens;

use std::net::IpAddr;

use smol_str::SmolStr;

pub use compat::Level;
pub use facts::Facts;
pub use main_cf::MainCf;
pub use master_cf::{MasterCf, MasterEntry, ServiceKind};
pub use params::Params;

use crate::host::Host;
use crate::host::vfs::Cred;

/// Where Debian and most others keep the configuration.
pub const DIRECTORY: &str = "/etc/postfix";

/// Why a program cannot go on: the text after `fatal: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fatal(pub String);

/// Both configuration files of one instance, as they were when they were read.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `main.cf`.
    pub main: MainCf,
    /// `master.cf`.
    pub master: MasterCf,
    /// The directory of both.
    pub directory: SmolStr,
    /// What the host itself contributes: its name, its addresses.
    pub facts: Facts,
}

impl Config {
    /// Reads both files of `directory`.
    ///
    /// # Errors
    /// A file is missing or malformed, or a value cannot be expanded; the text is Postfix's.
    pub fn load(host: &Host, directory: &str) -> Result<Config, Fatal> {
        Config::load_noting(host, directory, &mut Vec::new())
    }

    /// The same, with the log lines that reading causes (`warning: …`) appended to `notes`, also
    /// when it fails.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_noting(host: &Host, directory: &str, notes: &mut Vec<String>) -> Result<Config, Fatal> {
        let mut config = Config::load_main(host, directory, notes)?;
        let path = format!("{directory}/master.cf");
        let text = read(host, &path)?;
        config.master = MasterCf::parse(&path, &text, notes)?;
        Ok(config)
    }

    /// Reads `main.cf` only, as commands do.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_main(host: &Host, directory: &str, notes: &mut Vec<String>) -> Result<Config, Fatal> {
        let path = format!("{directory}/main.cf");
        let main = MainCf::parse(&path, &read(host, &path)?, notes)?;
        let mut config =
            Config { main, master: MasterCf::default(), directory: directory.into(), facts: Facts::of(host) };
        config.check(notes)?;
        limits::check_accounts(&config.global(), &host.accounts)?;
        config.check_interfaces(host)?;
        config.read_origin(host)?;
        Ok(config)
    }

    /// What every program refuses as it starts (`mail_params_init()`).
    fn check(&self, notes: &mut Vec<String>) -> Result<(), Fatal> {
        let params = self.global();
        let level = params.get("compatibility_level");
        if Level::parse(&level).is_none() {
            return Err(Fatal(format!("malformed compatibility level syntax: \"{level}\"")));
        }
        limits::check_common(&params, notes)?;
        // It follows from others when it is not set.
        if params.get("myorigin").is_empty() {
            return Err(Fatal("bad string length 0 < 1: myorigin = ".to_owned()));
        }
        self.check_networks()?;
        let protocols = params.get("inet_protocols");
        match params.list("inet_protocols").iter().find(|name| !matches!(name.as_str(), "all" | "ipv4" | "ipv6")) {
            Some(unknown) => Err(Fatal(format!("unknown inet_protocols value \"{unknown}\" in \"{protocols}\""))),
            None => Ok(()),
        }
    }

    /// `mynetworks`, if it follows from `mynetworks_style`.
    ///
    /// # Errors
    /// There is no such style.
    pub fn check_networks(&self) -> Result<(), Fatal> {
        let style = self.global().get("mynetworks_style");
        let is_known = matches!(style.as_str(), "class" | "subnet" | "host");
        if is_known || self.main.get("mynetworks").is_some() {
            return Ok(());
        }
        Err(Fatal(format!("unknown mynetworks mask style value \"{style}\" in \"{style}\"")))
    }

    /// Addresses in `inet_interfaces` must be this host's own.
    fn check_interfaces(&self, host: &Host) -> Result<(), Fatal> {
        for name in self.global().list("inet_interfaces") {
            let addr: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
            if addr.is_some_and(|addr| !host.owns(addr)) {
                return Err(Fatal(format!("parameter inet_interfaces: no local interface found for {name}")));
            }
        }
        Ok(())
    }

    /// Debian: `myorigin = /file/name` means the first line of that file.
    fn read_origin(&mut self, host: &Host) -> Result<(), Fatal> {
        let file = self.global().get("myorigin");
        if !file.starts_with('/') {
            return Ok(());
        }
        let text = host
            .vfs
            .read_text(&file, &Cred::ROOT)
            .map_err(|errno| Fatal(format!("{file}: cannot open file: {errno}")))?;
        let origin = text.lines().next().unwrap_or_default().trim();
        if origin.is_empty() {
            return Err(Fatal(format!("myorigin file {file} is empty")));
        }
        self.facts.origin = Some((file, origin.into()));
        Ok(())
    }

    /// The configuration of the same host with nothing set.
    pub fn defaults(&self) -> Config {
        Config { directory: self.directory.clone(), facts: self.facts.clone(), ..Config::default() }
    }

    /// The parameters as one service of `master.cf` sees them.
    pub fn service<'a>(&'a self, service: &'a MasterEntry) -> Params<'a> {
        Params::new(self, Some(service))
    }

    /// The parameters of an internal service of this name, by its line if `master.cf` has one.
    pub fn of<'a>(&'a self, service: &str) -> Params<'a> {
        let entry = self.master.unix(service).or_else(|| self.master.find(service, ServiceKind::Fifo));
        Params::new(self, entry)
    }

    /// The parameters as commands see them, without overrides.
    pub fn global(&self) -> Params<'_> {
        Params::new(self, None)
    }
}

fn read(host: &Host, path: &str) -> Result<String, Fatal> {
    host.vfs.read_text(path, &Cred::ROOT).map_err(|errno| Fatal(format!("open {path}: {errno}")))
}

#[cfg(test)]
mod tests;
