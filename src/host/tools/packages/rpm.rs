//! rpm(8) and dnf(8) on Red Hat.

use std::collections::VecDeque;

use bytes::Bytes;

use super::apt::Step;
use super::kilobytes;
use super::plan::Plan;
use crate::host::Host;
use crate::host::layout::Layout;
use crate::host::packages::{self, Package};
use crate::host::program::{Env, Progress};

/// The full name of a package: `postfix-3.5.25-1.el9.x86_64`.
fn full_name(package: &Package) -> Option<String> {
    let (name, version) = package.rpm?;
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    Some(format!("{name}-{version}.x86_64"))
}

/// The packages of the host that have a name on Red Hat.
fn there(host: &Host) -> impl Iterator<Item = &'static Package> {
    packages::installed(host).into_iter().filter(|package| package.rpm.is_some())
}

/// `rpm -q NAME`, `-qa`, `-qi`, `-ql`, `-qf PATH`.
pub fn rpm(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let letters: String = env.args.iter().skip(1).filter_map(|arg| arg.strip_prefix('-')).collect();
    let operands: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    if !letters.contains('q') {
        env.errln("rpm: packages are installed and removed with dnf here; rpm -q asks about them");
        return 1;
    }
    if letters.contains('a') {
        let names: Vec<String> = there(env.ctx.host).filter_map(full_name).collect();
        names.into_iter().for_each(|name| env.outln(name));
        return 0;
    }
    if operands.is_empty() {
        env.errln("rpm: no arguments given for query");
        return 1;
    }
    let mut status = 0;
    for operand in operands {
        let found = if letters.contains('f') {
            let program = operand.rsplit('/').next().unwrap_or_default();
            there(env.ctx.host).find(|package| package.programs.contains(&program))
        } else {
            packages::find_on(env.ctx.host, &operand).filter(|package| packages::is_installed(env.ctx.host, package))
        };
        let Some((package, full)) = found.and_then(|package| Some((package, full_name(package)?))) else {
            env.outln(match letters.contains('f') {
                true if env.ctx.host.vfs.exists(&operand) => format!("file {operand} is not owned by any package"),
                true => format!("error: file {operand}: No such file or directory"),
                false => format!("package {operand} is not installed"),
            });
            status = 1;
            continue;
        };
        if letters.contains('i') {
            let (name, version) = package.rpm.unwrap_or_default();
            let (version, release) = version.rsplit_once('-').unwrap_or((version, ""));
            env.outln(format!("Name        : {name}\nVersion     : {version}\nRelease     : {release}"));
            env.outln(format!("Architecture: x86_64\nSummary     : {}", package.summary));
        } else if letters.contains('l') {
            for program in &package.programs {
                for place in ["bin", "sbin"] {
                    let path = format!("/usr/{place}/{program}");
                    if env.ctx.host.vfs.exists(&path) {
                        env.outln(path);
                    }
                }
            }
        } else {
            env.outln(full);
        }
    }
    status
}

/// The verbs of dnf that change nothing.
pub(super) fn dnf(verb: &str, names: &[String], env: &mut Env<'_, '_>) -> u8 {
    if env.ctx.host.layout != Layout::RedHat {
        env.errln("Error: There are no enabled repositories in \"/etc/yum.repos.d\".");
        return 1;
    }
    match verb {
        "update" | "upgrade" | "check-update" | "makecache" => {
            env.outln("Dependencies resolved.\nNothing to do.\nComplete!");
            0
        }
        "list" | "info" | "search" => {
            let wanted = |name: &str| {
                names.is_empty()
                    || names.iter().any(|word| word == "installed" || name.contains(word.trim_matches('*')))
            };
            let mut any = false;
            for package in packages::all() {
                let Some((name, version)) = package.rpm.filter(|(name, _)| wanted(name)) else { continue };
                let is_there = packages::is_installed(env.ctx.host, package);
                if names.iter().any(|word| word == "installed") && !is_there {
                    continue;
                }
                any = true;
                let from = if is_there { "@baseos" } else { "baseos" };
                env.outln(match verb {
                    "search" => format!("{name}.x86_64 : {}", package.summary),
                    _ => format!("{:<40} {version:<24} {from}", format!("{name}.x86_64")),
                });
            }
            if !any {
                env.errln("Error: No matching Packages to list");
            }
            u8::from(!any)
        }
        other => {
            env.errln(format!("No such command: {other}. Please use /usr/bin/dnf --help"));
            1
        }
    }
}

