//! Plays the steps of a scenario as time goes on.

use std::sync::Arc;

use super::build::{add_link, spawn, start_helpers, write};
use super::checked::{HostIndex, Link, Scenario, Step};
use super::dialogue::{Dialogue, SessionStep};
use super::written::{self, Expect};
use crate::host::dial::Dialer;
use crate::host::vfs::{Cred, Node, Vfs};
use crate::host::{Exit, Process};
use crate::mua::send::SUBMISSION;
use crate::mua::{Credentials, Fetch, Reader, Security, SendMail, Submission};
use crate::sim::{Duration, HostId, ProcId, Time};
use crate::trace::{Actor, Kind};
use crate::world::World;

/// Longest time that a step waits for a command or a dialogue.
const STEP_TIMEOUT: Duration = Duration::from_secs(600);
/// Time without an event after which nothing moves any more.
const QUIET: Duration = Duration::from_secs(2);
/// Octets of a command's output that are kept.
const MAX_OUTPUT: usize = 64 * 1024;
/// Directories that are empty when nothing moves.
const BUSY_QUEUES: [&str; 3] = ["maildrop", "incoming", "active"];

/// What the script waits for.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Until(Time),
    Process { host: HostId, proc: ProcId, deadline: Time },
    Rest { deadline: Time, since: Time, events: u64 },
    Nothing,
}

/// A scenario being played. A clone goes on independently, with its own world.
#[derive(Clone, Debug)]
pub struct Script {
    scenario: Arc<Scenario>,
    next: usize,
    waiting: Waiting,
    failed: u64,
}

impl Script {
    /// A script at its beginning.
    pub fn new(scenario: Arc<Scenario>) -> Script {
        Script { scenario, next: 0, waiting: Waiting::Nothing, failed: 0 }
    }

    /// Whether all steps are done.
    pub fn is_done(&self) -> bool {
        self.next == self.scenario.script.len() && matches!(self.waiting, Waiting::Nothing)
    }

    /// Number of expectations that were not met so far.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Lets time pass up to `until`, with the steps that are due. With `stop_when_done` it stops
    /// as soon as the last step is done.
    pub fn advance(&mut self, world: &mut World, until: Time, stop_when_done: bool) {
        loop {
            if !self.wait(world, until) {
                return;
            }
            self.waiting = Waiting::Nothing;
            let scenario = self.scenario.clone();
            let Some(step) = scenario.script.get(self.next) else {
                if !stop_when_done {
                    world.advance(until);
                }
                return;
            };
            self.next += 1;
            self.play(step, world);
        }
    }

    /// Waits for what the last step asked for; false if that is not before `until`.
    fn wait(&mut self, world: &mut World, until: Time) -> bool {
        match self.waiting {
            Waiting::Nothing => true,
            Waiting::Until(time) => {
                world.advance(time.min(until));
                time <= until
            }
            Waiting::Process { host, proc, deadline } => loop {
                if let Some(exit) = world.exited(host, proc) {
                    if matches!(self.last_step(), Some(Step::Run { .. })) {
                        note_output(world, host, &exit);
                    }
                    return true;
                }
                let end = deadline.min(until);
                if !world.step(end) {
                    world.advance(end);
                    return deadline <= until;
                }
            },
            Waiting::Rest { deadline, mut since, mut events } => loop {
                let now = world.now();
                if world.trace().len() != events || is_busy(world) {
                    (since, events) = (now, world.trace().len());
                    self.waiting = Waiting::Rest { deadline, since, events };
                }
                let quiet = (since + QUIET).min(deadline);
                if now >= quiet {
                    return true;
                }
                if now >= until {
                    return false;
                }
                let next = world.next_time().unwrap_or(quiet) + Duration::from_millis(1);
                let next = if is_busy(world) { next.min(deadline) } else { next.min(quiet) };
                world.advance(next.max(now + Duration::from_millis(1)).min(until));
            },
        }
    }

