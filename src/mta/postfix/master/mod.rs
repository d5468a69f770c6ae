//! master(8): starts and stops the daemons, listens for them, and passes on what arrives.

mod listen;
mod load;
mod rest;
mod spawn;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::agents::{Agents, Owners};
use super::config::{Config, Fatal, MasterEntry};
use super::log::{Logger, priority_of};
use super::pickup::Pickup;
use super::qmgr::Qmgr;
use super::queue::Queue;
use super::services::{LastWords, Services};
use super::smtpd::{self, Smtpd};
use super::{queue, showq, verify};
use crate::dns::Lookup;
use crate::host::vfs::{Cred, Special};
use crate::host::{Ctx, Exit, Host, Input, Priority, Process, Signal};
use crate::sim::net::NetInput;
use crate::sim::{Duration, Listener, ProcId, Socket};
use crate::trace::{DeliveryStatus, Kind};
use load::{load_pickup, load_qmgr, maillog_file, pickup_wakeup, startup_lines};
use rest::{Resting, Waiting};

/// The syslog tag.
const TAG: &str = "postfix/master";
const QMGR_TAG: &str = "postfix/qmgr";
const PICKUP_TAG: &str = "postfix/pickup";
/// Where master(8) notes its process id, below the queue directory.
const PID_FILE: &str = "pid/master.pid";
/// How long a broken daemon is left alone (`service_throttle_time`).
const THROTTLE: Duration = Duration::from_secs(60);
/// The release whose behaviour this is.
pub const VERSION: &str = "3.7.11";

/// Who asked for a timer or a DNS answer: the top byte of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// smtpd(8).
    Smtpd = 1,
    /// qmgr(8).
    Qmgr = 2,
    /// smtp(8) and lmtp(8).
    Smtp = 3,
    /// pickup(8).
    Pickup = 4,
    /// local(8).
    Local = 6,
    /// pipe(8).
    Pipe = 7,
    /// master(8) itself: a throttled daemon is tried again.
    Throttle = 8,
    /// anvil(8).
    Anvil = 9,
}

impl Owner {
    /// The top byte of the owner's tokens.
    pub fn base(self) -> u64 {
        (self as u64) << 56
    }

    fn of(token: u64) -> Option<Owner> {
        use Owner::{Anvil, Local, Pickup, Pipe, Qmgr, Smtp, Smtpd, Throttle};
        [Smtpd, Qmgr, Smtp, Pickup, Local, Pipe, Throttle, Anvil].into_iter().find(|owner| *owner as u64 == token >> 56)
    }
}

/// A Postfix instance: one process of its host, with all daemons inside.
#[derive(Clone, Debug)]
pub struct Postfix {
    directory: SmolStr,
    running: Option<Box<Running>>,
}

/// A running instance.
#[derive(Clone, Debug)]
struct Running {
    services: Services,
    listeners: BTreeMap<Listener, usize>,
    interfaces: SmolStr,
    smtpd: Smtpd,
    spawner: spawn::Spawner,
    qmgr: Qmgr,
    agents: Agents,
    pickup: Pickup,
    pickup_wakeup: Option<Duration>,
    queue_directory: SmolStr,
    resting: Resting,
    /// What qmgr(8) and pickup(8) say if they cannot start.
    qmgr_fault: Option<LastWords>,
    pickup_fault: Option<LastWords>,
}

/// The process of the running instance with this queue directory, if it runs.
pub fn running(host: &Host, queue_directory: &str) -> Option<ProcId> {
    let text = host.vfs.read_text(&format!("{queue_directory}/{PID_FILE}"), &Cred::ROOT).ok()?;
    let pid = ProcId(text.trim().parse().ok()?);
    host.processes.get(&pid)?.command.contains("/master").then_some(pid)
}

impl Postfix {
    /// An instance with this configuration directory, to be started as a process.
    pub fn new(directory: impl Into<SmolStr>) -> Postfix {
        Postfix { directory: directory.into(), running: None }
    }

