//! ps(1), pgrep(1), pkill(1), pidof(8): the process table of the host.

use bytes::Bytes;

use super::args::Args;
use crate::host::process::Signal;
use crate::host::program::Env;
use crate::host::{Host, ProcessInfo};
use crate::sim::{ProcId, Time};

/// A row of the table as programs see it.
struct Row<'a> {
    pid: u32,
    parent: u32,
    info: &'a ProcessInfo,
}

impl Row<'_> {
    /// The name of the program without its directory (`comm`).
    fn name(&self) -> &str {
        program_name(&self.info.command)
    }

    fn tty(&self) -> &'static str {
        if self.info.command == "-bash" { "pts/0" } else { "?" }
    }
}

/// The name of the program of a command line, as `/proc/PID/comm` has it.
pub(super) fn program_name(command: &str) -> &str {
    let first = command.split_whitespace().next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or(first).trim_start_matches('-')
}

fn rows(host: &Host) -> Vec<Row<'_>> {
    let row = |(id, info): (&ProcId, &'_ ProcessInfo)| (id.0, info.parent.map_or(1, |parent| parent.0));
    host.processes
        .iter()
        .map(|(id, info)| (row((id, info)), info))
        .map(|((pid, parent), info)| Row { pid, parent, info })
        .collect()
}

fn user_name(host: &Host, uid: u32) -> String {
    let name = host.accounts.by_uid(uid).map_or_else(|| uid.to_string(), |user| user.name.to_string());
    if name.chars().count() > 8 { format!("{}+", name.chars().take(7).collect::<String>()) } else { name }
}

/// Time of day within the last day, the date before.
fn started(row: &Row<'_>, now: Time, host: &Host) -> String {
    let today = now.since(row.info.started).as_secs() < 86_400;
    row.info.started.zoned(&host.zone).strftime(if today { "%H:%M" } else { "%b%d" }).to_string()
}

/// `ps`.
pub fn ps(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (mut all, mut full, mut wide) = (false, false, false);
    let (mut pids, mut names, mut format): (Vec<u32>, Vec<String>, Option<String>) = Default::default();
    let mut args = env.args.iter().skip(1).cloned();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-o" | "-eo" | "-Ao" => {
                all |= arg != "-o";
                format = args.next();
            }
            "-p" | "--pid" => pids
                .extend(args.next().iter().flat_map(|list| list.split(',')).filter_map(|pid| pid.parse::<u32>().ok())),
            "-C" => names.extend(args.next().iter().flat_map(|list| list.split(',')).map(str::to_owned)),
            arg => {
                let dash = arg.starts_with('-');
                for letter in arg.trim_start_matches('-').chars() {
                    match letter {
                        'e' | 'A' if dash => all = true,
                        'f' if dash => full = true,
                        'a' | 'x' => all = true,
                        'u' if !dash => wide = true,
                        'w' | 'l' | 'H' | 'f' | 'h' | 'e' => {}
                        other if other.is_ascii_digit() => {}
                        _ => {
                            env.errln("error: unsupported option (BSD syntax)");
                            env.errln("\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).");
                            return 1;
                        }
                    }
                }
            }
        }
    }
    let host: &Host = env.ctx.host;
    let (now, uid) = (env.ctx.now, env.cred.uid);
    let chosen = |row: &Row<'_>| match (pids.is_empty(), names.is_empty()) {
        (true, true) => all || (row.info.uid == uid && row.tty() != "?") || row.pid == env.ctx.proc.0,
        _ => pids.contains(&row.pid) || names.iter().any(|name| name == row.name()),
    };
    let mut lines = Vec::new();
    let columns: Option<Vec<String>> =
        format.map(|format| format.split([',', ' ']).map(|name| name.trim_end_matches('=').to_owned()).collect());
    match (&columns, wide, full) {
        (Some(columns), ..) => lines.push(own_format(columns, None, host)),
        (_, true, _) => {
            lines.push("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND".to_owned())
        }
        (_, _, true) => lines.push("UID          PID    PPID  C STIME TTY          TIME CMD".to_owned()),
        _ => lines.push("    PID TTY          TIME CMD".to_owned()),
    }
    let mut found = false;
    for row in rows(host).into_iter().filter(chosen) {
        found = true;
        let (user, start, tty) = (user_name(host, row.info.uid), started(&row, now, host), row.tty());
        let (pid, parent, command) = (row.pid, row.parent, &row.info.command);
        lines.push(match (&columns, wide, full) {
            (Some(columns), ..) => own_format(columns, Some(&row), host),
            (_, true, _) => {
                format!("{user:<8} {pid:>7}  0.0  0.1  43012  5120 {tty:<8} Ss   {start:<5}   0:00 {command}")
            }
            (_, _, true) => format!("{user:<8} {pid:>7} {parent:>7}  0 {start:<5} {tty:<8} 00:00:00 {command}"),
            _ => format!("{pid:>7} {tty:<8} 00:00:00 {}", row.name()),
        });
    }
    lines.into_iter().for_each(|line| env.outln(line.trim_end()));
    u8::from(!found)
}

