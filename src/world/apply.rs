//! Carrying out what processes asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use smol_str::SmolStr;

use super::resolver::{self, Question, StubOutput};
use super::{Machine, RESOLVER, Slot, World};
use crate::dns::Qtype;
use crate::host::{Effect, Exit, Input, Signal};
use crate::sim::net::NetInput;
use crate::sim::{Endpoint, HostId, Listener, ProcId, Socket};
use crate::trace::{Actor, ConnectResult, EventId, Kind, Origin};

impl World {
    /// Carries out the effects of one step of a process, in order.
    pub(super) fn apply(&mut self, by: Endpoint, actor: Actor, effects: &mut Vec<(Effect, Option<EventId>)>) {
        for (effect, cause) in effects.drain(..) {
            let number = cause.map_or(0, |id| id.0);
            match effect {
                Effect::Connect { sock, from, to } => self.kernel.connect(by, sock, from, to, number),
                Effect::ConnectUnix { sock, path } => self.kernel.connect_unix(by, sock, path, number),
                Effect::Send { sock, payload } => self.kernel.send(sock, payload, number),
                Effect::Close { sock } => {
                    self.give_up(by, actor, sock, cause);
                    self.kernel.close(sock, number);
                }
                Effect::Abort { sock } => {
                    self.give_up(by, actor, sock, cause);
                    self.kernel.abort(sock, number);
                }
                Effect::ShutDown { sock } => self.kernel.shut_down(sock, number),
                Effect::Attend { sock } => self.kernel.attend(sock),
                Effect::Outside { conn, what } => self.outward(conn, what),
                Effect::Pause { sock, paused } => self.kernel.pause(sock, paused),
                Effect::Listen { listener } => {
                    if self.kernel.listen(by, listener.clone()) {
                        self.machine(by.host).host.listeners.insert(listener, by.proc);
                    }
                }
                Effect::Unlisten { listener } => {
                    self.kernel.unlisten(by, &listener);
                    self.machine(by.host).host.listeners.retain(|bound, proc| *bound != listener || *proc != by.proc);
                }
                Effect::BindUdp { port } => {
                    self.kernel.bind_udp(by, port);
                    self.machine(by.host).host.udp_ports.insert(port, by.proc);
                }
                Effect::SendTo { from, to, bytes } => self.kernel.send_to(by.host, from, to, bytes, number),
                Effect::WakeAt { time, token, reason } => self.kernel.wake_at(by, time, token, reason, number),
                Effect::IdleAt { sock, time, token, reason } => {
                    self.kernel.idle_at(by, sock, time, token, reason, number);
                }
                Effect::Resolve { token, qname, qtype } => self.ask_resolver(by, token, qname, qtype, cause),
                Effect::Trigger { path, bytes } => {
                    if let Some(reader) = self.reader_of(by.host, &path) {
                        self.later(reader, Input::Trigger { path, bytes }, cause);
                    }
                }
                Effect::Spawn { child, spawn } => {
                    let process = crate::host::shell::run_spawn(*spawn);
                    self.add_process(by, child, Slot { process, parent: Some(by.proc), actor }, cause);
                }
                Effect::Start { child, process } => {
                    self.add_process(by, child, Slot { process, parent: Some(by.proc), actor }, cause);
                }
                Effect::Signal { to, signal } => self.signal(Endpoint { host: by.host, proc: to }, signal, cause),
                Effect::SetFirewall { rules } => self.kernel.set_firewall(by.host, *rules),
                Effect::Exit(exit) => self.end(by, exit, cause),
            }
        }
    }

    fn machine(&mut self, host: HostId) -> &mut Machine {
        Arc::make_mut(&mut self.machines[host.0 as usize])
    }

    fn add_process(&mut self, by: Endpoint, child: ProcId, slot: Slot, cause: Option<EventId>) {
        let now = self.kernel.now();
        self.machine(by.host).insert(child, slot, now);
        self.later(Endpoint { host: by.host, proc: child }, Input::Start, cause);
    }

    /// Delivers an input that one process causes for another, once the present one is done.
    pub(super) fn later(&mut self, to: Endpoint, input: Input, cause: Option<EventId>) {
        self.pending.push_back((to, input, cause));
    }

    fn signal(&mut self, to: Endpoint, signal: Signal, cause: Option<EventId>) {
        match signal {
            Signal::Kill => self.end(to, Exit { status: 137, ..Exit::default() }, cause),
            signal => self.later(to, Input::Signal(signal), cause),
        }
    }

    fn end(&mut self, by: Endpoint, exit: Exit, cause: Option<EventId>) {
        self.kernel.end_process(by, cause.map_or(0, |id| id.0));
        let machine = self.machine(by.host);
        let Some(slot) = machine.processes.remove(&by.proc) else { return };
        let is_outside = super::outside::is_outside(&*slot.process);
        machine.host.forget_process(by.proc);
        let parent = slot.parent;
        machine.remember([(by.proc, slot)]);
        match parent {
            Some(parent) => {
                self.later(Endpoint { host: by.host, proc: parent }, Input::ChildExited { child: by.proc, exit }, cause)
            }
            None if is_outside => {}
            None => {
                machine.exits.insert(by.proc, exit);
            }
        }
    }

