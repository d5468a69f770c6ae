//! Plays the steps of a case and keeps their results.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use super::build::{self, Member, OUTSIDE};
use super::case::{Case, ExecStep, HostKind, SessionStep, Step};
use super::recording::{ExecResult, ExitStatus, Recording, SessionResult};
use super::sink::Sink;
use super::text::decode;
use crate::host::layout;
use crate::host::vfs::Cred;
use crate::host::{Command, Exit, Input, Signal, Spawn};
use crate::scenario::dialogue::{Dialogue, seconds};
use crate::sim::{Duration, HostId, ProcId, Time};
use crate::trace::Actor;
use crate::world::World;

/// Path of the mail log of every host.
pub(super) const MAIL_LOG: &str = "/var/log/mail.log";
/// Directories that must be empty before the world is at rest.
const BUSY_QUEUES: [&str; 3] = ["maildrop", "incoming", "active"];
/// Time without a log line after which the world is at rest.
const QUIET: Duration = Duration::from_millis(300);
/// Longest time a command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a case could not be played.
#[derive(Debug, thiserror::Error)]
pub enum ConformError {
    /// The file is not a case.
    #[error("{0}")]
    Format(#[from] serde_json::Error),
    /// The case asks for something that does not work.
    #[error("{0}")]
    Case(String),
}

/// Plays a case and returns its raw result.
///
/// # Errors
/// The case names unknown hosts, or a set-up command fails.
pub fn run(case: &Case) -> Result<Recording, ConformError> {
    let mut runner = build::build(case)?;
    for step in &case.steps {
        runner.step(step)?;
    }
    let cap = if runner.recording.notes.is_empty() { 30.0 } else { 2.0 };
    runner.settle(cap);
    runner.collect(case);
    Ok(runner.recording)
}

/// A world with the results so far.
pub(super) struct Runner {
    pub world: World,
    pub members: Vec<Member>,
    pub recording: Recording,
}

impl Runner {
    pub fn new(world: World, members: Vec<Member>) -> Runner {
        Runner { world, members, recording: Recording::default() }
    }

    fn member(&self, name: &str) -> Result<&Member, ConformError> {
        self.members
            .iter()
            .find(|member| member.name == name)
            .ok_or_else(|| ConformError::Case(format!("unknown host {name:?}")))
    }

    /// What happens before Postfix starts: the compiled aliases of the installation, the case's
    /// files, the jail's, then the set-up commands.
    pub fn prepare(&mut self, member: &Member) -> Result<(), ConformError> {
        self.command(member.id, "postalias hash:/etc/aliases", None, "", false);
        let now = self.world.now();
        let host = self.world.host_mut(member.id);
        let files = build::write_files(host, &member.spec, now);
        let files = files.and_then(|()| layout::copy_into_chroot(&mut host.vfs));
        files.map_err(|error| ConformError::Case(format!("files of {}: {error}", member.name)))?;
        for command in &member.spec.setup {
            let result = self.command(member.id, command, None, "", false);
            if result.exit != ExitStatus::Status(0) {
                let ExecResult { stdout, stderr, exit } = result;
                let name = &member.name;
                return Err(ConformError::Case(format!(
                    "setup of {name}: {command:?} exit {exit:?}: {stdout}{stderr}"
                )));
            }
        }
        Ok(())
    }

