//! The system log daemon (rsyslogd with Debian's rules for the facility `mail`).

use smol_str::SmolStr;

use super::layout::Layout;
use super::process::{Ctx, Priority};
use super::vfs::{Cred, Place};
use crate::sim::Time;
use crate::trace::Kind;

/// Where a host's log goes, and the date text of the present second.
#[derive(Clone, Debug)]
pub struct Syslog {
    /// The file for all mail messages.
    pub file: SmolStr,
    /// The file for errors, and the one for warnings and errors; as on Debian.
    pub split: Option<(SmolStr, SmolStr)>,
    /// Whether the daemon runs; otherwise messages are lost, as in reality.
    pub running: bool,
    stamp: (u64, String),
    /// Where `file` was found.
    place: Place,
}

impl Syslog {
    /// Debian's layout.
    pub fn debian() -> Syslog {
        let split = Some(("/var/log/mail.err".into(), "/var/log/mail.warn".into()));
        Syslog {
            file: "/var/log/mail.log".into(),
            split,
            running: true,
            stamp: (u64::MAX, String::new()),
            place: Place::default(),
        }
    }

    /// Red Hat's layout.
    pub fn red_hat() -> Syslog {
        Syslog { file: "/var/log/maillog".into(), split: None, ..Syslog::debian() }
    }

    /// `Nov 21 12:00:00` in the host's zone.
    fn stamp(&mut self, now: Time, zone: &jiff::tz::TimeZone) -> &str {
        if self.stamp.0 != now.secs() {
            self.stamp = (now.secs(), now.zoned(zone).strftime("%b %e %H:%M:%S").to_string());
        }
        &self.stamp.1
    }
}

/// Appends a line to the log files and to the trace.
pub(super) fn log(ctx: &mut Ctx<'_>, priority: Priority, tag: &str, pid: u32, text: std::fmt::Arguments<'_>) {
    // Log text is what a summary leaves out; warnings and errors are rare and always worth keeping.
    if !ctx.host.syslog.running || (!ctx.trace.is_full() && priority == Priority::Info) {
        return;
    }
    let host = &mut *ctx.host;
    let mut line = String::with_capacity(160);
    line.push_str(host.syslog.stamp(ctx.now, &host.zone));
    use std::fmt::Write as _;
    for part in [" ", &host.hostname, " ", tag] {
        line.push_str(part);
    }
    // Writing to a string does not fail.
    let _ = write!(line, "[{pid}]: ");
    let _ = line.write_fmt(text);
    let file = host.syslog.file.clone();
    let kind = Kind::LogLine { file: file.clone(), text: SmolStr::from(&line) };
    line.push('\n');
    let split = host.syslog.split.clone();
    // A full disk or a missing directory loses log lines, as in reality.
    match host.vfs.revisit(&mut host.syslog.place, &file, &Cred::ROOT) {
        Ok(ino) => {
            let _ = host.vfs.append_ino(ino, line.as_bytes());
        }
        Err(_) => {
            let _ = host.vfs.append_slice(&file, line.as_bytes(), 0o640, &Cred::ROOT);
        }
    }
    let mut append = |path: &str| {
        let _ = host.vfs.append_slice(path, line.as_bytes(), 0o640, &Cred::ROOT);
    };
    if let Some((err, warn)) = split {
        if priority == Priority::Error {
            append(&err);
        }
        if priority <= Priority::Warning {
            append(&warn);
        }
    }
    ctx.note(|| kind);
}

/// Appends a line of the facility `daemon` to the log file for everything.
pub(super) fn log_daemon(ctx: &mut Ctx<'_>, tag: &str, text: std::fmt::Arguments<'_>) {
    if !ctx.host.syslog.running || !ctx.trace.is_full() {
        return;
    }
    let pid = ctx.proc.0;
    let host = &mut *ctx.host;
    let file = match host.layout {
        Layout::Debian => "/var/log/syslog",
        Layout::RedHat => "/var/log/messages",
    };
    let stamp = host.syslog.stamp(ctx.now, &host.zone).to_owned();
    let line = format!("{stamp} {} {tag}[{pid}]: {text}", host.hostname);
    // A full disk loses log lines, as in reality.
    let _ = host.vfs.append(file, format!("{line}\n"), 0o640, &Cred::ROOT);
    ctx.note(|| Kind::LogLine { file: SmolStr::new_static(file), text: line.into() });
}
