//! journalctl(1), logger(1) and hostnamectl(1).

use std::time::Duration;

use bytes::Bytes;
use regex::bytes::Regex;

use super::args::Args;
use super::date::parse_date;
use super::posix_regex::{Syntax, compile};
use crate::host::Host;
use crate::host::layout::Layout;
use crate::host::process::Priority;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::vfs::Cred;
use crate::sim::Time;

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

/// What is wanted of the journal.
#[derive(Clone, Debug, Default)]
struct Query {
    /// Beginnings of tags: of units (`-u`), or given (`-t`).
    tags: Vec<String>,
    since: Option<Time>,
    until: Option<Time>,
    /// The least important priority that is wanted, as a number of syslog(3).
    priority: Option<usize>,
    pattern: Option<Regex>,
    only_text: bool,
    iso: bool,
}

/// The levels of syslog(3) in order.
const PRIORITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

impl Query {
    /// The line as it is to be shown, if it is wanted.
    fn show(&self, line: &str, host: &Host, now: Time) -> Option<String> {
        let (head, text) = line.split_once("]: ").unwrap_or(("", line));
        let tag = head.split_whitespace().nth(4).unwrap_or_default();
        if !self.tags.is_empty() && !self.tags.iter().any(|own| tag.starts_with(own.as_str())) {
            return None;
        }
        if self.priority.is_some_and(|most| priority(text) > most) {
            return None;
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text.as_bytes())) {
            return None;
        }
        let time = time_of(line, host, now);
        if self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time > until) {
            return None;
        }
        Some(match (self.only_text, self.iso) {
            (true, _) => text.to_owned(),
            (_, true) => {
                let stamp = time.zoned(&host.zone).strftime("%Y-%m-%dT%H:%M:%S%z");
                format!("{stamp}{}", line.get(15..).unwrap_or_default())
            }
            _ => line.to_owned(),
        })
    }
}

/// The priority of a message, from the word that it begins with.
fn priority(text: &str) -> usize {
    match text.split(':').next().unwrap_or_default() {
        "panic" | "fatal" => 2,
        "error" => 3,
        "warning" => 4,
        _ => 6,
    }
}

/// The moment of a line: log files leave the year out.
fn time_of(line: &str, host: &Host, now: Time) -> Time {
    let year = now.zoned(&host.zone).year();
    let stamp = line.get(..15).unwrap_or_default();
    let at = |year: i16| {
        let text = format!("{year} {stamp}");
        let civil = jiff::civil::DateTime::strptime("%Y %b %e %H:%M:%S", text).ok()?;
        let micros = civil.to_zoned(host.zone.clone()).ok()?.timestamp().as_microsecond();
        u64::try_from(micros).ok().map(Time::from_micros)
    };
    match at(year) {
        Some(time) if time > now + Duration::from_secs(86_400) => at(year - 1).unwrap_or(time),
        time => time.unwrap_or_default(),
    }
}

/// A moment as `--since` takes it: days begin at midnight, a time alone is one of today.
fn moment(text: &str, host: &Host, now: Time) -> Option<Time> {
    let midnight = now.zoned(&host.zone).strftime("%Y-%m-%d 00:00:00").to_string();
    let midnight = parse_date(&midnight, now, &host.zone)?;
    let day = Duration::from_secs(86_400);
    match text {
        "now" => Some(now),
        "today" => Some(midnight),
        "yesterday" => Some(midnight - day),
        "tomorrow" => Some(midnight + day),
        _ => {
            let is_clock = text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || c == ':');
            let date = now.zoned(&host.zone).strftime("%Y-%m-%d").to_string();
            let whole = if is_clock { format!("{date} {text}") } else { text.to_owned() };
            parse_date(&whole, now, &host.zone)
        }
    }
}

/// `journalctl`.
#[derive(Clone, Debug, Default)]
pub struct Journalctl {
    query: Query,
    /// Lines of the log files that were looked at.
    seen: usize,
    follows: bool,
}

/// How often a journal that is followed is looked at.
const FOLLOW: Duration = Duration::from_secs(1);
const LONG: &[(&str, char)] = &[
    ("unit", 'u'),
    ("identifier", 't'),
    ("lines", 'n'),
    ("follow", 'f'),
    ("pager-end", 'e'),
    ("catalog", 'x'),
    ("reverse", 'r'),
    ("boot", 'b'),
    ("dmesg", 'k'),
    ("priority", 'p'),
    ("since", 'S'),
    ("until", 'U'),
    ("grep", 'g'),
    ("output", 'o'),
    ("quiet", 'q'),
    ("all", 'a'),
    ("no-pager", 'P'),
    ("no-hostname", 'P'),
    ("full", 'l'),
];

impl Journalctl {
    /// The command, about to be started.
    pub fn make() -> Box<dyn Program> {
        Box::new(Journalctl::default())
    }