/// A line of `-o`, or its heading.
fn own_format(columns: &[String], row: Option<&Row<'_>>, host: &Host) -> String {
    let cells = columns.iter().map(|column| {
        let text = |heading: &str, value: fn(&Row<'_>) -> String| row.map_or_else(|| heading.to_owned(), value);
        match column.as_str() {
            "pid" => format!("{:>7}", text("PID", |row| row.pid.to_string())),
            "ppid" => format!("{:>7}", text("PPID", |row| row.parent.to_string())),
            "user" | "uname" | "euser" => {
                format!("{:<8}", row.map_or("USER".into(), |row| user_name(host, row.info.uid)))
            }
            "uid" => format!("{:>5}", text("UID", |row| row.info.uid.to_string())),
            "comm" => format!("{:<15}", text("COMMAND", |row| row.name().to_owned())),
            "stat" => format!("{:<4}", text("STAT", |_| "Ss".into())),
            _ => format!("{:<27}", text("COMMAND", |row| row.info.command.to_string())),
        }
    });
    cells.collect::<Vec<_>>().join(" ")
}

/// The processes whose name (or with `-f`, command line) matches a pattern.
fn matching(env: &mut Env<'_, '_>, tool: &str) -> Result<(Args, Vec<(u32, String)>), u8> {
    let spec = if tool == "pkill" { "fxu:0123456789HUPINTKLERM" } else { "flaxcnou:" };
    let args = Args::parse(env.args, spec, &[("full", 'f'), ("exact", 'x')]).map_err(|text| {
        env.errln(format!("{tool}: {text}"));
        2
    })?;
    let Some(pattern) = args.operands.first().cloned().or_else(|| args.value('u').map(|_| String::new())) else {
        env.errln(format!("{tool}: no matching criteria specified"));
        env.errln(format!("Try `{tool} --help' for more information."));
        return Err(2);
    };
    let pattern = if args.has('x') { format!("^(?:{pattern})$") } else { pattern };
    let Ok(regex) = regex::Regex::new(&pattern) else {
        env.errln(format!("{tool}: regex error: Invalid regular expression"));
        return Err(2);
    };
    let host: &Host = env.ctx.host;
    let owner = args.value('u').map(|user| host.accounts.user(user).map_or(u32::MAX, |user| user.uid));
    let own = env.ctx.proc.0;
    let found = rows(host).into_iter().filter(|row| {
        let subject = if args.has('f') { row.info.command.as_str() } else { row.name() };
        row.pid != own && owner.is_none_or(|uid| row.info.uid == uid) && regex.is_match(subject)
    });
    let found =
        found.map(|row| (row.pid, if args.has('a') { row.info.command.to_string() } else { row.name().to_owned() }));
    let found = found.collect();
    Ok((args, found))
}

/// `pgrep`.
pub fn pgrep(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (args, found) = match matching(env, "pgrep") {
        Ok(found) => found,
        Err(status) => return status,
    };
    if args.has('c') {
        env.outln(found.len().to_string());
        return u8::from(found.is_empty());
    }
    for (pid, name) in &found {
        env.outln(if args.has('l') || args.has('a') { format!("{pid} {name}") } else { pid.to_string() });
    }
    u8::from(found.is_empty())
}

/// `pkill`.
pub fn pkill(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (args, found) = match matching(env, "pkill") {
        Ok(found) => found,
        Err(status) => return status,
    };
    let signal = match (args.has('9') || args.has('K'), args.has('1') && !args.has('5') || args.has('H'), args.has('2'))
    {
        (true, ..) => Signal::Kill,
        (_, true, _) => Signal::Hup,
        (_, _, true) => Signal::Int,
        _ => Signal::Term,
    };
    let mut status = u8::from(found.is_empty());
    for (pid, _) in found {
        let owner = env.ctx.host.processes.get(&ProcId(pid)).map(|info| info.uid);
        if env.cred.uid != 0 && owner != Some(env.cred.uid) {
            env.errln(format!("pkill: killing pid {pid} failed: Operation not permitted"));
            status = 1;
        } else {
            env.ctx.signal(ProcId(pid), signal);
        }
    }
    status
}

/// `pidof`.
pub fn pidof(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let names: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    let host: &Host = env.ctx.host;
    let mut pids: Vec<u32> =
        rows(host).iter().filter(|row| names.iter().any(|name| name == row.name())).map(|row| row.pid).collect();
    pids.reverse();
    if pids.is_empty() {
        return 1;
    }
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    env.outln(pids.join(" "));
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness::{host, run, text};
    use crate::sim::Duration;

    fn with_master() -> Host {
        let mut host = host();
        let master = ProcessInfo {
            parent: None,
            uid: 0,
            command: "/usr/lib/postfix/sbin/master -w".into(),
            started: host.vfs.now + Duration::from_secs(0),
        };
        host.processes.insert(ProcId(777), master);
        host
    }

    #[test]
    fn the_table_is_shown_in_the_usual_forms() {
        for (line, output) in [
            (
                "ps aux",
                "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n\
                 root         777  0.0  0.1  43012  5120 ?        Ss   12:00   0:00 /usr/lib/postfix/sbin/master -w\n",
            ),
            (
                "ps -ef",
                "UID          PID    PPID  C STIME TTY          TIME CMD\n\
                 root         777       1  0 12:00 ?        00:00:00 /usr/lib/postfix/sbin/master -w\n",
            ),
            ("ps -C master -o pid,comm", "    PID COMMAND\n    777 master\n"),
            ("pgrep master", "777\n"),
            ("pgrep -l mast", "777 master\n"),
            ("pgrep -f 'sbin/master -w'", "777\n"),
            ("pidof master", "777\n"),
        ] {
            let got = text(&run(&mut with_master(), line));
            assert_eq!((got.0.as_str(), got.1.as_str(), got.2), (output, "", 0), "{line}");
        }
    }

    #[test]
    fn nothing_found_is_status_one() {
        assert_eq!(text(&run(&mut with_master(), "pgrep qmgr")), (String::new(), String::new(), 1));
    }
}
