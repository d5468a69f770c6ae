//! apt(8), apt-get(8), dnf(8) and `dpkg-reconfigure`: installing and removing, with the questions
//! that packages ask.

use std::collections::{BTreeSet, VecDeque};

use super::debconf::{self, Answers, Level};
use super::plan::Plan;
use super::{kilobytes, postfix, rpm};
use crate::host::layout::Layout;
use crate::host::packages::{self, Package};
use crate::host::program::{Env, Program, Progress, Resume, Run};
use crate::host::tools::processes::program_name;

/// Exit status of apt for errors.
const ERROR: u8 = 100;

/// Which command was typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tool {
    /// `apt`, `apt-get`, `aptitude`.
    #[default]
    Apt,
    /// `dnf`, `yum`.
    Dnf,
    /// `dpkg-reconfigure`.
    Reconfigure,
}

/// What the program waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing is decided yet.
    #[default]
    Begin,
    /// The person is to agree to the plan.
    Confirm,
    /// A question was put.
    Question,
    /// The steps are under way.
    Steps,
}

/// A step of the work.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Tells something.
    Say(String),
    /// Puts a package on the host.
    Unpack(&'static Package),
    /// Takes a package off the host; with its configuration.
    Remove(&'static Package, bool),
    /// Runs a script of the package.
    Script(String),
    /// Runs the script that the answers make.
    Configure,
}

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Apt {
    tool: Tool,
    stage: Stage,
    steps: VecDeque<Step>,
    plan: Plan,
    purge: bool,
    /// What was answered so far, and which questions were put.
    given: Answers,
    asked: BTreeSet<&'static str>,
    level: Option<Level>,
    titled: bool,
}

impl Apt {
    pub fn make() -> Box<dyn Program> {
        Box::new(Apt::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let name = program_name(env.args.first().map_or("", String::as_str)).to_owned();
        self.tool = match name.as_str() {
            "dnf" | "yum" => Tool::Dnf,
            "dpkg-reconfigure" => Tool::Reconfigure,
            _ => Tool::Apt,
        };
        let mut words = Vec::new();
        let (mut yes, mut priority, mut frontend) = (false, None, None);
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-y" | "--yes" | "--assume-yes" | "-qy" | "-yq" | "-qqy" | "-yqq" => yes = true,
                "--purge" => self.purge = true,
                "-p" => priority = args.next().cloned(),
                "-f" if self.tool == Tool::Reconfigure => frontend = args.next().cloned(),
                "-o" | "-t" | "-c" => drop(args.next()),
                arg => match (arg.strip_prefix("--priority="), arg.strip_prefix("--frontend=")) {
                    (Some(level), _) => priority = Some(level.to_owned()),
                    (_, Some(chosen)) => frontend = Some(chosen.to_owned()),
                    _ if arg.starts_with('-') => {}
                    _ => words.push(arg.to_owned()),
                },
            }
        }
        let silent = |value: Option<&String>| value.is_some_and(|value| value == "noninteractive");
        if !silent(env.vars.get("DEBIAN_FRONTEND")) && !silent(frontend.as_ref()) {
            let by_default = if self.tool == Tool::Reconfigure { Level::Low } else { Level::High };
            let named = priority.or_else(|| env.vars.get("DEBIAN_PRIORITY").cloned());
            self.level = Some(named.and_then(|name| Level::from_name(&name)).unwrap_or(by_default));
        }
        if self.tool == Tool::Reconfigure {
            return self.reconfigure(&words, env);
        }
        if words.is_empty() {
            env.outln(match self.tool {
                Tool::Dnf => "usage: dnf [options] COMMAND\n\nCommands: install, remove, list, info, search, update",
                _ => {
                    "apt 2.6.1 (amd64)\nUsage: apt [options] command\n\nMost used commands:\n  list - list packages \
                     based on package names\n  search - search in package descriptions\n  show - show package \
                     details\n  install - install packages\n  remove - remove packages\n  purge - remove packages \
                     with their configuration files\n  update - update list of available packages"
                }
            });
            return Progress::Exit(u8::from(self.tool == Tool::Dnf));
        }
        let verb = words.remove(0);
        if name == "apt"
            && !env.tty
            && matches!(verb.as_str(), "install" | "remove" | "purge" | "update" | "search" | "show" | "list")
        {
            env.errln("\nWARNING: apt does not have a stable CLI interface. Use with caution in scripts.\n");
        }
        match verb.as_str() {
            "install" | "remove" | "purge" | "autoremove" | "reinstall" | "erase" => {
                self.purge |= verb == "purge";
                self.change(&verb, &words, yes, env)
            }
            _ if self.tool == Tool::Dnf => Progress::Exit(rpm::dnf(&verb, &words, env)),
            "update" => Progress::Exit(update(&name, env)),
            "upgrade" | "full-upgrade" | "dist-upgrade" | "clean" | "autoclean" => {
                if let Err(status) = privileged(env) {
                    return Progress::Exit(status);
                }
                if !verb.ends_with("clean") {
                    reading(env);
                    env.outln(
                        "Calculating upgrade... Done\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.",
                    );
                }
                Progress::Exit(0)
            }
            "search" | "show" | "policy" | "list" | "showpkg" | "depends" => {
                Progress::Exit(super::show::answer(&name, &verb, &words, env))
            }
            other => {
                env.errln(format!("E: Invalid operation {other}"));
                Progress::Exit(ERROR)
            }
        }
    }

    /// Plans an installation or removal, and shows what it comes to.
    fn change(&mut self, verb: &str, names: &[String], yes: bool, env: &mut Env<'_, '_>) -> Progress {
        if let Err(status) = privileged(env) {
            return Progress::Exit(status);
        }
        if self.tool == Tool::Apt {
            reading(env);
        }
        let mut found = Vec::new();
        for name in names {
            match packages::find_on(env.ctx.host, name).or_else(|| self.virtual_package(name, env)) {
                Some(package) => found.push(package),
                None if self.tool == Tool::Dnf => {
                    env.errln(format!("No match for argument: {name}\nError: Unable to find a match: {name}"));
                    return Progress::Exit(1);
                }
                None => {
                    env.errln(format!("E: Unable to locate package {name}"));
                    return Progress::Exit(ERROR);
                }
            }
        }
        let host = &*env.ctx.host;
        let (before, after) = if matches!(verb, "install" | "reinstall") {
            self.plan = Plan::install(host, &found);
            (self.plan.present.clone(), Vec::new())
        } else {
            self.plan = Plan::remove(host, &found, self.purge);
            let gone = found.iter().copied().filter(|package| !self.plan.removed.contains(package));
            (Vec::new(), gone.collect::<Vec<_>>())
        };
        if self.tool == Tool::Dnf {
            return match rpm::announce(&self.plan, &before, yes, env) {
                Some(progress) => progress,
                None if yes => self.agreed(env),
                None => self.wait_for(Stage::Confirm, env),
            };
        }
        for package in before {
            env.outln(format!("{} is already the newest version ({}).", package.name, package.version));
        }
        for package in after {
            env.outln(format!("Package '{}' is not installed, so not removed", package.name));
        }
        announce(&self.plan, self.purge, env);
        if self.plan.is_empty() {
            return Progress::Exit(0);
        }
        if self.plan.is_surprising() && !yes {
            env.stdout.extend_from_slice(b"Do you want to continue? [Y/n] ");
            return self.wait_for(Stage::Confirm, env);
        }
        self.agreed(env)
    }

    /// A virtual package with one provider stands for that.
    fn virtual_package(&self, name: &str, env: &mut Env<'_, '_>) -> Option<&'static Package> {
        let mut providers = packages::providers(name).filter(|_| self.tool == Tool::Apt);
        let (only, none) = (providers.next()?, providers.next().is_none());
        none.then(|| {
            env.outln(format!("Note, selecting '{}' instead of '{name}'", only.name));
            only
        })
    }

    fn wait_for(&mut self, stage: Stage, env: &mut Env<'_, '_>) -> Progress {
        self.stage = stage;
        self.go_on(env)
    }

    /// Goes on with what is typed.
    fn go_on(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let line = match env.stdin.take_line() {
            Some(line) => Some(String::from_utf8_lossy(&line).trim().to_owned()),
            None if env.stdin.eof => None,
            None => return Progress::Wait,
        };
        match (self.stage, line) {
            (Stage::Confirm, line) => {
                let line = line.unwrap_or_else(|| "n".to_owned()).to_lowercase();
                let agreed = line.starts_with('y') || (line.is_empty() && self.tool == Tool::Apt);
                match (agreed, self.tool) {
                    (true, _) => self.agreed(env),
                    (false, Tool::Dnf) => {
                        env.outln("Operation aborted.");
                        Progress::Exit(1)
                    }
                    (false, _) => {
                        env.outln("Abort.");
                        Progress::Exit(1)
                    }
                }
            }
            (Stage::Question, line) => {
                let kept = debconf::answers(&env.ctx.host.vfs);
                if let Some(question) = postfix::next_question(env.ctx.host, &self.given, &kept) {
                    // At the end of the input the default is as good as anything.
                    let value = line.map_or(Some(question.default.clone()), |line| question.value(&line));
                    if let Some(value) = value {
                        self.asked.insert(question.name);
                        self.given.insert(question.name.to_owned(), value);
                    }
                    env.outln("");
                }
                self.ask(env)
            }
            _ => Progress::Wait,
        }
    }

    /// Asks the next question of the package postfix, or begins with the steps.
    fn ask(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let kept = debconf::answers(&env.ctx.host.vfs);
        while let Some(question) = postfix::next_question(env.ctx.host, &self.given, &kept) {
            if self.level.is_none_or(|level| question.level < level) {
                self.given.insert(question.name.to_owned(), question.default);
                continue;
            }
            if !std::mem::replace(&mut self.titled, true) {
                env.outln("Postfix Configuration\n---------------------\n");
            }
            env.stdout.extend_from_slice(question.show().as_bytes());
            return self.wait_for_question(env);
        }
        let mut all = kept;
        all.extend(self.given.clone());
        debconf::keep(&mut env.ctx.host.vfs, &all);
        self.stage = Stage::Steps;
        self.work(env)
    }

    fn wait_for_question(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.stage = Stage::Question;
        if env.stdin.buffer.is_empty() && !env.stdin.eof { Progress::Wait } else { self.go_on(env) }
    }

    /// Lays out the steps of the plan.
    fn agreed(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.tool == Tool::Dnf {
            self.steps = rpm::steps(&self.plan, env.ctx.host);
            self.stage = Stage::Steps;
            return self.work(env);
        }
        let mut steps = VecDeque::new();
        let coming: Vec<&'static Package> = self.plan.coming().collect();
        let reading = "(Reading database ... 31415 files and directories currently installed.)".to_owned();
        if !coming.is_empty() {
            let size: u64 = coming.iter().map(|package| package.size).sum();
            for (package, number) in coming.iter().zip(1..) {
                steps.push_back(Step::Say(format!(
                    "Get:{number} http://deb.debian.org/debian bookworm/main amd64 {} amd64 {} [{}]",
                    package.name,
                    package.version,
                    kilobytes(package.size)
                )));
            }
            steps.push_back(Step::Say(format!("Fetched {} in 0s (24.9 MB/s)", kilobytes(size))));
        }
        let mut read = false;
        let mut read_once = |steps: &mut VecDeque<Step>| {
            if !std::mem::replace(&mut read, true) {
                steps.push_back(Step::Say(reading.clone()));
            }
        };
        for package in &self.plan.removed {
            read_once(&mut steps);
            let was_installed = packages::is_installed(env.ctx.host, package);
            if was_installed {
                steps.push_back(Step::Say(format!("Removing {} ({}) ...", package.name, package.version)));
                steps.extend(stops(package));
                steps.push_back(Step::Remove(package, false));
            }
            if self.purge {
                if !package.purges.is_empty() {
                    let text = format!("Purging configuration files for {} ({}) ...", package.name, package.version);
                    steps.push_back(Step::Say(text));
                }
                steps.push_back(Step::Remove(package, true));
            }
        }
        for package in &coming {
            steps.push_back(Step::Say(format!("Selecting previously unselected package {}.", package.name)));
            read_once(&mut steps);
            steps.push_back(Step::Say(format!(
                "Preparing to unpack .../{}_{}_amd64.deb ...",
                package.name,
                package.version.replace(':', "%3a")
            )));
            steps.push_back(Step::Say(format!("Unpacking {} ({}) ...", package.name, package.version)));
            steps.push_back(Step::Unpack(package));
        }
        for package in &coming {
            steps.push_back(Step::Say(format!("Setting up {} ({}) ...", package.name, package.version)));
            if package.name == "postfix" {
                steps.push_back(Step::Configure);
            }
            steps.extend(starts(package));
        }
        self.steps = steps;
        if coming.iter().any(|package| package.name == "postfix") {
            env.outln("Preconfiguring packages ...");
            return self.ask(env);
        }
        self.stage = Stage::Steps;
        self.work(env)
    }

    fn reconfigure(&mut self, names: &[String], env: &mut Env<'_, '_>) -> Progress {
        if env.cred.uid != 0 {
            env.errln("/usr/sbin/dpkg-reconfigure must be run as root");
            return Progress::Exit(1);
        }
        let Some(name) = names.first() else {
            env.errln("/usr/sbin/dpkg-reconfigure: please specify a package to reconfigure");
            return Progress::Exit(1);
        };
        let there = packages::find(name).filter(|package| packages::is_installed(env.ctx.host, package));
        let Some(package) = there else {
            env.errln(format!("/usr/sbin/dpkg-reconfigure: {name} is not installed"));
            return Progress::Exit(1);
        };
        if package.name != "postfix" {
            return Progress::Exit(0);
        }
        self.steps =
            VecDeque::from([Step::Configure, Step::Script("systemctl restart postfix >/dev/null 2>&1".into())]);
        self.ask(env)
    }

    /// Does the steps until one has to be waited for.
    fn work(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some(step) = self.steps.pop_front() {
            let done = match step {
                Step::Say(text) => {
                    env.outln(text);
                    Ok(())
                }
                Step::Unpack(package) => packages::install(env.ctx.host, package),
                Step::Remove(package, purge) => {
                    if purge {
                        debconf::forget(&mut env.ctx.host.vfs, package.name);
                    }
                    packages::remove(env.ctx.host, package, purge)
                }
                Step::Script(line) => return shell(line),
                Step::Configure => return shell(postfix::script(env.ctx.host, &self.given, &self.asked)),
            };
            if let Err(error) = done {
                env.errln(format!("dpkg: error: {error}"));
                return Progress::Exit(ERROR);
            }
        }
        Progress::Exit(0)
    }
}