/// Shows what a plan comes to; an end at once, or nothing if the person is to agree.
pub(super) fn announce(
    plan: &Plan,
    present: &[&'static Package],
    yes: bool,
    env: &mut Env<'_, '_>,
) -> Option<Progress> {
    for package in present {
        env.outln(format!("Package {} is already installed.", full_name(package).unwrap_or_default()));
    }
    env.outln("Dependencies resolved.");
    if plan.is_empty() {
        env.outln("Nothing to do.\nComplete!");
        return Some(Progress::Exit(0));
    }
    let rule = "=".repeat(80);
    env.outln(format!(
        "{rule}\n Package            Architecture    Version                 Repository       Size\n{rule}"
    ));
    let table = |title: &str, list: &[&'static Package], env: &mut Env<'_, '_>| {
        if !list.is_empty() {
            env.outln(format!("{title}:"));
        }
        for package in list {
            let (name, version) = package.rpm.unwrap_or((package.name, package.version));
            env.outln(format!(" {name:<18} x86_64          {version:<23} baseos      {:>8}", kilobytes(package.size)));
        }
    };
    let coming = coming(plan);
    table("Installing", &coming, env);
    table("Removing", &plan.removed, env);
    env.outln(format!("\nTransaction Summary\n{rule}"));
    for (verb, count) in [("Install", coming.len()), ("Remove", plan.removed.len())] {
        if count > 0 {
            env.outln(format!("{verb}  {count} Package{}", if count == 1 { "" } else { "s" }));
        }
    }
    env.outln("");
    if !yes {
        env.stdout.extend_from_slice(b"Is this ok [y/N]: ");
    }
    None
}

/// Packages that come, as far as Red Hat has them.
fn coming(plan: &Plan) -> Vec<&'static Package> {
    plan.coming().filter(|package| package.rpm.is_some()).collect()
}

/// The steps of a transaction. Services of new packages are not started, and not with the host.
pub(super) fn steps(plan: &Plan, _: &Host) -> VecDeque<Step> {
    let mut steps = VecDeque::from([Step::Say("Running transaction".into())]);
    let coming = coming(plan);
    let total = coming.len() + plan.removed.len();
    let mut number = 0;
    let mut tell = |verb: &str, package: &Package| {
        number += 1;
        let name = full_name(package).unwrap_or_else(|| package.name.to_owned());
        Step::Say(format!("  {verb:<16} : {name:<50} {number}/{total}"))
    };
    for package in &plan.removed {
        for unit in &package.units {
            steps.push_back(Step::Script(format!("systemctl stop {unit} >/dev/null 2>&1")));
        }
        steps.push_back(tell("Erasing", package));
        steps.push_back(Step::Remove(package, true));
    }
    for package in &coming {
        steps.push_back(tell("Installing", package));
        steps.push_back(Step::Unpack(package));
        if package.name == "postfix" {
            steps.push_back(Step::Script("newaliases >/dev/null 2>&1".into()));
        }
        for unit in package.units.iter().filter(|unit| !unit.contains('@')) {
            steps.push_back(Step::Script(format!("systemctl disable {unit} >/dev/null 2>&1")));
        }
    }
    for (title, list) in [("Installed:", &coming), ("Removed:", &plan.removed)] {
        if !list.is_empty() {
            let names: Vec<String> = list.iter().filter_map(|package| full_name(package)).collect();
            steps.push_back(Step::Say(format!("\n{title}\n  {}", names.join("  "))));
        }
    }
    steps.push_back(Step::Say("\nComplete!".into()));
    steps
}