    /// What the daemons loaded at the last start or reload; nothing if they do not run.
    pub fn config(&self) -> Option<&Config> {
        self.running.as_deref().map(|running| &*running.services.config)
    }

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        let mut log = Logger::default();
        match Running::start(&self.directory, ctx) {
            Ok(mut running) => {
                running.begin(ctx);
                self.running = Some(running);
            }
            Err(fatal) => {
                log.log(ctx, Priority::Error, TAG, format_args!("fatal: {fatal}"));
                ctx.exit(Exit { status: 1, ..Exit::default() });
            }
        }
    }
}

impl Running {
    fn start(directory: &SmolStr, ctx: &mut Ctx<'_>) -> Result<Box<Running>, Fatal> {
        let mut notes = Vec::new();
        let mut log = Logger::default();
        log.set_pid(TAG, ctx.proc.0);
        let config = Config::load_noting(ctx.host, directory, &mut notes);
        for note in &notes {
            log.log(ctx, priority_of(note), TAG, format_args!("{note}"));
        }
        let config = Arc::new(config?);
        for warning in listen::duplicates(&config, ctx.host) {
            log.warn(ctx, TAG, format_args!("{warning}"));
        }
        let params = config.global();
        let queue_directory = params.get("queue_directory");
        let layout = showq::layout(&params, ctx.host);
        let form = if params.bool("enable_long_queue_ids")? { queue::id::Form::Long } else { queue::id::Form::Short };
        let queue = Queue::open(layout, form, &mut ctx.host.vfs)
            .map_err(|error| Fatal(format!("open {queue_directory}: {error}")))?;
        log.maillog_file = maillog_file(&params);
        log.startup = startup_lines(&config, notes, ctx.host);
        let services = Services::load(Arc::clone(&config), queue, log, ctx.host)?;
        let (qmgr, qmgr_fault) = load_qmgr(&config, ctx.now)?;
        let (pickup, pickup_fault) = load_pickup(&config)?;
        let wakeup = pickup_wakeup(&config);
        Ok(Box::new(Running {
            services,
            listeners: BTreeMap::new(),
            interfaces: params.get("inet_interfaces"),
            smtpd: Smtpd::default(),
            spawner: spawn::Spawner::default(),
            qmgr,
            agents: Agents::load(&config, ctx.host, owners()),
            pickup,
            pickup_wakeup: wakeup.map(Duration::from_secs),
            queue_directory,
            resting: Resting::default(),
            qmgr_fault,
            pickup_fault,
        }))
    }

