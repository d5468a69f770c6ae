//! What may be installed: apt-cache(8) and the verbs of apt(8) and aptitude(8) that only tell.

use bytes::Bytes;

use super::kilobytes;
use crate::host::packages::{self, Package, State};
use crate::host::program::Env;

/// `apt-cache`.
pub fn apt_cache(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let mut words = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned();
    match words.next() {
        Some(verb) => {
            let names: Vec<String> = words.collect();
            answer("apt-cache", &verb, &names, env)
        }
        None => {
            env.errln("E: No operation specified");
            100
        }
    }
}

/// `aptitude`, as far as it tells something.
pub fn aptitude(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let mut words = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned();
    let verb = words.next().unwrap_or_default();
    let names: Vec<String> = words.collect();
    match verb.as_str() {
        "show" | "search" => answer("aptitude", &verb, &names, env),
        _ => {
            env.errln("aptitude: only `show` and `search` are here; install and remove with apt");
            1
        }
    }
}

/// Answers a verb that changes nothing.
pub fn answer(tool: &str, verb: &str, names: &[String], env: &mut Env<'_, '_>) -> u8 {
    match verb {
        "search" => search(tool, names, env),
        "show" => names.iter().map(|name| show(tool, name, env)).max().unwrap_or(0),
        "policy" => {
            names.iter().for_each(|name| policy(name, env));
            0
        }
        "list" => {
            if tool == "apt" {
                env.outln("Listing... Done");
            }
            let only_installed = env.args.iter().any(|arg| arg == "--installed");
            for package in packages::all() {
                let there = packages::is_installed(env.ctx.host, package);
                if (there || !only_installed) && (names.is_empty() || names.iter().any(|name| name == package.name)) {
                    let mark = if there { " [installed]" } else { "" };
                    env.outln(format!("{}/stable {} amd64{mark}", package.name, package.version));
                }
            }
            0
        }
        "depends" => {
            for package in names.iter().filter_map(|name| packages::find(name)) {
                env.outln(package.name);
                for alternatives in &package.depends {
                    env.outln(format!("  Depends: {}", alternatives.join(" | ")));
                }
            }
            0
        }
        other => {
            env.errln(format!("E: Invalid operation {other}"));
            100
        }
    }
}

fn search(tool: &str, words: &[String], env: &mut Env<'_, '_>) -> u8 {
    if words.is_empty() {
        env.errln("E: You must give at least one search pattern");
        return 100;
    }
    if tool == "apt" {
        env.outln("Sorting... Done\nFull Text Search... Done");
    }
    let found = |package: &&Package| {
        words.iter().all(|word| {
            let word = word.to_lowercase();
            package.name.contains(&word) || package.summary.to_lowercase().contains(&word)
        })
    };
    for package in packages::all().iter().filter(found) {
        let there = packages::is_installed(env.ctx.host, package);
        let text = match tool {
            "apt" => {
                let mark = if there { " [installed]" } else { "" };
                format!("{}/stable {} amd64{mark}\n  {}\n", package.name, package.version, package.summary)
            }
            "aptitude" => format!("{}   {:<30} - {}", if there { 'i' } else { 'p' }, package.name, package.summary),
            _ => format!("{} - {}", package.name, package.summary),
        };
        env.outln(text);
    }
    0
}

fn show(tool: &str, name: &str, env: &mut Env<'_, '_>) -> u8 {
    let Some(package) = packages::find(name) else {
        env.errln(match tool {
            "apt" => format!("N: Unable to locate package {name}\nE: No packages found"),
            _ => format!("E: No packages found: {name}"),
        });
        return 100;
    };
    let there = packages::is_installed(env.ctx.host, package);
    env.outln(format!("Package: {}", package.name));
    if tool == "aptitude" {
        env.outln(format!("Version: {}", package.version));
        env.outln(format!("State: {}", if there { "installed" } else { "not installed" }));
        if there {
            env.outln("Automatically installed: no");
        }
    }
    for (field, value) in package.control().filter(|(field, _)| tool != "aptitude" || *field != "Version") {
        let (field, value) = match field {
            "Installed-Size" if tool == "apt" => (field, kilobytes(package.installed_size * 1024)),
            "Installed-Size" if tool == "aptitude" => ("Uncompressed Size", kilobytes(package.installed_size * 1024)),
            field => (field, value.to_owned()),
        };
        env.outln(format!("{field}: {value}"));
    }
    if tool == "apt" {
        env.outln(format!("Download-Size: {}", kilobytes(package.size)));
        env.outln(format!("APT-Manual-Installed: {}", if there { "yes" } else { "no" }));
        env.outln("APT-Sources: http://deb.debian.org/debian bookworm/main amd64 Packages");
    }
    env.outln("");
    0
}

fn policy(name: &str, env: &mut Env<'_, '_>) {
    let Some(package) = packages::find(name) else { return };
    let there = packages::state(env.ctx.host, package) == Some(State::Installed);
    let version = package.version;
    env.outln(format!("{name}:"));
    env.outln(format!("  Installed: {}", if there { version } else { "(none)" }));
    env.outln(format!("  Candidate: {version}\n  Version table:"));
    env.outln(format!(" {} {version} 500", if there { "***" } else { "   " }));
    env.outln("        500 http://deb.debian.org/debian bookworm/main amd64 Packages");
    if there {
        env.outln("        100 /var/lib/dpkg/status");
    }
}