    pub fn start_postfix(&mut self, member: &Member) {
        let result = self.command(member.id, "postfix start", None, "", false);
        if let ExitStatus::Status(status @ 1..) = result.exit {
            let ExecResult { stdout, stderr, .. } = result;
            let note = format!("{}: postfix start exit {status}: {stdout}{stderr}", member.name);
            self.recording.notes.push(note);
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), ConformError> {
        match step {
            Step::Session(session) => {
                let result = self.session(session)?;
                self.recording.sessions.push((session.id.clone(), result));
            }
            Step::Exec(exec) => {
                let result = self.exec(exec)?;
                self.recording.exec.push((exec.id.clone(), result));
            }
            Step::Settle(settle) => self.settle(settle.cap()),
            Step::Sleep(time) => {
                let until = self.world.now() + seconds(*time);
                self.world.advance(until);
            }
            Step::Sink(sink) => {
                let id = self.member(&sink.host)?.id;
                build::write_sink_script(self.world.host_mut(id), &sink.script)?;
            }
        }
        Ok(())
    }

    /// Runs the world until a process has ended, at most for a time.
    fn wait_for(&mut self, host: HostId, proc: ProcId, limit: Duration) -> Option<Exit> {
        let end = self.world.now() + limit;
        loop {
            if let Some(exit) = self.world.exited(host, proc) {
                return Some(exit);
            }
            if !self.world.step(end) {
                self.world.advance(end);
                return self.world.exited(host, proc);
            }
        }
    }

    fn session(&mut self, step: &SessionStep) -> Result<SessionResult, ConformError> {
        let bad = |what: &str| ConformError::Case(format!("session {}: {what}", step.id));
        let (host, port) = step.to.rsplit_once(':').ok_or_else(|| bad("`to` has no port"))?;
        let port = port.parse().map_err(|_| bad("`to` has no port number"))?;
        let known = self.members.iter().find(|member| member.name == host).map(|member| member.spec.addr);
        let addr = match known {
            Some(addr) => addr,
            None => {
                let text = host.trim_matches(['[', ']']);
                text.parse::<IpAddr>().map_err(|_| bad("`to` is neither host nor address"))?
            }
        };
        let (origin, from) = match step.from.strip_prefix('@') {
            Some(name) => (self.member(name)?.id, None),
            None => {
                let outside = self.world.find(OUTSIDE).ok_or_else(|| bad("`from` is no address"))?;
                let from = step.from.parse().map_err(|_| bad("`from` is no address"))?;
                (outside, Some(from))
            }
        };
        let dialogue = Dialogue::new(step, from, SocketAddr::new(addr, port));
        let proc = self.world.start(origin, Box::new(dialogue), Actor::Scenario);
        // Long enough for every reply time-out of the longest dialogue.
        let limit = Duration::from_secs(60 + 20 * step.send.len() as u64);
        let exit = self.wait_for(origin, proc, limit).unwrap_or_default();
        serde_json::from_slice(&exit.stdout).map_err(|_| bad("the dialogue did not end"))
    }

    fn exec(&mut self, step: &ExecStep) -> Result<ExecResult, ConformError> {
        let host = self.member(&step.host)?.id;
        let command = self.with_queue_ids(host, &step.cmd)?;
        Ok(self.command(host, &command, step.user.as_deref(), step.stdin.as_deref().unwrap_or(""), step.tty))
    }

    /// Runs a command line on a host to its end.
    pub fn command(&mut self, host: HostId, line: &str, user: Option<&str>, stdin: &str, tty: bool) -> ExecResult {
        let data = self.world.host(host);
        let cred = match user.and_then(|user| data.accounts.user(user)) {
            Some(user) => data.accounts.cred(user),
            None => Cred::ROOT,
        };
        let cwd = user.map_or("/root".to_owned(), |user| format!("/home/{user}"));
        let spawn = Spawn {
            command: Command::Shell(line.to_owned()),
            cred,
            cwd: cwd.into(),
            env: build::environment(user),
            umask: 0o022,
            stdin: Bytes::copy_from_slice(stdin.as_bytes()),
            tty,
        };
        let proc = self.world.spawn(host, spawn, Actor::Student);
        match self.wait_for(host, proc, COMMAND_TIMEOUT) {
            Some(exit) => result_of(exit, tty),
            None => {
                self.world.input(host, proc, Input::Signal(Signal::Kill));
                ExecResult { stdout: String::new(), stderr: String::new(), exit: ExitStatus::Timeout }
            }
        }
    }

    /// Replaces `{QID:n}` by the n-th queue id in the host's mail log.
    fn with_queue_ids(&self, host: HostId, command: &str) -> Result<String, ConformError> {
        let mut out = String::new();
        let mut rest = command;
        while let Some((before, after)) = rest.split_once("{QID:") {
            out.push_str(before);
            let (number, tail) = after.split_once('}').unwrap_or((after, ""));
            let log = self.log_of(host);
            let ids = logged_queue_ids(&log);
            let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let id = index.and_then(|index| ids.get(index));
            out.push_str(id.ok_or_else(|| ConformError::Case(format!("no queue id {number} in the log yet")))?);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    pub fn log_of(&self, host: HostId) -> String {
        let content = self.world.host(host).vfs.read(MAIL_LOG, &Cred::ROOT);
        content.map(|content| decode(&content.to_vec())).unwrap_or_default()
    }

    /// Numbers that change whenever a log grows or a sink hears something.
    fn activity(&self) -> Vec<u64> {
        let sizes = self.members.iter().map(|member| match member.sink {
            Some(proc) => self.sink(member.id, proc).map_or(0, Sink::activity),
            None => self.world.host(member.id).vfs.stat(MAIL_LOG, &Cred::ROOT).map_or(0, |inode| inode.size()),
        });
        sizes.collect()
    }

    pub fn sink(&self, host: HostId, proc: ProcId) -> Option<&Sink> {
        self.world.process(host, proc)?.as_any().downcast_ref()
    }

    /// Whether a running Postfix has mail that it is about to handle.
    fn is_busy(&self) -> bool {
        self.members.iter().filter(|member| member.kind == HostKind::Postfix).any(|member| {
            let vfs = &self.world.host(member.id).vfs;
            let running = self.world.processes(member.id).any(|(_, process)| process.command_line().contains("master"));
            running && BUSY_QUEUES.iter().any(|queue| has_files(vfs, &format!("/var/spool/postfix/{queue}")))
        })
    }

    /// Lets time pass until nothing moves any more, at most `cap` seconds.
    fn settle(&mut self, cap: f64) {
        let end = self.world.now() + seconds(cap);
        let (mut last, mut since) = (self.activity(), self.world.now());
        while self.world.now() < end {
            let next = self.world.next_time().unwrap_or(end);
            // Events of one moment are looked at together: nobody sees the state between them.
            let next = (next + Duration::from_millis(1)).min(since + QUIET).min(end).max(self.tick());
            self.world.advance(next);
            let now = self.activity();
            if now != last || self.is_busy() {
                (last, since) = (now, self.world.now());
            } else if self.world.now().since(since) >= QUIET {
                return;
            }
        }
        self.recording.notes.push(format!("settle timed out after {cap}s"));
    }

    fn tick(&self) -> Time {
        self.world.now() + Duration::from_millis(1)
    }
}

fn result_of(exit: Exit, tty: bool) -> ExecResult {
    let (mut stdout, mut stderr) = (decode(&exit.stdout), decode(&exit.stderr));
    if tty {
        stdout.push_str(&std::mem::take(&mut stderr));
        stdout = stdout.replace("\r\n", "\n");
    }
    ExecResult { stdout, stderr, exit: ExitStatus::Status(exit.status) }
}

fn has_files(vfs: &crate::host::vfs::Vfs, path: &str) -> bool {
    use crate::host::vfs::Node;
    let Ok(entries) = vfs.list(path, &Cred::ROOT) else { return false };
    entries.iter().any(|(name, ino)| match vfs.inode(*ino).map(|inode| &inode.node) {
        Some(Node::Dir(_)) => has_files(vfs, &format!("{path}/{name}")),
        Some(_) => true,
        None => false,
    })
}

/// Queue ids of a log in order of first appearance.
fn logged_queue_ids(log: &str) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    for (at, _) in log.match_indices("]: ") {
        let rest = &log[at + 3..];
        let rest = rest.strip_prefix("warning: ").unwrap_or(rest);
        let Some((id, _)) = rest.split_once(": ") else { continue };
        let is_id = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        if is_id && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_ids_are_found_in_order_of_first_appearance() {
        let log = "x postfix/qmgr[1]: ABCDE1234: removed\nx postfix/smtpd[2]: warning: 0BCDE1234: queue\n\
                   x postfix/qmgr[1]: ABCDE1234: again\nx postfix/smtpd[2]: connect from a: b\n";
        assert_eq!(logged_queue_ids(log), ["ABCDE1234", "0BCDE1234"]);
    }
}
