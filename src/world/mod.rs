//! Hosts, links and faults composed: inputs in, trace out.
//!
//! A [`World`] is plain data. [`World::advance`] runs the queue; between two advances the methods
//! here apply what people do. A clone is an independent world that shares all immutable parts.

mod allowance;
mod apply;
mod outside;
mod programs;
mod resolver;
mod services;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::host::{Ctx, Effect, Exit, Host, Input, Process, ProcessInfo, Spawn};
use crate::sim::faults::Faults;
use crate::sim::kernel::{Delivery, What};
use crate::sim::tap::Packet;
use crate::sim::{Dice, Endpoint, HostId, Kernel, ProcId, Time};
use crate::trace::{Actor, EventId, Kind, Level, Origin, Trace};
use allowance::Purse;
pub use allowance::{Allowance, Spent};
use outside::Outside;
pub use programs::install_programs;
use resolver::{Configuration, StubResolver};

/// The process id that owns the resolver's datagrams on every host.
const RESOLVER: ProcId = ProcId(1);

/// A simulated internet.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    kernel: Kernel,
    trace: Trace,
    machines: Vec<Arc<Machine>>,
    next_socket: u64,
    /// Inputs that processes of one host caused for each other, to be delivered in order.
    pending: VecDeque<(Endpoint, Input, Option<EventId>)>,
    out: Vec<(Effect, Option<EventId>)>,
    /// Sockets of the real machine.
    outside: Outside,
    /// What may still happen; anything if missing.
    purse: Option<Purse>,
}

/// A host with its processes and its resolver.
#[derive(Clone, Debug)]
struct Machine {
    host: Host,
    processes: BTreeMap<ProcId, Slot>,
    /// Processes that are gone and can still be looked at.
    past: BTreeMap<ProcId, Box<dyn Process>>,
    /// Exits that nobody waits for, for [`World::exited`].
    exits: BTreeMap<ProcId, Exit>,
    resolver: StubResolver,
    resolv_conf: Configuration,
    up: bool,
}

/// A running process.
#[derive(Clone, Debug)]
struct Slot {
    process: Box<dyn Process>,
    parent: Option<ProcId>,
    actor: Actor,
}

impl Machine {
    /// Adds a process, and its row to the process table.
    fn insert(&mut self, id: ProcId, slot: Slot, started: Time) {
        let Slot { process, parent, .. } = &slot;
        let info = ProcessInfo { parent: *parent, uid: process.uid(), command: process.command_line().into(), started };
        self.host.processes.insert(id, info);
        self.processes.insert(id, slot);
    }

    /// Keeps those of the processes that are gone which can still be looked at.
    fn remember(&mut self, gone: impl IntoIterator<Item = (ProcId, Slot)>) {
        let kept = gone.into_iter().filter(|(_, slot)| slot.process.outlives_exit());
        self.past.extend(kept.map(|(id, slot)| (id, slot.process)));
    }
}

impl World {
    /// An empty world.
    pub fn new(seed: u64, start: Time, level: Level) -> World {
        World {
            seed,
            kernel: Kernel::new(seed, start),
            trace: Trace::new(level),
            machines: Vec::new(),
            next_socket: 2,
            pending: VecDeque::new(),
            out: Vec::new(),
            outside: Outside::default(),
            purse: None,
        }
    }

    /// Adds a host; it takes its number and dice from the world. It is up, with nothing running.
    pub fn add_host(&mut self, mut host: Host) -> HostId {
        let id = self.kernel.add_host(&host.addrs);
        host.id = id;
        host.dice = Dice::new(self.seed, &host.name);
        // The lowest ids belong to init and the resolver.
        host.last_proc = host.last_proc.max(300 + host.dice.below(500) as u32);
        host.accounts.refresh(&host.vfs);
        self.trace.name_host(&host.name);
        let machine = Machine {
            host,
            processes: BTreeMap::new(),
            past: BTreeMap::new(),
            exits: BTreeMap::new(),
            resolver: StubResolver::new(),
            resolv_conf: Configuration::default(),
            up: true,
        };
        self.machines.push(Arc::new(machine));
        id
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.kernel.now()
    }