    /// Listens, and takes up what lies in the queue.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        let (pid, directory) = (ctx.proc, self.services.config.directory.clone());
        let path = format!("{}/{PID_FILE}", self.queue_directory);
        // Without its directory the file is missing, and commands think that nothing runs.
        let _ = ctx.host.vfs.mkdir_all(path.rsplit_once('/').map_or("/", |(directory, _)| directory));
        let _ = ctx.host.vfs.write(&path, format!("{:>10}\n", pid.0), 0o600, &Cred::ROOT);
        self.services.log.log(
            ctx,
            Priority::Info,
            TAG,
            format_args!("daemon started -- version {VERSION}, configuration {directory}"),
        );
        ctx.emit(Kind::ConfigLoad { how: "start".into(), changed: Vec::new() });
        if let Err(fatal) = self.listen(ctx) {
            self.services.log.log(ctx, Priority::Error, TAG, format_args!("fatal: {fatal}"));
            return ctx.exit(Exit { status: 1, ..Exit::default() });
        }
        self.make_sockets(ctx);
        self.start_qmgr(ctx);
        self.scan_maildrop(ctx);
        self.arm_pickup(ctx);
        self.deliver(ctx);
    }

    /// qmgr(8) is woken as soon as master(8) runs.
    fn start_qmgr(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(words) = self.qmgr_fault.clone() {
            return self.died("qmgr", QMGR_TAG, "qmgr", &words, ctx);
        }
        self.services.log.start(ctx, QMGR_TAG);
        self.qmgr.start(&mut self.services, ctx);
    }

    /// pickup(8) looks into the `maildrop` queue.
    fn scan_maildrop(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(words) = self.pickup_fault.clone() {
            if !self.resting.contains("pickup") {
                self.died("pickup", PICKUP_TAG, "pickup", &words, ctx);
            }
            return;
        }
        self.services.log.start(ctx, PICKUP_TAG);
        self.pickup.scan(&mut self.services, ctx);
    }

    /// Opens listeners for new services and closes those of services that are gone.
    fn listen(&mut self, ctx: &mut Ctx<'_>) -> Result<(), Fatal> {
        let wanted = listen::listeners(&self.services.config, ctx.host)?;
        let wanted: BTreeMap<Listener, usize> = wanted
            .into_iter()
            .flat_map(|(index, all)| all.into_iter().map(move |listener| (listener, index)))
            .collect();
        for listener in self.listeners.keys().filter(|listener| !wanted.contains_key(listener)) {
            ctx.unlisten(listener.clone());
        }
        for listener in wanted.keys().filter(|listener| !self.listeners.contains_key(listener)) {
            ctx.listen(listener.clone());
        }
        self.listeners = wanted;
        Ok(())
    }

    /// The sockets of the services below the queue directory, and the pipes that wake daemons.
    fn make_sockets(&mut self, ctx: &mut Ctx<'_>) {
        let owner = self.services.queue.layout().owner.clone();
        for entry in &self.services.config.master.entries {
            if entry.kind == super::config::ServiceKind::Inet {
                continue;
            }
            let folder = if entry.private { "private" } else { "public" };
            let path = format!("{}/{folder}/{}", self.queue_directory, entry.name);
            // A socket of an earlier run is as good.
            let _ = ctx.host.vfs.mknod(&path, Special::Socket, 0o666, &owner);
            if !entry.private && matches!(entry.name.as_str(), "pickup" | "qmgr" | "flush" | "showq") {
                ctx.listen(Listener::Unix(path.into()));
            }
        }
    }

    fn arm_pickup(&self, ctx: &mut Ctx<'_>) {
        if let Some(wakeup) = self.pickup_wakeup {
            ctx.wake_at(ctx.now + wakeup, Owner::Pickup.base(), "pickup looks into maildrop");
        }
    }

    /// Gives requests to agents until there are none.
    fn deliver(&mut self, ctx: &mut Ctx<'_>) {
        loop {
            self.agents.pump(&mut self.qmgr, &mut self.services, ctx);
            let Some(probed) = self.qmgr.take_probed() else { break };
            let outcome = probed.outcome;
            let status = match outcome.status {
                DeliveryStatus::Deliverable | DeliveryStatus::Sent => verify::Status::Deliverable,
                _ if outcome.dsn.starts_with('4') => verify::Status::Deferred,
                _ => verify::Status::Undeliverable,
            };
            let text = format_smolstr!("{} {}", outcome.dsn, outcome.reason);
            self.services.verify.update(&probed.address, status, text, ctx.now);
        }
        for (daemon, words) in self.services.unanswered() {
            let program = daemon.program();
            if !self.resting.contains(program) {
                let tag = format_smolstr!("{}/{program}", self.services.config.of(daemon.service()).get("syslog_name"));
                self.died(program, &tag, program, &words, ctx);
            }
        }
        for died in self.agents.take_died() {
            let config = Arc::clone(&self.services.config);
            if let Some(entry) = config.master.unix(&died.service) {
                self.reaped(&tag(&config, entry), &died.program, ctx);
            }
        }
    }

    /// A daemon died as it started, with these words: its service rests for a while.
    fn died(&mut self, service: &str, tag: &str, program: &str, words: &LastWords, ctx: &mut Ctx<'_>) {
        self.services.log.start(ctx, tag);
        self.services.log.opened(ctx, tag, words);
        self.reaped(tag, program, ctx);
        self.resting.begin(service, ctx.now + THROTTLE);
    }

    /// Starts again what has rested.
    fn rested(&mut self, rested: Vec<(SmolStr, Vec<Waiting>)>, ctx: &mut Ctx<'_>) {
        for (service, waiting) in rested {
            match service.as_str() {
                "qmgr" => self.start_qmgr(ctx),
                "pickup" => self.scan_maildrop(ctx),
                service => {
                    let config = Arc::clone(&self.services.config);
                    let entry = config.master.find(service, super::config::ServiceKind::Inet);
                    for Waiting { sock, local, peer } in waiting {
                        self.serve(entry, sock, local, peer, ctx);
                    }
                }
            }
        }
    }

    /// Logs the death of a daemon; it is tried again after a while.
    fn reaped(&mut self, tag: &str, program: &str, ctx: &mut Ctx<'_>) {
        let pid = self.services.log.pid(tag, ctx);
        let path = format!("/usr/lib/postfix/sbin/{program}");
        self.services.log.warn(ctx, TAG, format_args!("process {path} pid {pid} exit status 1"));
        self.services.log.warn(ctx, TAG, format_args!("{path}: bad command startup -- throttling"));
        // The next attempt is another process.
        self.services.log.forget(tag);
        ctx.wake_at(ctx.now + THROTTLE, Owner::Throttle.base(), "a broken daemon is tried again");
    }

    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Net(input) => self.net(input, ctx),
            Input::Wake(token) => self.wake(token, ctx),
            Input::Resolved { token, lookup } => self.resolved(token, lookup, ctx),
            Input::Trigger { path, bytes } => match path.rsplit('/').next() {
                Some("pickup") => self.scan_maildrop(ctx),
                Some("showq") => self.services.log.start(ctx, "postfix/showq"),
                Some("qmgr") if self.qmgr_fault.is_none() => self.qmgr.trigger(&bytes, &mut self.services, ctx),
                _ => {}
            },
            Input::ChildExited { child, exit } if self.spawner.child_exited(child, &exit, &mut self.services, ctx) => {}
            Input::ChildExited { child, exit } => {
                self.agents.child_exited(child, &exit, &mut self.qmgr, &mut self.services, ctx);
            }
            Input::Signal(Signal::Hup) => self.reload(ctx),
            Input::Signal(signal) => self.stop(signal, ctx),
            Input::Start | Input::Typed(_) | Input::Resized(_) | Input::Answered(_) | Input::Outside(_) => {}
        }
        self.deliver(ctx);
    }

    fn net(&mut self, input: NetInput, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::Accepted { sock, listener, local, peer } => self.accepted(sock, &listener, local, peer, ctx),
            NetInput::Data { sock, payload } if self.smtpd.owns(sock) => {
                self.smtpd.handle(smtpd::Event::Data(sock, payload), &mut self.services, ctx);
            }
            NetInput::Eof { sock } | NetInput::Reset { sock, .. } if self.smtpd.owns(sock) => {
                self.smtpd.handle(smtpd::Event::Lost(sock), &mut self.services, ctx);
            }
            other => match socket_of(&other) {
                Some(sock) if self.smtpd.owns_policy(sock) => {
                    self.smtpd.handle(smtpd::Event::Policy(sock, other), &mut self.services, ctx);
                }
                Some(sock) if self.spawner.owns(sock) => self.spawner.net(&other, ctx),
                _ => self.agents.net(other, &mut self.services, ctx),
            },
        }
    }

    fn accepted(&mut self, sock: Socket, listener: &Listener, local: SocketAddr, peer: SocketAddr, ctx: &mut Ctx<'_>) {
        let config = Arc::clone(&self.services.config);
        let entry = self.listeners.get(listener).and_then(|index| config.master.entries.get(*index));
        self.serve(entry, sock, local, peer, ctx);
    }

    /// Gives a connection to the daemon of its service.
    fn serve(
        &mut self,
        entry: Option<&MasterEntry>,
        sock: Socket,
        local: SocketAddr,
        peer: SocketAddr,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(entry) = entry else { return ctx.close(sock) };
        if self.resting.contains(&entry.name) {
            return self.resting.wait(&entry.name, Waiting { sock, local, peer });
        }
        let tag = tag(&self.services.config, entry);
        if matches!(entry.command.as_str(), "smtpd" | "postscreen") {
            let Err(fatal) = self.smtpd.accepted(entry, sock, local, peer, &mut self.services, ctx) else { return };
            self.died(&entry.name, &tag, &entry.command, &[format!("fatal: {fatal}")].into(), ctx);
        } else if entry.command == "spawn" {
            let config = Arc::clone(&self.services.config);
            return self.spawner.accepted(entry, &config.service(entry), sock, ctx);
        } else {
            let path = format!("/usr/lib/postfix/sbin/{}", entry.command);
            let text = format!("fatal: master_spawn: exec {path}: No such file or directory");
            // The new process has no other name yet.
            let pid = self.services.log.pid(&tag, ctx);
            ctx.syslog(Priority::Error, "master", pid, format_args!("{text}"));
            self.reaped(&tag, &entry.command, ctx);
            self.resting.begin(&entry.name, ctx.now + THROTTLE);
        }
        self.resting.wait(&entry.name, Waiting { sock, local, peer });
    }

    fn wake(&mut self, token: u64, ctx: &mut Ctx<'_>) {
        let own = token & !(0xFF << 56);
        match Owner::of(token) {
            Some(Owner::Smtpd) => self.smtpd.handle(smtpd::Event::Wake(own), &mut self.services, ctx),
            Some(Owner::Qmgr) if self.qmgr_fault.is_some() => {}
            Some(Owner::Qmgr) => self.qmgr.wake(own, &mut self.services, ctx),
            Some(Owner::Smtp) => self.agents.wake_smtp(own, &mut self.services, ctx),
            Some(Owner::Local) => self.agents.wake_local(own, &mut self.qmgr, &mut self.services, ctx),
            Some(Owner::Pipe) => self.agents.wake_pipe(own, &mut self.qmgr, &mut self.services, ctx),
            Some(Owner::Anvil) => self.services.anvil.wake(&mut self.services.log, ctx),
            Some(Owner::Throttle) => {
                self.agents.retry(&mut self.qmgr, &mut self.services, ctx);
                let rested = self.resting.rested(ctx.now);
                self.rested(rested, ctx);
            }
            Some(Owner::Pickup) => {
                self.scan_maildrop(ctx);
                self.arm_pickup(ctx);
            }
            None => {}
        }
    }

    fn resolved(&mut self, token: u64, lookup: Arc<Lookup>, ctx: &mut Ctx<'_>) {
        let own = token & !(0xFF << 56);
        match Owner::of(token) {
            Some(Owner::Smtpd) => self.smtpd.handle(smtpd::Event::Resolved(own, lookup), &mut self.services, ctx),
            Some(Owner::Smtp) => self.agents.resolved(own, lookup, &mut self.services, ctx),
            _ => {}
        }
    }

    fn stop(&mut self, signal: Signal, ctx: &mut Ctx<'_>) {
        let number = match signal {
            Signal::Hup => 1,
            Signal::Int => 2,
            Signal::Kill => 9,
            Signal::Term => 15,
        };
        self.services.log.log(ctx, Priority::Info, TAG, format_args!("terminating on signal {number}"));
        self.smtpd.stop(ctx);
        let path = format!("{}/{PID_FILE}", self.queue_directory);
        let _ = ctx.host.vfs.unlink(&path, &Cred::ROOT);
        ctx.exit(Exit::default());
    }
}

/// The socket that an input is about, if it is not about a new connection of somebody else.
fn socket_of(input: &NetInput) -> Option<Socket> {
    match input {
        NetInput::Connected { sock, .. }
        | NetInput::ConnectFailed { sock, .. }
        | NetInput::Data { sock, .. }
        | NetInput::Eof { sock }
        | NetInput::Reset { sock, .. } => Some(*sock),
        _ => None,
    }
}

fn owners() -> Owners {
    Owners { smtp: Owner::Smtp.base(), local: Owner::Local.base(), pipe: Owner::Pipe.base() }
}

/// The syslog tag of a service's program: `postfix/relay/smtp`.
fn tag(config: &Config, entry: &MasterEntry) -> SmolStr {
    let name = config.service(entry).get("syslog_name");
    format_smolstr!("{name}/{}", entry.command)
}

impl Process for Postfix {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match (&mut self.running, input) {
            (None, Input::Start) => self.start(ctx),
            (Some(running), input) => running.handle(input, ctx),
            (None, _) => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/lib/postfix/sbin/master -w".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
