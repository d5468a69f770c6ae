//! The queue of events, and the connections and datagrams that travel through it.
//!
//! A TCP-like connection has two ends. Segments arrive in order after the path's latency, limited
//! by its bandwidth and by a window of octets in flight. What is left out, because no mail program
//! can see it: sequence numbers, acknowledgements, half-open states. Loss shows as delay; a dead
//! path shows as a reset after [`GIVE_UP`].

mod connection;
mod queue;
mod tcp;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::Dice;
use super::faults::Faults;
use super::firewall::{Chain, Firewall, Packet, Protocol, Verdict};
use super::net::{ConnectError, Endpoint, HostId, Listener, NetInput, ProcId, Socket};
use super::outside::Attention;
use super::tap::{PacketKind, Tap};
use super::time::{Duration, Time};
use connection::{Conn, End, Slot};
use queue::{Action, Queued};

/// Octets that may be on their way in one direction before the sender has to wait.
const WINDOW: u64 = 65_535;
/// How long a connection attempt without answer lasts (Linux: six SYN retries).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);
/// How long until an address without a host is known to be unreachable (ARP).
const ARP_TIMEOUT: Duration = Duration::from_secs(3);
/// First pause before a lost segment is sent again; doubled each time.
const RETRANSMIT: Duration = Duration::from_millis(200);
/// How long a connection survives a dead path.
pub const GIVE_UP: Duration = Duration::from_secs(924);

/// Something for a process, with the cause that the sender gave.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// For whom.
    pub to: Endpoint,
    /// What.
    pub what: What,
    /// The event that led to it (the trace's number, opaque here).
    pub cause: u64,
}

/// What is delivered.
#[derive(Clone, Debug)]
pub enum What {
    /// From the network.
    Net(NetInput),
    /// A timer, with its token and its reason.
    Wake(u64, &'static str),
}

/// What the kernel knows of a host.
#[derive(Clone, Debug, Default)]
struct HostNet {
    addrs: Vec<IpAddr>,
    up: bool,
    /// Answers neither ARP nor packets: packets to it vanish.
    silent: bool,
    listeners: BTreeMap<Listener, ProcId>,
    udp: BTreeMap<u16, ProcId>,
    next_port: u16,
    /// What it lets in and out.
    firewall: Option<Arc<Firewall>>,
}

/// Schedules everything and keeps the connections.
#[derive(Clone, Debug)]
pub struct Kernel {
    now: Time,
    seq: u64,
    queue: BinaryHeap<Reverse<Queued>>,
    /// What the events in the queue do, with their causes.
    actions: Vec<Option<(Action, u64)>>,
    free_actions: Vec<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    sockets: BTreeMap<Socket, (u32, u32)>,
    addresses: BTreeMap<IpAddr, HostId>,
    hosts: Vec<HostNet>,
    dice: Dice,
    /// What paths do to traffic.
    pub faults: Faults,
    /// What people at real sockets could follow.
    pub attention: Attention,
    /// Packets, while somebody collects them.
    pub tap: Tap,
}

/// The ephemeral ports of Linux.
const PORTS: std::ops::RangeInclusive<u16> = 32768..=60999;

impl Kernel {
    /// A kernel without hosts.
    pub fn new(seed: u64, start: Time) -> Kernel {
        Kernel {
            now: start,
            seq: 0,
            queue: BinaryHeap::new(),
            actions: Vec::new(),
            free_actions: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            sockets: BTreeMap::new(),
            addresses: BTreeMap::new(),
            hosts: Vec::new(),
            dice: Dice::new(seed, "network"),
            faults: Faults::default(),
            attention: Attention::default(),
            tap: Tap::default(),
        }
    }

    /// The present moment: the time of the last event, or what [`Kernel::set_now`] said.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Moves the clock forward to a moment before the next event.
    pub fn set_now(&mut self, now: Time) {
        self.now = self.now.max(now);
    }

    /// Makes a host known. Its number must be the next one.
    pub fn add_host(&mut self, addrs: &[IpAddr]) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
        for addr in addrs {
            self.addresses.entry(*addr).or_insert(id);
        }
        let next_port = *PORTS.start() + (self.dice.below(20_000) as u16);
        self.hosts.push(HostNet { addrs: addrs.to_vec(), up: true, next_port, ..HostNet::default() });
        id
    }