    fn reader_of(&self, host: HostId, path: &str) -> Option<Endpoint> {
        let proc = self.kernel.listeners(host).find_map(|(listener, proc)| match listener {
            Listener::Unix(bound) if bound == path => Some(proc),
            _ => None,
        })?;
        Some(Endpoint { host, proc })
    }

    /// Something from the network: recorded, then given to its owner.
    pub(super) fn arrive(&mut self, to: Endpoint, input: NetInput, cause: Option<EventId>) {
        if to.proc == RESOLVER {
            if let NetInput::Datagram { peer, bytes, .. } = input {
                self.resolver_datagram(to.host, peer, &bytes, cause);
            }
            return;
        }
        let cause = self.record_connection(to, &input, cause).or(cause);
        self.deliver(to, Input::Net(input), cause);
    }

    /// `tcp.connect` is an event of the one who connects, whatever the outcome.
    fn record_connection(&mut self, to: Endpoint, input: &NetInput, cause: Option<EventId>) -> Option<EventId> {
        let (sock, from, peer, result) = match input {
            NetInput::Connected { sock, local, peer } if peer.port() != 0 => {
                (*sock, *local, *peer, ConnectResult::Open)
            }
            NetInput::ConnectFailed { sock, error, local, peer } if peer.port() != 0 => {
                (*sock, *local, *peer, (*error).into())
            }
            _ => return None,
        };
        let actor = self.machines[to.host.0 as usize].processes.get(&to.proc).map_or(Actor::Daemon, |slot| slot.actor);
        let origin = Origin { host: Some(to.host), proc: Some(to.proc), actor, cause };
        let kind = Kind::TcpConnect { from, to: peer, port: peer.port(), result, sock };
        Some(self.trace.push(self.kernel.now(), origin, kind, None))
    }

    /// Who closes a connection that nobody has answered has waited long enough.
    fn give_up(&mut self, by: Endpoint, actor: Actor, sock: Socket, cause: Option<EventId>) {
        let Some((from, to)) = self.kernel.unanswered(sock).filter(|(_, to)| to.port() != 0) else { return };
        let origin = Origin { host: Some(by.host), proc: Some(by.proc), actor, cause };
        let kind = Kind::TcpConnect { from, to, port: to.port(), result: ConnectResult::Timeout, sock };
        self.trace.push(self.kernel.now(), origin, kind, None);
    }

    fn ask_resolver(&mut self, by: Endpoint, token: u64, qname: SmolStr, qtype: Qtype, cause: Option<EventId>) {
        let now = self.kernel.now();
        let Machine { resolver, resolv_conf, host, .. } = self.machine(by.host);
        let mut out = Vec::new();
        let question = Question { client: by.proc, token, qname, qtype, cause };
        resolver.ask(now, question, resolv_conf.refresh(host), &mut out);
        self.resolver_outputs(by.host, out);
    }

    pub(super) fn wake_resolver(&mut self, host: HostId, token: u64) {
        let now = self.kernel.now();
        let mut out = Vec::new();
        self.machine(host).resolver.handle_wake(now, token, &mut out);
        self.resolver_outputs(host, out);
        self.settle();
    }

    fn resolver_datagram(&mut self, host: HostId, peer: SocketAddr, bytes: &[u8], cause: Option<EventId>) {
        let now = self.kernel.now();
        let mut out = Vec::new();
        self.machine(host).resolver.handle_datagram(now, peer, bytes, cause, &mut out);
        self.resolver_outputs(host, out);
        self.settle();
    }

    fn resolver_outputs(&mut self, host: HostId, outputs: Vec<StubOutput>) {
        let me = Endpoint { host, proc: RESOLVER };
        for output in outputs {
            let event =
                self.trace.is_full().then(|| resolver::event(&self.machines[host.0 as usize].host, &output)).flatten();
            match output {
                StubOutput::Send { to, bytes, cause, .. } => {
                    let cause = self.resolver_event(host, event, cause);
                    let from = resolver::source(&self.machines[host.0 as usize].host, to);
                    self.kernel.bind_udp(me, from.port());
                    self.kernel.send_to(host, from, to, bytes, cause.map_or(0, |id| id.0));
                }
                StubOutput::WakeAt { time, token } => self.kernel.wake_at(me, time, token, "name server time-out", 0),
                StubOutput::Answer { client, token, lookup, cause, .. } => {
                    let cause = self.resolver_event(host, event, cause);
                    self.later(Endpoint { host, proc: client }, Input::Resolved { token, lookup }, cause);
                }
            }
        }
    }

    fn resolver_event(&mut self, host: HostId, event: Option<Kind>, cause: Option<EventId>) -> Option<EventId> {
        let Some(kind) = event else { return cause };
        let origin = Origin { host: Some(host), proc: None, actor: Actor::Daemon, cause };
        Some(self.trace.push(self.kernel.now(), origin, kind, None))
    }
}