    fn start(&mut self, env: &mut Env<'_, '_>) -> Result<Progress, String> {
        // The numbers of `-n` and `-b` may be left out.
        let mut words: Vec<String> = Vec::new();
        let mut args = env.args.iter().peekable();
        while let Some(arg) = args.next() {
            let is_number = |next: &&String| next.trim_start_matches(['+', '-']).parse::<u64>().is_ok();
            match arg.as_str() {
                "-n" | "--lines" => {
                    let number = args.next_if(is_number).cloned().unwrap_or_else(|| LINES.to_string());
                    words.push(format!("-n{number}"));
                }
                "-b" | "--boot" => drop(args.next_if(is_number)),
                arg => words.push(arg.to_owned()),
            }
        }
        let args = Args::parse(&words, "u:t:n:fexrbkp:S:U:g:o:qaPlN", LONG)?;
        let (host, now) = (&*env.ctx.host, env.ctx.now);
        for unit in args.values('u') {
            let name = unit.strip_suffix(".service").unwrap_or(unit);
            let known = host.services.find(name).map(|unit| unit.tag.to_owned());
            self.query.tags.push(known.unwrap_or_else(|| name.to_owned()));
        }
        self.query.tags.extend(args.values('t').map(str::to_owned));
        for (letter, place) in [('S', &mut self.query.since), ('U', &mut self.query.until)] {
            if let Some(text) = args.value(letter) {
                let time = moment(text, host, now);
                *place = Some(time.ok_or_else(|| format!("Failed to parse timestamp: {text}"))?);
            }
        }
        if let Some(text) = args.value('p') {
            let level = text.rsplit("..").next().unwrap_or(text);
            let number = PRIORITIES.iter().position(|name| *name == level || (level == "error" && *name == "err"));
            let number = number.or_else(|| level.parse().ok().filter(|number| *number < PRIORITIES.len()));
            self.query.priority = Some(number.ok_or_else(|| format!("Unknown log level {text}"))?);
        }
        if let Some(text) = args.value('g') {
            let ignores_case = !text.chars().any(char::is_uppercase);
            let pattern = compile(text, Syntax::Perl, ignores_case);
            self.query.pattern = Some(pattern.map_err(|error| format!("Bad pattern \"{text}\": {error}"))?);
        }
        match args.value('o') {
            None | Some("short" | "short-full" | "short-precise" | "with-unit" | "verbose") => {}
            Some("cat") => self.query.only_text = true,
            Some("short-iso" | "short-iso-precise") => self.query.iso = true,
            Some(other) => return Err(format!("Unknown output '{other}'.")),
        }
        self.follows = args.has('f');
        let count = match args.value('n') {
            Some("all") => None,
            Some(text) => {
                Some(text.trim_start_matches('+').parse().map_err(|_| format!("Failed to parse lines '{text}'"))?)
            }
            None if self.follows => Some(LINES),
            None if args.has('e') => Some(1_000),
            None => None,
        };
        let all = lines(host);
        self.seen = all.len();
        let mut shown: Vec<String> = all.iter().filter_map(|line| self.query.show(line, host, now)).collect();
        if let Some(count) = count {
            shown.drain(..shown.len().saturating_sub(count));
        }
        if args.has('r') {
            shown.reverse();
        }
        if shown.is_empty() && !self.follows && !args.has('q') {
            env.outln("-- No entries --");
        }
        shown.into_iter().for_each(|line| env.outln(line));
        if self.follows { Ok(self.wait(env)) } else { Ok(Progress::Exit(0)) }
    }

    fn wait(&self, env: &mut Env<'_, '_>) -> Progress {
        env.ctx.wake_at(env.ctx.now + FOLLOW, 0, "journalctl -f");
        Progress::Wait
    }
}

impl Program for Journalctl {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.start(env).unwrap_or_else(|text| {
                let is_usage = text.starts_with("invalid option")
                    || text.starts_with("unrecognized")
                    || text.starts_with("option");
                env.errln(if is_usage { format!("journalctl: {text}") } else { text });
                Progress::Exit(1)
            }),
            Resume::Input(_) if env.reader_gone => Progress::Exit(141),
            Resume::Input(_) if self.follows => {
                let all = lines(env.ctx.host);
                let now = env.ctx.now;
                let new = all.get(self.seen.min(all.len())..).unwrap_or_default();
                let shown: Vec<String> =
                    new.iter().filter_map(|line| self.query.show(line, env.ctx.host, now)).collect();
                self.seen = all.len();
                shown.into_iter().for_each(|line| env.outln(line));
                self.wait(env)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
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
    fn the_journal_is_asked_for_times_levels_and_words() {
        let mut host = host();
        let log = "logger -p mail.info -t postfix/smtpd 'connect from x'; logger -p mail.warning -t postfix/smtpd 'warning: slow'; ";
        for (line, output) in [
            ("journalctl -u postfix -p warning -o cat", "warning: slow\n"),
            ("journalctl -o cat -g CONNECT", "-- No entries --\n"),
            ("journalctl -o cat -g connect", "connect from x\n"),
            ("journalctl -o cat --since today -n1", "warning: slow\n"),
            ("journalctl -q -S tomorrow", ""),
            ("journalctl -ru postfix -o cat", "warning: slow\nconnect from x\n"),
            ("timeout 3 journalctl -fn 1 -o cat", "warning: slow\n"),
        ] {
            let got = text(&run(&mut host, &format!("rm -f /var/log/*; {log}{line}")));
            assert_eq!((got.0.as_str(), got.1.as_str()), (output, ""), "{line}");
        }
        for (line, error) in [
            ("journalctl -S never", "Failed to parse timestamp: never\n"),
            ("journalctl -p loud", "Unknown log level loud\n"),
            ("journalctl -Z", "journalctl: invalid option -- 'Z'\n"),
        ] {
            let got = text(&run(&mut host, line));
            assert_eq!((got.1.as_str(), got.2), (error, 1), "{line}");
        }
    }

    #[test]
    fn the_host_gets_another_name() {
        let mut host = host();
        let got = text(&run(&mut host, "hostnamectl set-hostname mail7; hostname; cat /etc/hostname"));
        assert_eq!(got.0, "mail7\nmail7\n");
    }
}