/// Runs lines as `sh` does.
fn shell(line: String) -> Progress {
    Progress::Run(Box::new(Run { argv: vec!["sh".into(), "-c".into(), line], ..Run::default() }))
}

/// The steps that start the services of a new package, which begin with the host from now on.
fn starts(package: &Package) -> Vec<Step> {
    let mut steps = Vec::new();
    for unit in package.units.iter().filter(|unit| !unit.contains('@')) {
        // Debian's package leaves these to the person who writes their configuration.
        if matches!(*unit, "saslauthd" | "fetchmail" | "ufw") {
            steps.push(Step::Script(format!("systemctl disable {unit} >/dev/null 2>&1")));
            continue;
        }
        let link = format!("/etc/systemd/system/multi-user.target.wants/{unit}.service");
        steps.push(Step::Say(format!("Created symlink {link} → /lib/systemd/system/{unit}.service.")));
        steps.push(Step::Script(format!("systemctl start {unit} >/dev/null 2>&1")));
    }
    steps
}

/// The steps that stop the services of a package that goes.
fn stops(package: &Package) -> Vec<Step> {
    let units = package.units.iter().filter(|unit| !unit.contains('@'));
    units.map(|unit| Step::Script(format!("systemctl stop {unit} >/dev/null 2>&1"))).collect()
}