    fn last_step(&self) -> Option<&Step> {
        self.scenario.script.get(self.next.checked_sub(1)?)
    }

    fn play(&mut self, step: &Step, world: &mut World) {
        let now = world.now();
        let id = |index: HostIndex| HostId(index.0);
        match step {
            Step::Wait(time) => self.waiting = Waiting::Until(now + *time),
            Step::At(time) => self.waiting = Waiting::Until((self.scenario.start + *time).max(now)),
            Step::Settle(limit) => {
                let events = world.trace().len();
                self.waiting = Waiting::Rest { deadline: now + *limit, since: now, events };
            }
            Step::Narrate(text) => {
                let kind = Kind::Narrate { en: text.en.as_str().into(), de: text.de.as_str().into() };
                world.note(None, Actor::Scenario, kind);
            }
            Step::Send { host, mail } => self.start(world, id(*host), Box::new(Submission::new(send_mail(mail)))),
            Step::Fetch { host, fetch } => self.start(world, id(*host), Box::new(Reader::new(fetching(fetch)))),
            Step::Run { host, user, command, stdin } => {
                let proc = spawn(world, id(*host), user.as_deref(), command, stdin);
                self.waiting = Waiting::Process { host: id(*host), proc, deadline: now + STEP_TIMEOUT };
            }
            Step::Dialogue { from, to, send } => {
                let step = SessionStep::plain(send.clone());
                self.start(world, id(*from), Box::new(Dialogue::new(&step, None, *to)));
            }
            Step::Down(host) => {
                world.set_up(id(*host), false);
                fault(world, Some(id(*host)), "switched off");
            }
            Step::Up(host) => {
                fault(world, Some(id(*host)), "switched on");
                world.boot(id(*host));
                start_helpers(world, id(*host), &self.scenario.clone().host(*host).services);
            }
            Step::Fault(link) => {
                add_link(world, link);
                let what = self.describe(link);
                fault(world, None, &what);
            }
            Step::Repair(name) => {
                world.faults_mut().remove(name);
                fault(world, None, &format!("`{name}` is repaired"));
            }
            Step::Write { host, path, text } => {
                // A full disk shows in the next step that looks at the file.
                let written = write(world.host_mut(id(*host)), path, text.clone().into_bytes());
                if written.is_ok() {
                    let kind = Kind::FileWrite { path: path.as_str().into(), by: "scenario".into() };
                    world.note(Some(id(*host)), Actor::Scenario, kind);
                }
            }
            Step::Expect(expect) => self.expect(expect, world),
        }
    }

    fn start(&mut self, world: &mut World, host: HostId, process: Box<dyn Process>) {
        let deadline = world.now() + STEP_TIMEOUT;
        let proc = world.start(host, process, Actor::Scenario);
        self.waiting = Waiting::Process { host, proc, deadline };
    }

    fn describe(&self, link: &Link) -> String {
        let end = |index: Option<HostIndex>| index.map_or("anywhere", |index| &self.scenario.host(index).name);
        let port = link.port.map_or(String::new(), |port| format!(", port {port}"));
        let effects: Vec<String> = link.effects.iter().map(|effect| format!("{effect:?}")).collect();
        format!("{} to {}{port}: {}", end(link.from), end(link.to), effects.join(", "))
    }

    fn expect(&mut self, expect: &Expect, world: &mut World) {
        let (what, ok, found) = judge(expect, world);
        self.failed += u64::from(!ok);
        let kind = Kind::Expect { what: what.into(), ok, found: found.into() };
        world.note(None, Actor::Scenario, kind);
    }
}

/// Notes what a command of the script wrote, standard output first.
fn note_output(world: &mut World, host: HostId, exit: &Exit) {
    let written: Vec<u8> = exit.stdout.iter().chain(exit.stderr.iter()).take(MAX_OUTPUT).copied().collect();
    if !written.is_empty() {
        let text = String::from_utf8_lossy(&written).into_owned();
        world.note(Some(host), Actor::Scenario, Kind::ShellOutput { text: text.into() });
    }
}

