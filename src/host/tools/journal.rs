//! journalctl(1), logger(1) and hostnamectl(1).

use bytes::Bytes;

use crate::host::Host;
use crate::host::layout::Layout;
use crate::host::process::Priority;
use crate::host::program::Env;
use crate::host::vfs::Cred;

/// Lines that `-n` shows without a number.
const LINES: usize = 10;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The lines of the host's log files in order of time.
fn lines(host: &Host) -> Vec<String> {
    let general = match host.layout {
        Layout::Debian => "/var/log/syslog",
        Layout::RedHat => "/var/log/messages",
    };
    let read = |path: &str| host.vfs.read_text(path, &Cred::ROOT).unwrap_or_default();
    let mut lines: Vec<String> =
        [read(&host.syslog.file), read(general)].iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    // Lines of one second keep the order of their file.
    lines.sort_by_key(|line| {
        let month = MONTHS.iter().position(|month| line.starts_with(month)).unwrap_or_default();
        (month, line.get(4..15).unwrap_or_default().to_owned())
    });
    lines
}

/// `journalctl [-u UNIT] [-n [NUMBER]] [-e] [-x] [--no-pager]`.
pub fn journalctl(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (mut tag, mut count, mut reverse) = (None, None, false);
    let mut args = env.args.iter().skip(1).peekable();
    while let Some(arg) = args.next() {
        let unit = match arg.as_str() {
            "-u" | "--unit" | "-xeu" | "-eu" | "-xu" => args.next().cloned(),
            "-n" | "--lines" => {
                let number = args.next_if(|next| next.parse::<usize>().is_ok());
                count = Some(number.and_then(|number| number.parse().ok()).unwrap_or(LINES));
                None
            }
            "-r" | "--reverse" => {
                reverse = true;
                None
            }
            arg => match (arg.strip_prefix("--unit="), arg.strip_prefix("-n").or(arg.strip_prefix("--lines="))) {
                (Some(unit), _) => Some(unit.to_owned()),
                (_, Some(number)) => {
                    count = number.parse().ok();
                    None
                }
                _ => None,
            },
        };
        if let Some(unit) = unit {
            let name = unit.strip_suffix(".service").unwrap_or(&unit).to_owned();
            let known = env.ctx.host.services.find(&name).map(|unit| unit.tag.to_owned());
            tag = Some(known.unwrap_or(name));
        }
    }
    let wanted = |line: &String| {
        tag.as_ref().is_none_or(|tag| line.split_whitespace().nth(4).is_some_and(|own| own.starts_with(tag.as_str())))
    };
    let mut shown: Vec<String> = lines(env.ctx.host).into_iter().filter(wanted).collect();
    if let Some(count) = count {
        shown.drain(..shown.len().saturating_sub(count));
    }
    if reverse {
        shown.reverse();
    }
    if shown.is_empty() {
        env.outln("-- No entries --");
    }
    shown.into_iter().for_each(|line| env.outln(line));
    0
}

/// `logger [-t TAG] [-p FACILITY.PRIORITY] [TEXT]`.
pub fn logger(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let user = env.ctx.host.accounts.by_uid(env.cred.uid).map_or("root".into(), |user| user.name.clone());
    let (mut tag, mut facility, mut words) = (user.to_string(), "user.notice".to_owned(), Vec::new());
    let mut args = env.args.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-t" | "--tag" => tag = args.next().cloned().unwrap_or_default(),
            "-p" | "--priority" => facility = args.next().cloned().unwrap_or_default(),
            arg if arg.starts_with('-') && arg.len() > 1 => {}
            arg => words.push(arg.to_owned()),
        }
    }
    let text = if words.is_empty() { String::from_utf8_lossy(&stdin).into_owned() } else { words.join(" ") };
    let priority = match facility.rsplit('.').next() {
        Some("err" | "error" | "crit" | "alert" | "emerg") => Priority::Error,
        Some("warning" | "warn") => Priority::Warning,
        _ => Priority::Info,
    };
    for line in text.lines() {
        if facility.starts_with("mail.") {
            let pid = env.ctx.proc.0;
            env.ctx.syslog(priority, &tag, pid, format_args!("{line}"));
        } else {
            env.ctx.daemon_log(&tag, format_args!("{line}"));
        }
    }
    0
}

/// Whether `logger` takes its text from standard input.
pub fn logger_reads(args: &[String]) -> bool {
    let mut args = args.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-t" | "--tag" | "-p" | "--priority" => drop(args.next()),
            arg if arg.starts_with('-') => {}
            _ => return false,
        }
    }
    true
}

/// `hostnamectl [status]`, `hostnamectl set-hostname NAME`.
pub fn hostnamectl(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let words: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
    match (words.first().map(String::as_str), words.get(1)) {
        (Some("set-hostname" | "hostname"), Some(name)) => {
            if env.cred.uid != 0 {
                env.errln("Could not set static hostname: Interactive authentication required.");
                return 1;
            }
            if let Err(error) = env.ctx.host.vfs.write("/etc/hostname", format!("{name}\n"), 0o644, &Cred::ROOT) {
                env.errln(format!("Could not set static hostname: {error}"));
                return 1;
            }
            env.ctx.host.hostname = name.as_str().into();
            0
        }
        (None | Some("status"), _) => {
            let system = match env.ctx.host.layout {
                Layout::Debian => "Debian GNU/Linux 12 (bookworm)",
                Layout::RedHat => "Red Hat Enterprise Linux 9 (Plow)",
            };
            let text = format!(
                " Static hostname: {}\n       Icon name: computer-vm\n         Chassis: vm\nOperating System: {system}\n    Architecture: x86-64",
                env.ctx.host.hostname
            );
            env.outln(text);
            0
        }
        _ => {
            env.errln("Too few arguments.");
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, text};

    #[test]
    fn what_is_logged_is_in_the_journal() {
        let mut host = host();
        let line =
            "logger -t backup done; logger -p mail.err -t postfix/x broken; journalctl -u postfix; journalctl -n 1";
        let shown = text(&run(&mut host, line)).0;
        let rows: Vec<&str> = shown.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(rows.len(), 2, "{shown}");
        assert!(rows[0].contains("postfix/x[") && rows[0].ends_with("]: broken"), "{shown}");
    }

    #[test]
    fn the_host_gets_another_name() {
        let mut host = host();
        let got = text(&run(&mut host, "hostnamectl set-hostname mail7; hostname; cat /etc/hostname"));
        assert_eq!(got.0, "mail7\nmail7\n");
    }
}
