//! dpkg(1), dpkg-query(1) and update-alternatives(1): what is installed, and which package a file
//! belongs to.

use bytes::Bytes;

use crate::host::Host;
use crate::host::packages::{self, Package, State};
use crate::host::program::Env;
use crate::host::shell::pattern::Pattern;

/// Whether a name fits a pattern of `dpkg -l`.
fn glob_matches(pattern: &str, name: &str) -> bool {
    Pattern::from_text(pattern).matches(name)
}

/// `dpkg`.
pub fn dpkg(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let mut action = None;
    let mut operands = Vec::new();
    for arg in env.args.iter().skip(1) {
        match arg.as_str() {
            "-l" | "--list" => action = Some('l'),
            "-L" | "--listfiles" => action = Some('L'),
            "-S" | "--search" => action = Some('S'),
            "-s" | "--status" => action = Some('s'),
            "-p" | "--print-avail" => action = Some('s'),
            "--get-selections" => action = Some('g'),
            "-i" | "--install" | "-r" | "--remove" | "-P" | "--purge" => action = Some('i'),
            "--print-architecture" => action = Some('a'),
            arg if arg.starts_with('-') => {}
            arg => operands.push(arg.to_owned()),
        }
    }
    match action {
        Some('l') => list(&operands, env),
        Some('L') => operands.iter().map(|name| list_files(name, env)).max().unwrap_or(0),
        Some('S') => operands.iter().map(|path| search(path, env)).max().unwrap_or(0),
        Some('s') => operands.iter().map(|name| status(name, env)).max().unwrap_or(0),
        Some('g') => {
            for (name, state) in packages::states(env.ctx.host) {
                let selection = if state == State::Installed { "install" } else { "deinstall" };
                env.outln(format!("{name:<48}{selection}"));
            }
            0
        }
        Some('a') => {
            env.outln("amd64");
            0
        }
        Some(_) => {
            env.errln("dpkg: error: there are no package files here; use apt install, apt remove or apt purge");
            2
        }
        None => {
            env.errln("dpkg: error: need an action option\n\nType dpkg --help for help about installing and deinstalling packages [*];");
            2
        }
    }
}

/// `dpkg-query`, with `-W` and `-f` besides the options of `dpkg`.
pub fn dpkg_query(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    if !env.args.iter().any(|arg| arg == "-W" || arg == "--show") {
        return dpkg(env, stdin);
    }
    let format = env.args.iter().find_map(|arg| arg.strip_prefix("-f=").or(arg.strip_prefix("--showformat=")));
    let format = format.unwrap_or("${binary:Package}\\t${Version}\\n").to_owned();
    let names: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    let mut status = 0;
    for name in &names {
        if packages::find(name).is_none_or(|package| packages::state(env.ctx.host, package).is_none()) {
            env.errln(format!("dpkg-query: no packages found matching {name}"));
            status = 1;
        }
    }
    for package in packages::installed(env.ctx.host) {
        if names.is_empty() || names.iter().any(|name| name == package.name) {
            let text = format
                .replace("${Package}", package.name)
                .replace("${binary:Package}", package.name)
                .replace("${Version}", package.version)
                .replace("${Status}", "install ok installed")
                .replace("${Architecture}", "amd64");
            env.stdout.extend_from_slice(super::super::system::unescape(&text).as_bytes());
        }
    }
    status
}

fn list(patterns: &[String], env: &mut Env<'_, '_>) -> u8 {
    let matches = |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| glob_matches(pattern, name));
    let mut rows: Vec<[&str; 4]> = Vec::new();
    for (name, state) in packages::states(env.ctx.host) {
        if let Some(package) = packages::find(name).filter(|_| matches(name)) {
            rows.push([state.letters(), name, package.version, package.summary]);
        }
    }
    let mut status = 0;
    for pattern in patterns {
        if rows.iter().any(|row| glob_matches(pattern, row[1])) {
            continue;
        }
        match packages::find(pattern) {
            Some(package) => rows.push(["un", package.name, "<none>", "(no description available)"]),
            None => {
                env.errln(format!("dpkg-query: no packages found matching {pattern}"));
                status = 1;
            }
        }
    }
    if rows.is_empty() {
        return status;
    }
    rows.sort_by_key(|row| row[1]);
    let width = |column: usize, least: usize| rows.iter().map(|row| row[column].len()).fold(least, usize::max);
    let (name, version) = (width(1, 14), width(2, 12));
    let description = width(3, 33).min(60);
    env.outln("Desired=Unknown/Install/Remove/Purge/Hold");
    env.outln("| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend");
    env.outln("|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)");
    env.outln(format!("||/ {:<name$} {:<version$} Architecture Description", "Name", "Version"));
    let dashes = |count: usize| "=".repeat(count);
    env.outln(format!("+++-{}-{}-============-{}", dashes(name), dashes(version), dashes(description)));
    for [letters, own, number, text] in rows {
        let arch = if letters == "un" { "<none>" } else { "amd64" };
        let line = format!("{letters}  {own:<name$} {number:<version$} {arch:<12} {text}");
        env.outln(line.trim_end());
    }
    status
}

