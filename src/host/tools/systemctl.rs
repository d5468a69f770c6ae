//! systemctl(1) and service(8).

use std::collections::VecDeque;
use std::time::Duration;

use crate::host::process::{Input, Signal};
use crate::host::program::{Env, Program, Progress, Resume, Run};
use crate::host::services::{Activity, Unit, UnitKind, activity};
use crate::host::tools::processes::program_name;
use crate::host::vfs::Cred;
use crate::sim::Time;

/// How long a daemon takes to start or to end.
const SETTLE: Duration = Duration::from_millis(100);
/// Log lines that `status` shows.
const LOG_LINES: usize = 10;

/// What is done to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Start,
    Stop,
    Reload,
}

/// The running command: jobs still to be done, and the one under way.
#[derive(Clone, Debug, Default)]
pub struct Systemctl {
    jobs: VecDeque<(Unit, Job)>,
    current: Option<(Unit, Job)>,
    /// The unit that was named, for the message about a failure.
    status: u8,
}

impl Systemctl {
    pub fn make() -> Box<dyn Program> {
        Box::new(Systemctl::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Option<u8> {
        let tool = program_name(env.args.first().map_or("", String::as_str)).to_owned();
        let mut words: Vec<String> = env.args.iter().skip(1).filter(|arg| !arg.starts_with('-')).cloned().collect();
        let has = |option: &str| env.args.iter().any(|arg| arg == option);
        let (now_too, all, quiet) = (has("--now"), has("--all") || has("-a"), has("-q") || has("--quiet"));
        if tool == "service" {
            if has("--status-all") {
                status_all(env);
                return Some(0);
            }
            if words.len() < 2 {
                env.errln("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]");
                return Some(1);
            }
            words.swap(0, 1);
        }
        let verb = if words.is_empty() { "list-units".to_owned() } else { words.remove(0) };
        match verb.as_str() {
            "list-units" => list_units(all, env),
            "list-unit-files" => list_unit_files(env),
            "daemon-reload" | "reset-failed" => {}
            "status" | "is-active" | "is-enabled" | "is-failed" | "show" | "cat" => {
                return Some(words.iter().map(|name| report(&verb, name, quiet, env)).max().unwrap_or(0));
            }
            "start" | "stop" | "restart" | "try-restart" | "reload" | "force-reload" | "reload-or-restart"
            | "enable" | "disable" => return self.change(&verb, &words, now_too, env),
            other => {
                env.errln(format!("Unknown command verb {other}."));
                return Some(1);
            }
        }
        Some(0)
    }

    fn change(&mut self, verb: &str, names: &[String], now_too: bool, env: &mut Env<'_, '_>) -> Option<u8> {
        let shown = match verb {
            "force-reload" | "reload-or-restart" => "reload",
            "try-restart" => "restart",
            verb => verb,
        };
        for name in names {
            let full = full_name(name);
            if env.cred.uid != 0 {
                env.errln(format!("Failed to {shown} {full}: Interactive authentication required."));
                env.errln(format!("See system logs and 'systemctl status {full}' for details."));
                return Some(4);
            }
            let Some(unit) = env.ctx.host.services.find(name) else {
                let text = match verb {
                    "enable" | "disable" => format!("Failed to {verb} unit: Unit file {full} does not exist."),
                    _ => format!("Failed to {shown} {full}: Unit {full} not found."),
                };
                env.errln(text);
                return Some(if matches!(verb, "enable" | "disable") { 1 } else { 5 });
            };
            match verb {
                "enable" | "disable" => {
                    let enabled = verb == "enable";
                    if env.ctx.host.services.enable(&unit, enabled) {
                        let link = format!("/etc/systemd/system/multi-user.target.wants/{full}");
                        env.errln(match enabled {
                            true => format!("Created symlink {link} → /lib/systemd/system/{full}."),
                            false => format!("Removed \"{link}\"."),
                        });
                    }
                    if now_too {
                        self.queue(unit, if enabled { Job::Start } else { Job::Stop }, env);
                    }
                }
                "start" => self.queue(unit, Job::Start, env),
                "stop" => self.queue(unit, Job::Stop, env),
                "restart" | "try-restart" => {
                    self.queue(unit, Job::Stop, env);
                    self.queue(unit, Job::Start, env);
                }
                _ if !activity(env.ctx.host, &unit).is_active() => {
                    env.errln(format!("{full} is not active, cannot reload."));
                    return Some(1);
                }
                _ => self.queue(unit, Job::Reload, env),
            }
        }
        None
    }

    fn queue(&mut self, unit: Unit, job: Job, env: &Env<'_, '_>) {
        if let UnitKind::Front { of } = unit.kind
            && let Some(inner) = env.ctx.host.services.find(of)
        {
            self.jobs.push_back((inner, job));
        }
        self.jobs.push_back((unit, job));
    }

    /// Goes on with the next job, until one has to be waited for.
    fn next(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some((unit, job)) = self.jobs.pop_front() {
            let now = env.ctx.now;
            let active = activity(env.ctx.host, &unit).is_active();
            if matches!((job, active), (Job::Start, true) | (Job::Stop | Job::Reload, false)) {
                if job == Job::Stop {
                    env.ctx.host.services.mark_failed(&unit, None);
                }
                continue;
            }
            self.current = Some((unit, job));
            match unit.kind {
                UnitKind::Front { .. } => {
                    if job != Job::Reload {
                        env.ctx.host.services.mark(&unit, job == Job::Start, now);
                    }
                }
                UnitKind::Syslog => {
                    env.ctx.host.syslog.running = job != Job::Stop;
                    if job != Job::Reload {
                        env.ctx.host.services.mark(&unit, job == Job::Start, now);
                    }
                }
                UnitKind::Command { command, prepare, .. } => {
                    if job == Job::Start {
                        prepare(env.ctx.host);
                    }
                    let verb = match job {
                        Job::Start => "start",
                        Job::Stop => "stop",
                        Job::Reload => "reload",
                    };
                    // Nothing that it says reaches the person: it goes to the journal.
                    let line = format!("{command} {verb} >/dev/null 2>&1");
                    let argv = vec!["sh".to_owned(), "-c".to_owned(), line];
                    return Progress::Run(Box::new(Run { argv, ..Run::default() }));
                }
                UnitKind::Daemon { make } => {
                    match (job, activity(env.ctx.host, &unit)) {
                        (Job::Start, _) => drop(env.ctx.start(make())),
                        (Job::Stop, Activity::Running(id, _)) => env.ctx.signal(id, Signal::Term),
                        (Job::Reload, Activity::Running(id, _)) => env.ctx.signal(id, Signal::Hup),
                        _ => {}
                    }
                    env.ctx.wake_at(now + SETTLE, 0, "service manager");
                    return Progress::Wait;
                }
            }
        }
        Progress::Exit(self.status)
    }

    /// Looks at what became of the job that was waited for.
    fn settle(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some((unit, job)) = self.current.take() else { return Progress::Wait };
        let running = matches!(activity(env.ctx.host, &unit), Activity::Running(..));
        let failed = job == Job::Start && !running;
        let now = env.ctx.now;
        env.ctx.host.services.mark_failed(&unit, failed.then_some(now));
        // A unit that only wants another one does not fail with it.
        let wanted = self.jobs.front().is_some_and(|(front, _)| matches!(front.kind, UnitKind::Front { .. }));
        if failed && !wanted {
            let name = full_name(unit.name);
            env.errln(format!("Job for {name} failed because the control process exited with error code."));
            env.errln(format!("See \"systemctl status {name}\" and \"journalctl -xeu {name}\" for details."));
            self.status = 1;
        }
        self.next(env)
    }
}

impl Program for Systemctl {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => match self.begin(env) {
                Some(status) => Progress::Exit(status),
                None => self.next(env),
            },
            // The command may have ended before its processes did.
            Resume::Ran(_) => {
                env.ctx.wake_at(env.ctx.now + SETTLE, 0, "service manager");
                Progress::Wait
            }
            Resume::Input(Input::Wake(_)) => self.settle(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn full_name(name: &str) -> String {
    format!("{}.service", name.strip_suffix(".service").unwrap_or(name))
}

fn status_all(env: &mut Env<'_, '_>) {
    let units: Vec<Unit> = env.ctx.host.services.units().filter(|unit| !unit.name.contains('@')).copied().collect();
    for unit in units {
        let mark = if activity(env.ctx.host, &unit).is_active() { '+' } else { '-' };
        env.outln(format!(" [ {mark} ]  {}", unit.name));
    }
}

fn list_units(all: bool, env: &mut Env<'_, '_>) {
    let host = &*env.ctx.host;
    let units: Vec<(Unit, Activity)> = host.services.units().map(|unit| (*unit, activity(host, unit))).collect();
    let shown: Vec<_> = units.iter().filter(|(_, state)| all || *state != Activity::Dead).collect();
    let width = shown.iter().map(|(unit, _)| full_name(unit.name).len()).fold(4, usize::max);
    let mut lines = vec![format!("  {:<width$} LOAD   ACTIVE   SUB     DESCRIPTION", "UNIT")];
    for (unit, state) in &shown {
        let mark = if matches!(state, Activity::Failed(_)) { '●' } else { ' ' };
        let (name, text, sub) = (full_name(unit.name), state.text(), state.sub());
        lines.push(format!("{mark} {name:<width$} loaded {text:<8} {sub:<7} {}", unit.description));
    }
    lines.push("\nLOAD   = Reflects whether the unit definition was properly loaded.".into());
    lines.push("ACTIVE = The high-level unit activation state, i.e. generalization of SUB.".into());
    lines.push("SUB    = The low-level unit activation state, values depend on unit type.".into());
    lines.push(format!("{} loaded units listed.", shown.len()));
    lines.into_iter().for_each(|line| env.outln(line));
}

fn list_unit_files(env: &mut Env<'_, '_>) {
    let host = &*env.ctx.host;
    let units: Vec<(String, &str)> = host
        .services
        .units()
        .map(|unit| match unit.name.split_once('@') {
            Some((template, _)) => (format!("{template}@.service"), "indirect"),
            None => (full_name(unit.name), if host.services.is_enabled(unit) { "enabled" } else { "disabled" }),
        })
        .collect();
    let width = units.iter().map(|(name, _)| name.len()).fold(9, usize::max);
    env.outln(format!("{:<width$} STATE    PRESET", "UNIT FILE"));
    for (name, state) in &units {
        env.outln(format!("{name:<width$} {state:<8} enabled"));
    }
    env.outln(format!("\n{} unit files listed.", units.len()));
}

/// `status`, `is-active`, `is-enabled`: the exit status.
fn report(verb: &str, name: &str, quiet: bool, env: &mut Env<'_, '_>) -> u8 {
    let full = full_name(name);
    let Some(unit) = env.ctx.host.services.find(name) else {
        let (text, status) = match verb {
            "is-enabled" => (format!("Failed to get unit file state for {full}: No such file or directory"), 1),
            "is-active" | "is-failed" => {
                env.outln("inactive");
                return 3;
            }
            _ => (format!("Unit {full} could not be found."), 4),
        };
        env.errln(text);
        return status;
    };
    let state = activity(env.ctx.host, &unit);
    let enabled = env.ctx.host.services.is_enabled(&unit);
    match verb {
        "is-enabled" => {
            env.outln(if enabled { "enabled" } else { "disabled" });
            u8::from(!enabled)
        }
        "is-active" | "is-failed" => {
            if !quiet {
                env.outln(state.text());
            }
            match verb {
                "is-active" if !state.is_active() => 3,
                "is-failed" => u8::from(!matches!(state, Activity::Failed(_))),
                _ => 0,
            }
        }
        _ => {
            status(&unit, state, env);
            if state.is_active() { 0 } else { 3 }
        }
    }
}

/// How long ago, as systemd says it.
fn ago(since: Time, now: Time) -> String {
    let seconds = now.since(since).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s ago"),
        60..300 => format!("{minutes}min {}s ago", seconds % 60),
        300..3600 => format!("{minutes}min ago"),
        3600..86_400 => format!("{hours}h {}min ago", minutes % 60),
        86_400..172_800 => format!("1 day {}h ago", hours % 24),
        _ => format!("{days} days ago"),
    }
}

/// The text of `systemctl status`.
fn status(unit: &Unit, state: Activity, env: &mut Env<'_, '_>) {
    let host = &*env.ctx.host;
    let now = env.ctx.now;
    let name = full_name(unit.name);
    let file = match unit.name.split_once('@') {
        Some((template, _)) => format!("{template}@.service"),
        None => name.clone(),
    };
    let enabled = if host.services.is_enabled(unit) { "enabled" } else { "disabled" };
    let enabled = if unit.name.contains('@') { "enabled-runtime" } else { enabled };
    let since = |time: Time| {
        format!("since {}; {}", time.zoned(&host.zone).strftime("%a %Y-%m-%d %H:%M:%S %Z"), ago(time, now))
    };
    let (mark, active) = match state {
        Activity::Running(_, time) => ('●', format!("active (running) {}", since(time))),
        Activity::Exited(time) => ('●', format!("active (exited) {}", since(time))),
        Activity::Dead => ('○', "inactive (dead)".to_owned()),
        Activity::Failed(time) => ('×', format!("failed (Result: exit-code) {}", since(time))),
    };
    let mut lines = vec![
        format!("{mark} {name} - {}", unit.description),
        format!("     Loaded: loaded (/lib/systemd/system/{file}; {enabled}; preset: enabled)"),
        format!("     Active: {active}"),
        format!("       Docs: {}", unit.docs),
    ];
    match (state, unit.kind) {
        (Activity::Running(id, _), _) => {
            let command = host.processes.get(&id).map_or(unit.program, |info| &info.command);
            lines.push(format!("   Main PID: {id} ({})", program_name(unit.program)));
            lines.push(format!("     CGroup: /system.slice/{name}"));
            lines.push(format!("             └─{id} {command}"));
        }
        (Activity::Exited(_), _) => {
            lines.push("    Process: ExecStart=/bin/true (code=exited, status=0/SUCCESS)".into())
        }
        (Activity::Failed(_), UnitKind::Command { exec_start, .. }) => {
            lines.push(format!("    Process: ExecStart={exec_start} (code=exited, status=1/FAILURE)"));
        }
        _ => {}
    }
    if !matches!(unit.kind, UnitKind::Front { .. }) {
        let log = host.vfs.read_text(&host.syslog.file, &Cred::ROOT).unwrap_or_default();
        let own = |line: &&str| line.split_whitespace().nth(4).is_some_and(|tag| tag.starts_with(unit.tag));
        let mut last: Vec<&str> = log.lines().rev().filter(own).take(LOG_LINES).collect();
        last.reverse();
        if !last.is_empty() {
            lines.push(String::new());
            lines.extend(last.into_iter().map(str::to_owned));
        }
    }
    lines.into_iter().for_each(|line| env.outln(line));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::host::shell::harness::{host, run, run_as, text};

    fn with_log_daemon() -> Host {
        let mut host = host();
        host.services.register(Unit {
            name: "rsyslog",
            description: "System Logging Service",
            docs: "man:rsyslogd(8)",
            program: "/usr/sbin/rsyslogd",
            tag: "rsyslogd",
            kind: UnitKind::Syslog,
        });
        host
    }

    #[test]
    fn units_are_started_and_stopped() {
        for (line, output, error, status) in [
            ("systemctl is-active rsyslog", "active\n", "", 0),
            ("systemctl stop rsyslog; systemctl is-active rsyslog", "inactive\n", "", 3),
            ("service rsyslog stop; service rsyslog start; service --status-all", " [ + ]  rsyslog\n", "", 0),
            ("systemctl start nope", "", "Failed to start nope.service: Unit nope.service not found.\n", 5),
            ("systemctl status nope", "", "Unit nope.service could not be found.\n", 4),
            ("systemctl disable rsyslog 2>/dev/null; systemctl is-enabled rsyslog", "disabled\n", "", 1),
            (
                "systemctl stop rsyslog; systemctl status rsyslog",
                "○ rsyslog.service - System Logging Service\n     Loaded: loaded (/lib/systemd/system/rsyslog.service; \
                 enabled; preset: enabled)\n     Active: inactive (dead)\n       Docs: man:rsyslogd(8)\n",
                "",
                3,
            ),
        ] {
            let got = text(&run(&mut with_log_daemon(), line));
            assert_eq!((got.0.as_str(), got.1.as_str(), got.2), (output, error, status), "{line}");
        }
    }

    #[test]
    fn users_may_look_but_not_change() {
        let got = text(&run_as(&mut with_log_daemon(), "alice", "systemctl stop rsyslog", "", false));
        assert_eq!(got.2, 4);
        assert!(
            got.1.starts_with("Failed to stop rsyslog.service: Interactive authentication required.\n"),
            "{}",
            got.1
        );
    }

    #[test]
    fn times_are_told_as_by_systemd() {
        let start = Time::from_secs(1_000);
        for (seconds, text) in
            [(5, "5s ago"), (65, "1min 5s ago"), (600, "10min ago"), (3_700, "1h 1min ago"), (200_000, "2 days ago")]
        {
            assert_eq!(ago(start, Time::from_secs(1_000 + seconds)), text);
        }
    }
}
