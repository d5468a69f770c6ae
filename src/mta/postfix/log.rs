//! Postfix's log lines: `postfix/smtpd[123]: text` to syslog, or to `maillog_file` (postlogd(8)).

use std::collections::BTreeMap;
use std::fmt::Arguments;

use smol_str::SmolStr;

use crate::host::vfs::Cred;
use crate::host::{Ctx, Priority};
use crate::trace::Kind;

/// Where the daemons of one instance log to, and the process ids they log with.
#[derive(Clone, Debug, Default)]
pub struct Logger {
    /// `maillog_file`, when it is set.
    pub maillog_file: Option<SmolStr>,
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
        pid
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
        let Some(file) = self.maillog_file.clone() else { return ctx.syslog(priority, tag, pid, text) };
        let date = ctx.now.zoned(&ctx.host.zone).strftime("%b %d %H:%M:%S").to_string();
        let line = format!("{date} {} {tag}[{pid}]: {text}", ctx.host.hostname);
        let _ = ctx.host.vfs.append(&file, format!("{line}\n"), 0o600, &Cred::ROOT);
        ctx.note(|| Kind::LogLine { file, text: line.into() });
    }

    /// Logs a warning; `warning: ` is put before the text.
    pub fn warn(&mut self, ctx: &mut Ctx<'_>, tag: &str, text: Arguments<'_>) {
        self.log(ctx, Priority::Warning, tag, format_args!("warning: {text}"));
    }
}
