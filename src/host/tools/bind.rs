//! rndc(8), named-checkzone(8), named-checkconf(8): administration of the host's name server.

use bytes::Bytes;

use crate::dns::Zone;
use crate::dns::zone_check::{check, failure, serial, title};
use crate::host::named;
use crate::host::process::Signal;
use crate::host::program::Env;
use crate::host::vfs::Errno;
use crate::sim::ProcId;

/// Loads a zone: what BIND says, and whether it is good.
fn load(zone: &str, path: &str, file: &str, env: &Env<'_, '_>) -> (Vec<String>, bool) {
    let title = title(zone);
    let text = match env.ctx.host.vfs.read_text(path, env.cred) {
        Ok(text) => text,
        Err(error) => {
            let reason = match error {
                Errno::NoEnt => "file not found".to_owned(),
                other => other.to_string().to_lowercase(),
            };
            let first = format!("zone {title}: loading from master file {file} failed: {reason}");
            return (vec![first, format!("zone {title}: not loaded due to errors.")], false);
        }
    };
    let loaded = match Zone::parse(zone, &text, file) {
        Ok(loaded) => loaded,
        Err(errors) => return (failure(zone, file, &errors.0), false),
    };
    let found = check(&loaded);
    let mut lines: Vec<String> = found.iter().map(|finding| format!("zone {title}: {}", finding.text)).collect();
    let is_good = !found.iter().any(|finding| finding.is_fatal);
    lines.push(match is_good {
        true => format!("zone {title}: loaded serial {}", serial(&loaded)),
        false => format!("zone {title}: not loaded due to errors."),
    });
    (lines, is_good)
}

/// `named-checkzone [-q] ZONE FILE`.
pub fn checkzone(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let operands: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    let quiet = env.args.iter().any(|arg| arg == "-q");
    let [zone, file] = operands.as_slice() else {
        env.errln("usage: named-checkzone [-q] zonename filename");
        return 1;
    };
    let (lines, is_good) = load(zone, &env.path(file), file, env);
    if !quiet {
        lines.into_iter().for_each(|line| env.outln(line));
        if is_good {
            env.outln("OK");
        }
    }
    u8::from(!is_good)
}

/// `named-checkconf [-z]`: the host's own configuration.
pub fn checkconf(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let with_zones = env.args.iter().any(|arg| arg == "-z");
    let zones = match named::configured_zones(&env.ctx.host.vfs) {
        Ok(zones) => zones,
        Err(error) => {
            env.outln(error.to_string());
            return 1;
        }
    };
    let mut status = 0;
    for (zone, path) in zones.into_iter().filter(|_| with_zones) {
        let (lines, is_good) = load(&zone, &path, &path, env);
        lines.into_iter().for_each(|line| env.outln(line));
        status |= u8::from(!is_good);
    }
    status
}

fn server(env: &Env<'_, '_>) -> Option<ProcId> {
    let is_named = |command: &str| command.split(' ').next() == Some("/usr/sbin/named");
    env.ctx.host.processes.iter().find(|(_, info)| is_named(&info.command)).map(|(id, _)| *id)
}

/// Whether the user is in a group: the key of rndc belongs to `bind`.
fn is_in_group(name: &str, env: &Env<'_, '_>) -> bool {
    let group = env.ctx.host.accounts.group(name);
    group.is_some_and(|group| env.cred.gid == group.gid || env.cred.groups.contains(&group.gid))
}

/// `rndc reload [ZONE]`, `reconfig`, `status`, `zonestatus ZONE`, `flush`, `stop`.
pub fn rndc(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let words: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    let Some(verb) = words.first().map(String::as_str) else {
        env.errln("Usage: rndc [-b address] [-c config] [-s server] [-p port]\n\t[-k key-file ] [-y key] [-r] [-V] [-4 | -6] command");
        return 1;
    };
    if env.cred.uid != 0 && !is_in_group("bind", env) {
        env.errln("rndc: open: /etc/bind/rndc.key: permission denied\nrndc: could not load rndc configuration");
        return 1;
    }
    let Some(id) = server(env) else {
        env.errln("rndc: connect failed: 127.0.0.1#953: connection refused");
        return 1;
    };
    let Ok(zones) = named::configured_zones(&env.ctx.host.vfs) else { return failed(verb, "failure", env) };
    match (verb, words.get(1)) {
        ("reload", None) => {
            env.ctx.signal(id, Signal::Hup);
            env.outln("server reload successful");
            0
        }
        ("reconfig", _) => {
            env.ctx.signal(id, Signal::Hup);
            0
        }
        ("reload" | "zonestatus", Some(name)) => {
            let name = name.trim_end_matches('.');
            let Some((zone, path)) = zones.iter().find(|(zone, _)| zone.trim_end_matches('.') == name) else {
                env.errln(format!("rndc: '{verb}' failed: not found\nno matching zone '{name}' in any view"));
                return 1;
            };
            let (lines, is_good) = load(zone, path, path, env);
            if verb == "zonestatus" {
                let serial = lines.last().and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
                env.outln(format!("name: {name}\ntype: primary\nfiles: {path}\nserial: {serial}"));
                return 0;
            }
            env.ctx.signal(id, Signal::Hup);
            if is_good {
                env.outln("zone reload queued");
                return 0;
            }
            let told = lines.iter().rev().find_map(|line| line.split_once(" failed: "));
            failed(verb, told.map_or("bad zone", |(_, reason)| reason), env)
        }
        ("flush" | "flushname" | "querylog" | "notify" | "freeze" | "thaw", _) => 0,
        ("stop" | "halt", _) => {
            env.ctx.signal(id, Signal::Term);
            0
        }
        ("status", _) => {
            let host = &*env.ctx.host;
            let boot = host.processes.get(&id).map(|info| info.started.zoned(&jiff::tz::TimeZone::UTC));
            let boot = boot.map(|boot| boot.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).unwrap_or_default();
            let text = format!(
                "version: BIND 9.18.49-1~deb12u3-Debian (Extended Support Version) <id:>\nrunning on {}: Linux x86_64\n\
                 boot time: {boot}\nconfiguration file: /etc/bind/named.conf\nnumber of zones: {} (0 automatic)\n\
                 server is up and running",
                host.hostname,
                zones.len()
            );
            env.outln(text);
            0
        }
        (other, _) => failed(other, "unknown command", env),
    }
}

fn failed(verb: &str, reason: &str, env: &mut Env<'_, '_>) -> u8 {
    env.errln(format!("rndc: '{verb}' failed: {reason}"));
    1
}