fn fault(world: &mut World, host: Option<HostId>, what: &str) {
    world.note(host, Actor::Scenario, Kind::Fault { what: what.into() });
}

/// The mail of a `Send` step.
fn send_mail(send: &written::Send) -> SendMail {
    SendMail {
        user: send.user.as_str().into(),
        from: send.from.as_str().into(),
        to: send.to.iter().map(|to| to.as_str().into()).collect(),
        subject: send.subject.as_str().into(),
        body: send.text.clone(),
        server: send.server.as_str().into(),
        auth: send.login.as_ref().map(credentials),
        security: Security::on_port(send.tls, Dialer::new(&send.server, SUBMISSION).port),
    }
}

/// What a `Fetch` step asks for.
fn fetching(fetch: &written::Fetch) -> Fetch {
    Fetch::new(&fetch.user, &fetch.server, fetch.protocol, credentials(&fetch.login), fetch.keep, fetch.tls)
}

fn credentials(login: &written::Login) -> Credentials {
    Credentials { user: login.user.as_str().into(), password: login.password.as_str().into() }
}

/// What was expected in words, whether it is so, and what is there.
fn judge(expect: &Expect, world: &World) -> (String, bool, String) {
    let read = |host: &str, path: &str| {
        let host = world.find(host)?;
        world.host(host).vfs.read_text(path, &Cred::ROOT).ok()
    };
    let contains = |host: &str, path: &str, text: &str| {
        let what = format!("{path} on {host} contains {text:?}");
        match read(host, path) {
            None => (what, false, "the file does not exist".into()),
            Some(content) if content.contains(text) => (what, true, "it does".into()),
            Some(_) => (what, false, "it does not".into()),
        }
    };
    let number = |what: String, wanted: u64, found: u64| (what, wanted == found, format!("{found}"));
    match expect {
        Expect::Mailbox { host, user, count } => {
            let content = read(host, &format!("/var/mail/{user}")).unwrap_or_default();
            let found = content.lines().filter(|line| line.starts_with("From ")).count() as u64;
            number(format!("{count} messages in the mailbox of {user} on {host}"), *count, found)
        }
        Expect::Queue { host, count } => {
            let found = world.find(host).map_or(0, |id| {
                let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
                queues.iter().map(|queue| files_in(&world.host(id).vfs, &format!("/var/spool/postfix/{queue}"))).sum()
            });
            number(format!("{count} messages in the queue of {host}"), *count, found)
        }
        Expect::File { host, path, contains: text } => contains(host, path, text),
        Expect::Log { host, contains: text } => {
            let file = world.find(host).map(|id| world.host(id).syslog.file.clone());
            contains(host, file.as_deref().unwrap_or("/var/log/mail.log"), text)
        }
        Expect::Event { kind, contains, count } => {
            let named = world.trace().iter().filter(|event| event.kind.name() == kind);
            let found = named.filter(|event| world.trace().json(event).contains(contains.as_str())).count() as u64;
            match count {
                Some(count) => number(format!("{count} events {kind} with {contains:?}"), *count, found),
                None => (format!("an event {kind} with {contains:?}"), found > 0, format!("{found}")),
            }
        }
    }
}

fn is_busy(world: &World) -> bool {
    world
        .hosts()
        .filter(|host| world.is_up(host.id))
        .any(|host| BUSY_QUEUES.iter().any(|queue| files_in(&host.vfs, &format!("/var/spool/postfix/{queue}")) > 0))
}

/// Number of files below a directory.
fn files_in(vfs: &Vfs, path: &str) -> u64 {
    let Ok(entries) = vfs.list(path, &Cred::ROOT) else { return 0 };
    let count = |(name, ino): &(smol_str::SmolStr, _)| match vfs.inode(*ino).map(|inode| &inode.node) {
        Some(Node::Dir(_)) => files_in(vfs, &format!("{path}/{name}")),
        Some(_) => 1,
        None => 0,
    };
    entries.iter().map(count).sum()
}