    /// The seed that all dice come from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What happened so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The number of hosts.
    pub fn host_count(&self) -> u32 {
        self.machines.len() as u32
    }

    /// The hosts in order.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.machines.iter().map(|machine| &machine.host)
    }

    /// A host. Ids come from this world, so every id has one.
    pub fn host(&self, id: HostId) -> &Host {
        &self.machines[id.0 as usize].host
    }

    /// A host, to be changed from outside (a file edited in the window, a clock of a file set).
    pub fn host_mut(&mut self, id: HostId) -> &mut Host {
        let now = self.kernel.now();
        let host = &mut Arc::make_mut(&mut self.machines[id.0 as usize]).host;
        host.vfs.now = now;
        host
    }

    /// The host of this name.
    pub fn find(&self, name: &str) -> Option<HostId> {
        self.hosts().find(|host| host.name == name).map(|host| host.id)
    }

    /// The host that has this address.
    pub fn host_of(&self, addr: std::net::IpAddr) -> Option<HostId> {
        self.kernel.host_of(addr)
    }

    /// The kernel's view of listeners and paths.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The network's rules, to be changed from outside.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.kernel.faults
    }

    /// Collects packets from now on, for [`World::take_packets`].
    pub fn tap(&mut self) {
        self.kernel.tap.open();
    }

    /// Takes the packets that arrived since the last time, in order.
    pub fn take_packets(&mut self) -> Vec<Packet> {
        self.kernel.tap.take()
    }

    /// Lets packets to a host vanish without any answer.
    pub fn set_silent(&mut self, host: HostId, silent: bool) {
        self.kernel.set_silent(host, silent);
    }

    /// Records something that happens from outside, such as a narration or a fault.
    pub fn note(&mut self, host: Option<HostId>, actor: Actor, kind: Kind) -> EventId {
        let origin = Origin { host, proc: None, actor, cause: None };
        self.trace.push(self.kernel.now(), origin, kind, None)
    }

    /// Whether a host is switched on.
    pub fn is_up(&self, host: HostId) -> bool {
        self.machines[host.0 as usize].up
    }

    /// Switches a host off (everything running on it is gone) or on (with nothing running yet).
    pub fn set_up(&mut self, host: HostId, up: bool) {
        self.kernel.set_up(host, up);
        let machine = Arc::make_mut(&mut self.machines[host.0 as usize]);
        machine.up = up;
        if !up {
            let gone = std::mem::take(&mut machine.processes);
            machine.remember(gone);
            machine.host.processes.clear();
            machine.host.listeners.clear();
            machine.host.udp_ports.clear();
            machine.resolver = StubResolver::new();
        }
    }

    /// Starts a process on a host from outside and lets it run until it waits.
    pub fn start(&mut self, host: HostId, process: Box<dyn Process>, actor: Actor) -> ProcId {
        let now = self.kernel.now();
        let machine = Arc::make_mut(&mut self.machines[host.0 as usize]);
        let child = machine.host.next_proc();
        machine.insert(child, Slot { process, parent: None, actor }, now);
        self.deliver(Endpoint { host, proc: child }, Input::Start, None);
        child
    }

    /// Runs a command line on a host from outside; see [`World::exited`].
    pub fn spawn(&mut self, host: HostId, spawn: Spawn, actor: Actor) -> ProcId {
        self.start(host, crate::host::shell::run_spawn(spawn), actor)
    }

    /// Takes the exit of a process that was started from outside, if it has ended.
    pub fn exited(&mut self, host: HostId, proc: ProcId) -> Option<Exit> {
        if !self.machines[host.0 as usize].exits.contains_key(&proc) {
            return None;
        }
        Arc::make_mut(&mut self.machines[host.0 as usize]).exits.remove(&proc)
    }

    /// The processes of a host with their command lines, in order of ids.
    pub fn processes(&self, host: HostId) -> impl Iterator<Item = (ProcId, &dyn Process)> {
        self.machines[host.0 as usize].processes.iter().map(|(id, slot)| (*id, &*slot.process))
    }

    /// How many processes run on all hosts.
    pub fn process_count(&self) -> usize {
        self.machines.iter().map(|machine| machine.processes.len()).sum()
    }

    /// The process of this id.
    pub fn process(&self, host: HostId, proc: ProcId) -> Option<&dyn Process> {
        self.machines[host.0 as usize].processes.get(&proc).map(|slot| &*slot.process)
    }

    /// A process that has ended, or was switched off with its host, if it can still be looked at.
    pub fn past_process(&self, host: HostId, proc: ProcId) -> Option<&dyn Process> {
        self.machines.get(host.0 as usize)?.past.get(&proc).map(|process| &**process)
    }

    /// Gives an input to a process from outside (keys typed into a terminal, bytes of a gateway).
    pub fn input(&mut self, host: HostId, proc: ProcId, input: Input) {
        self.deliver(Endpoint { host, proc }, input, None);
    }

    /// When the next event is due.
    pub fn next_time(&self) -> Option<Time> {
        self.kernel.next_time().filter(|_| self.spent().is_none())
    }

    /// Runs the next event if it is due at or before `until`; false if none is.
    pub fn step(&mut self, until: Time) -> bool {
        if !self.may_step() {
            return false;
        }
        let Some(Delivery { to, what, cause }) = self.kernel.next(until) else { return false };
        let cause = (cause != 0).then_some(EventId(cause));
        match what {
            What::Wake(token, _) => {
                let input = Input::Wake(token);
                if to.proc == RESOLVER { self.wake_resolver(to.host, token) } else { self.deliver(to, input, cause) }
            }
            What::Net(input) => self.arrive(to, input, cause),
        }
        true
    }

    /// Runs all events up to `until` and moves the clock there.
    pub fn advance(&mut self, until: Time) {
        while self.step(until) {}
        self.kernel.set_now(until);
    }

    /// A digest of the trace and of every host's files: the same on every machine.
    pub fn digest(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        hash.update(self.trace.digest());
        for host in self.hosts() {
            hash.update(host.name.as_bytes());
            host.vfs.visit(&mut |path, inode| {
                hash.update(path.as_bytes());
                hash.update(format!(" {:o} {} {} {}\n", inode.mode, inode.uid, inode.gid, inode.mtime.micros()));
                if let Some(content) = inode.content() {
                    hash.update(content.to_vec());
                }
            });
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The name of a host in the scenario.
    pub fn name(&self, host: HostId) -> SmolStr {
        self.host(host).name.clone()
    }

    fn deliver(&mut self, to: Endpoint, input: Input, cause: Option<EventId>) {
        // What was caused before comes first.
        if self.pending.is_empty() {
            self.run(to, input, cause);
        } else {
            self.pending.push_back((to, input, cause));
        }
        self.settle();
    }

    /// Delivers what is pending, and what that causes in turn.
    fn settle(&mut self) {
        while let Some((to, input, cause)) = self.pending.pop_front() {
            self.run(to, input, cause);
        }
    }

    /// Lets one process handle one input.
    fn run(&mut self, to: Endpoint, input: Input, cause: Option<EventId>) {
        let now = self.kernel.now();
        let Some(machine) = self.machines.get_mut(to.host.0 as usize) else { return };
        let Machine { host, processes, .. } = Arc::make_mut(machine);
        let Some(slot) = processes.get_mut(&to.proc) else { return };
        host.vfs.now = now;
        host.accounts.refresh(&host.vfs);
        let actor = slot.actor;
        let mut out = std::mem::take(&mut self.out);
        let mut ctx = Ctx {
            now,
            proc: to.proc,
            actor,
            cause,
            host,
            trace: &mut self.trace,
            out: &mut out,
            next_socket: &mut self.next_socket,
        };
        slot.process.handle(input, &mut ctx);
        self.apply(to, actor, &mut out);
        out.clear();
        self.out = out;
    }
}