fn status(name: &str, env: &mut Env<'_, '_>) -> u8 {
    let found = packages::find(name).and_then(|package| Some((package, packages::state(env.ctx.host, package)?)));
    match found {
        Some((package, state)) => {
            env.outln(packages::stanza(package, state));
            0
        }
        None => {
            env.errln(format!("dpkg-query: package '{name}' is not installed and no information is available"));
            env.errln("Use dpkg --info (= dpkg-deb --info) to examine archive files.");
            1
        }
    }
}

/// The files of a package that are on the host.
fn files(host: &Host, package: &Package) -> Vec<String> {
    let mut paths = vec!["/.".to_owned()];
    let mut add = |path: String| {
        if host.vfs.exists(&path) && !paths.contains(&path) {
            paths.push(path);
        }
    };
    for (path, ..) in packages::default_files(package.name) {
        for (at, _) in path.match_indices('/').skip(1) {
            add(path[..at].to_owned());
        }
        add((*path).to_owned());
    }
    for tree in package.trees.iter().chain(&package.purges) {
        add((*tree).to_owned());
    }
    if package.name == "postfix" {
        for name in crate::host::layout::tables::POSTFIX_DAEMONS {
            add(format!("/usr/lib/postfix/sbin/{name}"));
        }
    }
    for place in ["bin", "sbin"] {
        for name in &package.programs {
            add(format!("/usr/{place}/{name}"));
        }
    }
    paths
}

fn list_files(name: &str, env: &mut Env<'_, '_>) -> u8 {
    match packages::find(name).filter(|package| packages::is_installed(env.ctx.host, package)) {
        Some(package) => {
            files(env.ctx.host, package).iter().for_each(|path| env.outln(path));
            0
        }
        None => {
            env.errln(format!("dpkg-query: package '{name}' is not installed"));
            env.errln("Use dpkg --contents (= dpkg-deb --contents) to list archive files contents.");
            1
        }
    }
}

fn search(wanted: &str, env: &mut Env<'_, '_>) -> u8 {
    let is_wanted = |path: &str| match wanted.starts_with('/') {
        true => path == wanted || path.strip_prefix("/usr") == Some(wanted),
        false => path.contains(wanted),
    };
    let mut hits = Vec::new();
    for package in packages::installed(env.ctx.host) {
        let found = files(env.ctx.host, package).into_iter().filter(|path| is_wanted(path));
        hits.extend(found.map(|path| format!("{}: {path}", package.name)));
    }
    if hits.is_empty() {
        let pattern = if wanted.starts_with('/') { wanted.to_owned() } else { format!("*{wanted}*") };
        env.errln(format!("dpkg-query: no path found matching pattern {pattern}"));
        return 1;
    }
    hits.into_iter().for_each(|hit| env.outln(hit));
    0
}

/// `update-alternatives --display NAME`, for the names that mail programs share.
pub fn update_alternatives(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let args: Vec<&str> = env.args.iter().skip(1).map(String::as_str).collect();
    let (link, choices): (&str, &[(&str, &str, u32)]) = match args.as_slice() {
        ["--display" | "--query" | "--list", "mailx"] => {
            ("/usr/bin/mailx", &[("bsd-mailx", "/usr/bin/bsd-mailx", 50), ("mailutils", "/usr/bin/mail.mailutils", 30)])
        }
        ["--display" | "--query" | "--list", "mta"] if env.ctx.host.layout == crate::host::layout::Layout::RedHat => {
            ("/usr/sbin/sendmail", &[("postfix", "/usr/sbin/sendmail.postfix", 60)])
        }
        ["--display" | "--query" | "--list", name] => {
            env.errln(format!("update-alternatives: error: no alternatives for {name}"));
            return 2;
        }
        _ => {
            env.errln("update-alternatives: need --display or --list, and a name");
            return 2;
        }
    };
    let there = |name: &str| packages::find(name).is_some_and(|package| packages::is_installed(env.ctx.host, package));
    let choices: Vec<_> = choices.iter().filter(|(name, ..)| there(name)).collect();
    let (name, tool) = (args[1], "auto mode");
    let Some((_, best, _)) = choices.first() else {
        env.errln(format!("update-alternatives: error: no alternatives for {name}"));
        return 2;
    };
    if args[0] == "--list" {
        choices.iter().for_each(|(_, path, _)| env.outln(path));
        return 0;
    }
    env.outln(format!("{name} - {tool}\n  link best version is {best}\n  link currently points to {best}"));
    env.outln(format!("  link {name} is {link}"));
    for (_, path, priority) in choices {
        env.outln(format!("{path} - priority {priority}"));
    }
    0
}