    /// Switches a host's network on or off. Off, it loses its listeners and connections; the other
    /// ends notice only when they send: silence while it is off, a reset when it is on again.
    pub fn set_up(&mut self, host: HostId, up: bool) {
        if let Some(net) = self.hosts.get_mut(host.0 as usize) {
            net.up = up;
            if !up {
                net.listeners.clear();
                net.udp.clear();
            }
        }
        if !up {
            for conn in self.slots.iter_mut().filter_map(|slot| slot.conn.as_deref_mut()) {
                let ends = [Some(conn.client), conn.server];
                for (gone, _) in
                    conn.gone.iter_mut().zip(ends).filter(|(_, end)| end.is_some_and(|end| end.host == host))
                {
                    *gone = true;
                }
            }
        }
    }

    /// Whether a host's network is on.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts.get(host.0 as usize).is_some_and(|net| net.up)
    }

    /// Lets packets to this host vanish without any answer.
    pub fn set_silent(&mut self, host: HostId, silent: bool) {
        if let Some(net) = self.hosts.get_mut(host.0 as usize) {
            net.silent = silent;
        }
    }

    /// The host that has this address.
    pub fn host_of(&self, addr: IpAddr) -> Option<HostId> {
        self.addresses.get(&addr).copied()
    }

    fn schedule(&mut self, time: Time, cause: u64, action: Action) {
        self.seq += 1;
        let place = match self.free_actions.pop() {
            Some(place) => place,
            None => {
                self.actions.push(None);
                self.actions.len() as u32 - 1
            }
        };
        self.actions[place as usize] = Some((action, cause));
        self.queue.push(Reverse(Queued { time: time.max(self.now), seq: self.seq, place }));
    }

    /// When the next event is due.
    pub fn next_time(&self) -> Option<Time> {
        self.queue.peek().map(|Reverse(queued)| queued.time)
    }

    /// Asks for a [`What::Wake`].
    pub fn wake_at(&mut self, to: Endpoint, time: Time, token: u64, reason: &'static str, cause: u64) {
        self.schedule(time, cause, Action::Wake { to, token, reason, attended: None });
    }

    /// Asks for a [`What::Wake`] when the other end of a connection was silent for too long. If a
    /// person outside the world sits there, only attended time counts.
    pub fn idle_at(&mut self, to: Endpoint, sock: Socket, time: Time, token: u64, reason: &'static str, cause: u64) {
        let outside = self.find(sock).and_then(|(index, generation, _)| self.conn(index, generation));
        let attended =
            outside.is_some_and(|conn| conn.outside).then(|| self.attention.attended(self.now) + time.since(self.now));
        self.schedule(time, cause, Action::Wake { to, token, reason, attended });
    }

    /// Notes that a person outside the world sits at the client's end of this connection.
    pub fn attend(&mut self, sock: Socket) {
        if let Some((index, generation, _)) = self.find(sock)
            && let Some(conn) = self.conn_mut(index, generation)
        {
            conn.outside = true;
        }
    }

    /// Registers a listener; false if another process has it.
    pub fn listen(&mut self, at: Endpoint, listener: Listener) -> bool {
        let Some(net) = self.hosts.get_mut(at.host.0 as usize) else { return false };
        *net.listeners.entry(listener).or_insert(at.proc) == at.proc
    }

    /// Removes a listener of this process.
    pub fn unlisten(&mut self, at: Endpoint, listener: &Listener) {
        if let Some(net) = self.hosts.get_mut(at.host.0 as usize)
            && net.listeners.get(listener) == Some(&at.proc)
        {
            net.listeners.remove(listener);
        }
    }

    /// The listeners of a host with their processes, in order.
    pub fn listeners(&self, host: HostId) -> impl Iterator<Item = (&Listener, ProcId)> {
        self.hosts.get(host.0 as usize).into_iter().flat_map(|net| net.listeners.iter().map(|(l, p)| (l, *p)))
    }

    /// Registers a receiver of datagrams.
    pub fn bind_udp(&mut self, at: Endpoint, port: u16) {
        if let Some(net) = self.hosts.get_mut(at.host.0 as usize) {
            net.udp.insert(port, at.proc);
        }
    }

    /// Ends everything of a process: listeners, datagram ports, connections (in an orderly way).
    pub fn end_process(&mut self, at: Endpoint, cause: u64) {
        if let Some(net) = self.hosts.get_mut(at.host.0 as usize) {
            net.listeners.retain(|_, proc| *proc != at.proc);
            net.udp.retain(|_, proc| *proc != at.proc);
        }
        let conns = self.slots.iter().filter_map(|slot| slot.conn.as_deref());
        let mut open: Vec<Socket> = conns.filter(|conn| conn.client == at).map(|conn| conn.client_sock).collect();
        open.sort_unstable();
        for sock in open {
            self.close(sock, cause);
        }
    }

    fn find(&self, sock: Socket) -> Option<(u32, u32, End)> {
        // The client's end is the even number, the server's the odd one above it.
        let (conn, generation) = *self.sockets.get(&Socket(sock.0 & !1))?;
        Some((conn, generation, if sock.0 & 1 == 0 { End::Client } else { End::Server }))
    }

    fn conn(&self, index: u32, generation: u32) -> Option<&Conn> {
        self.slots.get(index as usize).filter(|slot| slot.generation == generation)?.conn.as_deref()
    }

    fn conn_mut(&mut self, index: u32, generation: u32) -> Option<&mut Conn> {
        self.slots.get_mut(index as usize).filter(|slot| slot.generation == generation)?.conn.as_deref_mut()
    }

    /// The addresses, ours and theirs, of a connection that nobody has answered yet.
    pub fn unanswered(&self, sock: Socket) -> Option<(SocketAddr, SocketAddr)> {
        let (index, generation, end) = self.find(sock)?;
        let conn = self.conn(index, generation).filter(|conn| !conn.open && end == End::Client)?;
        Some((conn.from, conn.to))
    }

    /// The addresses of a connection: ours, theirs.
    pub fn addresses_of(&self, sock: Socket) -> Option<(SocketAddr, SocketAddr)> {
        let (index, generation, end) = self.find(sock)?;
        let conn = self.conn(index, generation)?;
        Some(if end == End::Client { (conn.from, conn.to) } else { (conn.to, conn.from) })
    }

    fn ephemeral_port(&mut self, host: HostId) -> u16 {
        let Some(net) = self.hosts.get_mut(host.0 as usize) else { return *PORTS.start() };
        net.next_port = if net.next_port >= *PORTS.end() { *PORTS.start() } else { net.next_port + 1 };
        net.next_port
    }

    fn source_for(&self, host: HostId, to: IpAddr) -> Option<IpAddr> {
        if to.is_loopback() {
            return Some(to);
        }
        let net = self.hosts.get(host.0 as usize)?;
        net.addrs.iter().copied().find(|addr| addr.is_ipv4() == to.is_ipv4())
    }

    /// Gives a host's packet filter other rules.
    pub fn set_firewall(&mut self, host: HostId, rules: Firewall) {
        if let Some(net) = self.hosts.get_mut(host.0 as usize) {
            net.firewall = (!rules.is_open()).then(|| Arc::new(rules));
        }
    }

    /// What the packet filters of both hosts do to a packet, and to the answer to it. Datagrams from
    /// a low port to a high one are answers.
    fn filtered(&self, from: (HostId, SocketAddr), to: (HostId, SocketAddr), protocol: Protocol) -> Verdict {
        let ends = [(from, to, Chain::Output, from.0), (from, to, Chain::Input, to.0)];
        let back = [(to, from, Chain::Output, to.0), (to, from, Chain::Input, from.0)];
        let is_answer = protocol == Protocol::Udp && from.1.port() < 1024 && to.1.port() >= 1024;
        let judge = |(source, target, chain, host): ((HostId, SocketAddr), (HostId, SocketAddr), Chain, HostId),
                     answer| {
            let firewall = self.hosts.get(host.0 as usize).and_then(|net| net.firewall.as_ref());
            firewall.map_or(Verdict::Accept, |firewall| {
                let packet = Packet {
                    protocol,
                    source: source.1.ip(),
                    destination: target.1.ip(),
                    port: target.1.port(),
                    loopback: from.0 == to.0,
                    established: answer,
                };
                firewall.judge(chain, &packet)
            })
        };
        let there = ends.into_iter().map(|hop| judge(hop, is_answer)).find(|verdict| *verdict != Verdict::Accept);
        // Only a connection needs an answer before anything else happens.
        let answered = || back.into_iter().all(|hop| judge(hop, true) == Verdict::Accept);
        match there {
            Some(verdict) => verdict,
            None if protocol == Protocol::Tcp && !answered() => Verdict::Drop,
            None => Verdict::Accept,
        }
    }

    /// Sends a datagram; it may be lost on the way. Nobody is told.
    pub fn send_to(&mut self, from_host: HostId, from: SocketAddr, to: SocketAddr, bytes: Bytes, cause: u64) {
        let own = to.ip().is_loopback();
        let Some(to_host) = (if own { Some(from_host) } else { self.host_of(to.ip()) }) else { return };
        let path = self.faults.path(from_host, to_host, to.port().min(from.port()));
        if path.block.is_some() || self.dice.chance_ppm(path.loss_ppm) {
            return;
        }
        if self.filtered((from_host, from), (to_host, to), Protocol::Udp) != Verdict::Accept {
            return;
        }
        let time = self.now + path.latency;
        self.schedule(time, cause, Action::Datagram { to_host, from, to, bytes });
    }

    /// Takes the next event that is due at or before `until` and concerns a process.
    pub fn next(&mut self, until: Time) -> Option<Delivery> {
        while self.next_time().is_some_and(|time| time <= until) {
            let Reverse(queued) = self.queue.pop()?;
            self.now = self.now.max(queued.time);
            self.free_actions.push(queued.place);
            let Some((action, cause)) = self.actions[queued.place as usize].take() else { continue };
            if let Some(delivery) = self.perform(action, cause) {
                return Some(delivery);
            }
        }
        None
    }

    fn perform(&mut self, action: Action, cause: u64) -> Option<Delivery> {
        match action {
            Action::Wake { to, token, reason, attended } => {
                let missing =
                    attended.map_or(Duration::ZERO, |due| due.saturating_sub(self.attention.attended(self.now)));
                if missing.is_zero() {
                    return Some(Delivery { to, what: What::Wake(token, reason), cause });
                }
                let time = self.now + self.attention.stretch(missing);
                self.schedule(time, cause, Action::Wake { to, token, reason, attended });
                None
            }
            Action::Datagram { to_host, from, to, bytes } => {
                let net = self.hosts.get(to_host.0 as usize).filter(|net| net.up && !net.silent)?;
                let proc = *net.udp.get(&to.port())?;
                self.tap.note(self.now, from, to, PacketKind::Datagram(bytes.clone()));
                let what = What::Net(NetInput::Datagram { local: to, peer: from, bytes });
                Some(Delivery { to: Endpoint { host: to_host, proc }, what, cause })
            }
            Action::Syn { conn, generation } => self.syn(conn, generation, cause),
            Action::ConnectDone { conn, generation, result } => {
                let found = self.conn_mut(conn, generation)?;
                let (to, sock, local, peer) = (found.client, found.client_sock, found.from, found.to);
                let answer = match result {
                    Ok(()) => Some(PacketKind::SynAck),
                    Err(ConnectError::Refused) => Some(PacketKind::Reset),
                    Err(_) => None,
                };
                if let Some(answer) = answer.filter(|_| peer.port() != 0) {
                    self.tap.note(self.now, peer, local, answer);
                }
                let input = match result {
                    Ok(()) => NetInput::Connected { sock, local, peer },
                    Err(error) => {
                        self.forget(sock);
                        NetInput::ConnectFailed { sock, local, peer, error }
                    }
                };
                Some(Delivery { to, what: What::Net(input), cause })
            }
            Action::Pump { conn, generation, from } => {
                self.pump(conn, generation, from);
                None
            }
            Action::GaveUp { conn, generation, end } => {
                let found = self.conn(conn, generation)?;
                let ((to, sock), gone) = (found.end(end), found.gone[end as usize]);
                self.forget(sock);
                let what = What::Net(NetInput::Reset { sock, timed_out: true });
                Some(Delivery { to: to.filter(|_| !gone)?, what, cause })
            }
            Action::Writable { conn, generation, end } => {
                let found = self.conn(conn, generation)?;
                let (to, sock) = found.end(end);
                Some(Delivery {
                    to: to.filter(|_| !found.gone[end as usize])?,
                    what: What::Net(NetInput::Writable { sock }),
                    cause,
                })
            }
            Action::Segment { conn, generation, to, payload } => self.arrive(conn, generation, to, payload, cause),
        }
    }
}

#[cfg(test)]
mod tests;
