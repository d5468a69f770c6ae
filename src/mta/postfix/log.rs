//! Postfix's log lines: `postfix/smtpd[123]: text` to syslog, or to `maillog_file` (postlogd(8)).

use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::sync::Arc;

use smol_str::SmolStr;

use super::config::{self, Config};
use crate::host::vfs::Cred;
use crate::host::{Ctx, Host, Priority};
use crate::trace::Kind;

/// Where the daemons of one instance log to, and the process ids they log with.
#[derive(Clone, Debug, Default)]
pub struct Logger {
    /// `maillog_file`, when it is set.
    pub maillog_file: Option<SmolStr>,
    /// What every daemon logs as it starts: about `main.cf`, and tables that all of them open.
    pub startup: Arc<[String]>,
    pids: BTreeMap<SmolStr, u32>,
}

impl Logger {
    /// The process id of the daemon that logs with this tag (`postfix/smtpd`).
    pub fn pid(&mut self, tag: &str, ctx: &mut Ctx<'_>) -> u32 {
        if let Some(pid) = self.pids.get(tag) {
            return *pid;
        }
        let pid = ctx.host.next_proc().0;
        self.pids.insert(tag.into(), pid);
        for line in self.startup.clone().iter() {
            self.log(ctx, priority_of(line), tag, format_args!("{line}"));
        }
        pid
    }

    /// A daemon starts that has nothing of its own to log.
    pub fn start(&mut self, ctx: &mut Ctx<'_>, tag: &str) {
        if !self.startup.is_empty() {
            self.pid(tag, ctx);
        }
    }

    /// A daemon logs what it says as it opens its tables; what all daemons say is not repeated.
    pub fn opened(&mut self, ctx: &mut Ctx<'_>, tag: &str, lines: &[String]) {
        for (at, line) in lines.iter().enumerate() {
            if !lines[..at].contains(line) && !self.startup.contains(line) {
                self.log(ctx, priority_of(line), tag, format_args!("{line}"));
            }
        }
    }

    /// Makes known with which process id a daemon logs.
    pub fn set_pid(&mut self, tag: &str, pid: u32) {
        self.pids.insert(tag.into(), pid);
    }

    /// Forgets the process ids: the daemons were started anew.
    pub fn restart(&mut self) {
        self.pids.clear();
    }

    /// Forgets the process id of one daemon: it died.
    pub fn forget(&mut self, tag: &str) {
        self.pids.remove(tag);
    }

    /// Logs an ordinary line. Nothing is formatted when the trace is a summary.
    pub fn info(&mut self, ctx: &mut Ctx<'_>, tag: &str, text: Arguments<'_>) {
        if ctx.trace.is_full() {
            self.log(ctx, Priority::Info, tag, text);
        }
    }

    /// Logs a line; the caller writes `warning: `, `error: ` or `fatal: ` into the text, as
    /// Postfix does.
    pub fn log(&mut self, ctx: &mut Ctx<'_>, priority: Priority, tag: &str, text: Arguments<'_>) {
        let pid = self.pid(tag, ctx);
        write(ctx, self.maillog_file.clone(), priority, tag, pid, text);
    }

    /// Logs a warning; `warning: ` is put before the text.
    pub fn warn(&mut self, ctx: &mut Ctx<'_>, tag: &str, text: Arguments<'_>) {
        self.log(ctx, Priority::Warning, tag, format_args!("warning: {text}"));
    }
}

/// The priority that a line's first word stands for.
pub fn priority_of(line: &str) -> Priority {
    match line.split(':').next() {
        Some("fatal" | "panic" | "error") => Priority::Error,
        Some("warning") => Priority::Warning,
        _ => Priority::Info,
    }
}

/// Logs a line of a command, with the command's own process id.
pub fn record(ctx: &mut Ctx<'_>, tag: &str, text: &str) {
    let file = maillog_file(ctx.host);
    write(ctx, file, priority_of(text), tag, ctx.proc.0, format_args!("{text}"));
}

/// `maillog_file`, if it is a file, as the configuration stands now.
fn maillog_file(host: &Host) -> Option<SmolStr> {
    let text = host.vfs.read_text(&format!("{}/main.cf", config::DIRECTORY), &Cred::ROOT).ok()?;
    // Most configurations have none: reading them whole for each line would be too much.
    if !text.contains("maillog_file") {
        return None;
    }
    let config = Config::load_main(host, config::DIRECTORY, &mut Vec::new()).ok()?;
    let params = config.global();
    let prefixes = params.list("maillog_file_prefixes");
    let allowed = |file: &SmolStr| prefixes.iter().any(|prefix| file.starts_with(prefix.as_str()));
    Some(params.get("maillog_file")).filter(|file| file != "/dev/stdout" && allowed(file))
}

fn write(ctx: &mut Ctx<'_>, file: Option<SmolStr>, priority: Priority, tag: &str, pid: u32, text: Arguments<'_>) {
    let Some(file) = file else { return ctx.syslog(priority, tag, pid, text) };
    let date = ctx.now.zoned(&ctx.host.zone).strftime("%b %d %H:%M:%S").to_string();
    let line = format!("{date} {} {tag}[{pid}]: {text}", ctx.host.hostname);
    let _ = ctx.host.vfs.append(&file, format!("{line}\n"), 0o600, &Cred::ROOT);
    ctx.note(|| Kind::LogLine { file, text: line.into() });
}