/// Only root may change packages.
fn privileged(env: &mut Env<'_, '_>) -> Result<(), u8> {
    if env.cred.uid == 0 {
        return Ok(());
    }
    if env.ctx.host.layout == Layout::RedHat {
        env.errln("Error: This command has to be run with superuser privileges (under the root user on most systems).");
        return Err(1);
    }
    env.errln("E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)");
    env.errln("E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?");
    Err(ERROR)
}

fn reading(env: &mut Env<'_, '_>) {
    env.outln("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done");
}

fn update(name: &str, env: &mut Env<'_, '_>) -> u8 {
    if env.cred.uid != 0 {
        env.errln("E: Could not open lock file /var/lib/apt/lists/lock - open (13: Permission denied)");
        env.errln("E: Unable to lock directory /var/lib/apt/lists/");
        return ERROR;
    }
    env.outln("Hit:1 http://deb.debian.org/debian bookworm InRelease");
    env.outln("Hit:2 http://deb.debian.org/debian-security bookworm-security InRelease");
    if name == "apt" {
        reading(env);
        env.outln("All packages are up to date.");
    } else {
        env.outln("Reading package lists... Done");
    }
    0
}

/// What apt says before it begins.
fn announce(plan: &Plan, purge: bool, env: &mut Env<'_, '_>) {
    let mut coming: Vec<&str> = plan.coming().map(|package| package.name).collect();
    coming.sort_unstable();
    let mut additional: Vec<&str> = plan.additional.iter().map(|package| package.name).collect();
    additional.sort_unstable();
    let mark = if purge { "*" } else { "" };
    let removed: Vec<String> = plan.removed.iter().map(|package| format!("{}{mark}", package.name)).collect();
    let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
    for (title, names) in [
        ("The following additional packages will be installed:", &additional),
        ("Suggested packages:", &plan.suggested),
        ("The following packages will be REMOVED:", &removed),
        ("The following NEW packages will be installed:", &coming),
    ] {
        if !names.is_empty() {
            env.outln(title);
            env.outln(format!("  {}", names.join(" ")));
        }
    }
    env.outln(format!(
        "0 upgraded, {} newly installed, {} to remove and 0 not upgraded.",
        coming.len(),
        plan.removed.len()
    ));
    if plan.is_empty() {
        return;
    }
    let kib = |package: &Package| package.installed_size * 1024;
    let come: u64 = plan.coming().map(kib).sum();
    let go: u64 = plan.removed.iter().map(|package| kib(package)).sum();
    if !coming.is_empty() {
        let size: u64 = plan.coming().map(|package| package.size).sum();
        env.outln(format!("Need to get {} of archives.", kilobytes(size)));
    }
    env.outln(match come >= go {
        true => format!("After this operation, {} of additional disk space will be used.", kilobytes(come - go)),
        false => format!("After this operation, {} disk space will be freed.", kilobytes(go - come)),
    });
}

impl Program for Apt {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match (resume, self.stage) {
            (Resume::Start, _) => self.begin(env),
            (Resume::Stdin, Stage::Confirm | Stage::Question) => self.go_on(env),
            (Resume::Ran(_), Stage::Steps) => self.work(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
