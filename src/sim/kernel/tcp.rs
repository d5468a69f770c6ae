//! Connections: opened, filled, held back, closed; retransmission and giving up (RFC 9293).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use smol_str::SmolStr;

use super::connection::{Conn, Direction, End, Segment, Slot, Target};
use super::queue::Action;
use super::{ARP_TIMEOUT, CONNECT_TIMEOUT, Delivery, GIVE_UP, Kernel, RETRANSMIT, WINDOW, What};
use crate::sim::faults::Block;
use crate::sim::firewall::{Protocol, Verdict};
use crate::sim::net::{ConnectError, Endpoint, Listener, NetInput, Payload, Socket};
use crate::sim::tap::PacketKind;
use crate::sim::time::Duration;

impl Kernel {
    pub(super) fn new_conn(&mut self, conn: Conn, sock: Socket) -> (u32, u32) {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(Slot::default());
                (self.slots.len() - 1) as u32
            }
        };
        let slot = &mut self.slots[index as usize];
        slot.conn = Some(Box::new(conn));
        self.sockets.insert(sock, (index, slot.generation));
        (index, slot.generation)
    }

    /// Opens a connection for `client`; the answer comes as `Connected` or `ConnectFailed`.
    pub fn connect(&mut self, client: Endpoint, sock: Socket, from: Option<IpAddr>, to: SocketAddr, cause: u64) {
        let port = self.ephemeral_port(client.host);
        let source = from.or_else(|| self.source_for(client.host, to.ip()));
        let local = SocketAddr::new(source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port);
        let own = to.ip().is_loopback() || self.host_of(to.ip()) == Some(client.host);
        let target = if own { Some(client.host) } else { self.host_of(to.ip()) };
        let conn = Conn {
            client,
            client_sock: sock,
            server: None,
            from: local,
            to,
            target: Target::Tcp(target.unwrap_or(client.host)),
            open: false,
            up: Direction::default(),
            down: Direction::default(),
            gone: [false; 2],
            outside: false,
        };
        let (index, generation) = self.new_conn(conn, sock);
        let fail = |error| Action::ConnectDone { conn: index, generation, result: Err(error) };
        let now = self.now;
        if source.is_none() {
            return self.schedule(now, cause, fail(ConnectError::NetworkUnreachable));
        }
        let Some(target) = target else {
            return self.schedule(now + ARP_TIMEOUT, cause, fail(ConnectError::Unreachable));
        };
        let path = self.faults.path(client.host, target, to.port());
        let silent = self.hosts.get(target.0 as usize).is_some_and(|net| net.silent);
        match path.block {
            _ if silent => return self.schedule(now + CONNECT_TIMEOUT, cause, fail(ConnectError::Timeout)),
            Some(Block::Drop) => return self.schedule(now + CONNECT_TIMEOUT, cause, fail(ConnectError::Timeout)),
            Some(Block::Reject) => return self.schedule(now + path.latency * 2, cause, fail(ConnectError::Refused)),
            Some(Block::Unreachable) => {
                return self.schedule(now + ARP_TIMEOUT, cause, fail(ConnectError::Unreachable));
            }
            None => {}
        }
        if !self.is_up(target) {
            return self.schedule(now + ARP_TIMEOUT, cause, fail(ConnectError::Unreachable));
        }
        match self.filtered((client.host, local), (target, to), Protocol::Tcp) {
            Verdict::Accept => {}
            Verdict::Drop => return self.schedule(now + CONNECT_TIMEOUT, cause, fail(ConnectError::Timeout)),
            Verdict::Reject => return self.schedule(now + path.latency * 2, cause, fail(ConnectError::Refused)),
        }
        let mut latency = path.latency;
        while self.dice.chance_ppm(path.loss_ppm.min(900_000)) {
            latency += Duration::from_secs(1);
        }
        self.schedule(now + latency, cause, Action::Syn { conn: index, generation });
    }

    /// Connects to a UNIX-domain socket of the client's host.
    pub fn connect_unix(&mut self, client: Endpoint, sock: Socket, path: SmolStr, cause: u64) {
        let nowhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
        let conn = Conn {
            client,
            client_sock: sock,
            server: None,
            from: nowhere,
            to: nowhere,
            target: Target::Unix(path),
            open: false,
            up: Direction::default(),
            down: Direction::default(),
            gone: [false; 2],
            outside: false,
        };
        let (conn, generation) = self.new_conn(conn, sock);
        let now = self.now;
        self.schedule(now, cause, Action::Syn { conn, generation });
    }

    /// Sends over a connection. What does not fit into the window waits its turn.
    pub fn send(&mut self, sock: Socket, payload: Payload, cause: u64) {
        self.enqueue(sock, Segment::Payload(payload), cause);
    }

    /// Closes in an orderly way: everything sent before still arrives.
    pub fn close(&mut self, sock: Socket, cause: u64) {
        self.enqueue(sock, Segment::Fin, cause);
        self.let_go(sock);
    }

    /// Ends the sending direction only: the other side sees `Eof`, and may still answer.
    pub fn shut_down(&mut self, sock: Socket, cause: u64) {
        self.enqueue(sock, Segment::Fin, cause);
    }

    /// Closes with a reset; what was not yet delivered is lost.
    pub fn abort(&mut self, sock: Socket, cause: u64) {
        if let Some((index, generation, end)) = self.find(sock)
            && let Some(conn) = self.conn_mut(index, generation)
        {
            conn.direction(end).backlog.clear();
        }
        self.enqueue(sock, Segment::Reset, cause);
        self.let_go(sock);
    }

    /// The process has no interest in this end any more.
    pub(super) fn let_go(&mut self, sock: Socket) {
        let Some((index, generation, end)) = self.find(sock) else { return };
        let Some(conn) = self.conn_mut(index, generation) else { return };
        conn.gone[end as usize] = true;
        if conn.gone == [true; 2] || !conn.open {
            self.forget(sock);
        }
    }

    pub(super) fn forget(&mut self, sock: Socket) {
        if let Some((index, generation)) = self.sockets.remove(&Socket(sock.0 & !1))
            && let Some(slot) = self.slots.get_mut(index as usize)
            && slot.generation == generation
        {
            slot.conn = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(index);
        }
    }

    pub(super) fn enqueue(&mut self, sock: Socket, segment: Segment, cause: u64) {
        let Some((index, generation, end)) = self.find(sock) else { return };
        let Some(conn) = self.conn_mut(index, generation) else { return };
        let direction = conn.direction(end);
        if direction.closed {
            return;
        }
        direction.closed = !matches!(segment, Segment::Payload(_));
        direction.backlog.push_back((segment, cause));
        if conn.open {
            self.pump(index, generation, end);
        }
    }

    /// Puts on the link what the window allows.
    pub(super) fn pump(&mut self, index: u32, generation: u32, from: End) {
        loop {
            let now = self.now;
            let Some(conn) = self.conn(index, generation) else { return };
            let (sender, receiver) = match (&conn.target, conn.server) {
                (Target::Tcp(_), Some(server)) if from == End::Client => (conn.client.host, server.host),
                (Target::Tcp(_), Some(server)) => (server.host, conn.client.host),
                _ => (conn.client.host, conn.client.host),
            };
            let path = self.faults.path(sender, receiver, conn.to.port());
            let reachable = path.block.is_none() && self.is_up(receiver) && !self.hosts[receiver.0 as usize].silent;
            let late =
                if reachable && self.dice.chance_ppm(path.loss_ppm.min(900_000)) { RETRANSMIT } else { Duration::ZERO };
            let Some(conn) = self.conn_mut(index, generation) else { return };
            let direction = conn.direction(from);
            let Some((segment, _)) = direction.backlog.front() else {
                if std::mem::take(&mut direction.blocked_writer) {
                    self.schedule(now, 0, Action::Writable { conn: index, generation, end: from });
                }
                return;
            };
            if !reachable {
                let since = *direction.stalled_since.get_or_insert(now);
                direction.retry = (direction.retry * 2).clamp(RETRANSMIT, Duration::from_secs(60));
                let retry = direction.retry;
                if now.since(since) >= GIVE_UP {
                    return self.time_out(index, generation, from);
                }
                return self.schedule(now + retry, 0, Action::Pump { conn: index, generation, from });
            }
            direction.stalled_since = None;
            direction.retry = Duration::ZERO;
            let len = match segment {
                Segment::Payload(payload) => payload.wire_len(),
                Segment::Fin | Segment::Reset => 0,
            };
            if direction.in_flight > 0 && direction.in_flight + len > WINDOW {
                direction.blocked_writer = true;
                return;
            }
            let Some((segment, cause)) = direction.backlog.pop_front() else { return };
            direction.in_flight += len;
            let departs = direction.link_free.max(now);
            if let Some(micros) = len.saturating_mul(1_000_000).checked_div(path.bandwidth) {
                direction.link_free = departs + Duration::from_micros(micros);
            }
            let arrives = (departs.max(direction.link_free) + path.latency + late).max(direction.last_arrival);
            direction.last_arrival = arrives;
            self.schedule(
                arrives,
                cause,
                Action::Segment { conn: index, generation, to: from.other(), payload: segment },
            );
        }
    }

    pub(super) fn time_out(&mut self, index: u32, generation: u32, from: End) {
        let now = self.now;
        if let Some(conn) = self.conn_mut(index, generation) {
            conn.direction(from).backlog.clear();
            // The sender itself learns it; the other end learns nothing, as on a dead path.
            self.schedule(now, 0, Action::GaveUp { conn: index, generation, end: from });
        }
    }

    /// Stops or resumes delivery to this end.
    pub fn pause(&mut self, sock: Socket, paused: bool) {
        let now = self.now;
        let Some((index, generation, end)) = self.find(sock) else { return };
        let Some(conn) = self.conn_mut(index, generation) else { return };
        let incoming = conn.direction(end.other());
        incoming.paused = paused;
        if !paused {
            for (payload, cause) in std::mem::take(&mut incoming.inbox) {
                self.schedule(now, cause, Action::Segment { conn: index, generation, to: end, payload });
            }
        }
    }

    /// Octets that this end sent and that are still on their way or waiting.
    pub fn unsent(&self, sock: Socket) -> u64 {
        let Some((index, generation, end)) = self.find(sock) else { return 0 };
        let Some(conn) = self.conn(index, generation) else { return 0 };
        let direction = if end == End::Client { &conn.up } else { &conn.down };
        let waiting: u64 = direction.backlog.iter().map(|(segment, _)| segment.len()).sum();
        waiting + direction.in_flight
    }

    pub(super) fn syn(&mut self, index: u32, generation: u32, cause: u64) -> Option<Delivery> {
        let now = self.now;
        let conn = self.conn(index, generation)?;
        let (client, to, from) = (conn.client, conn.to, conn.from);
        if to.port() != 0 {
            self.tap.note(now, from, to, PacketKind::Syn);
        }
        let conn = self.conn(index, generation)?;
        let (host, listener) = match &conn.target {
            Target::Tcp(host) => {
                let net = self.hosts.get(host.0 as usize)?;
                let exact = Listener::Tcp { addr: Some(to.ip()), port: to.port() };
                let unspecified = match to.ip() {
                    IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                };
                let family = Listener::Tcp { addr: Some(unspecified), port: to.port() };
                let any = Listener::Tcp { addr: None, port: to.port() };
                (*host, [exact, family, any].into_iter().find(|listener| net.listeners.contains_key(listener)))
            }
            Target::Unix(path) => {
                let listener = Listener::Unix(path.clone());
                let known = self.hosts.get(client.host.0 as usize)?.listeners.contains_key(&listener);
                (client.host, known.then_some(listener))
            }
        };
        let latency = self.faults.path(client.host, host, to.port()).latency;
        let Some(listener) = listener else {
            let error = if matches!(self.conn(index, generation)?.target, Target::Unix(_)) {
                ConnectError::NoSuchFile
            } else {
                ConnectError::Refused
            };
            self.schedule(now + latency, cause, Action::ConnectDone { conn: index, generation, result: Err(error) });
            return None;
        };
        let proc = *self.hosts.get(host.0 as usize)?.listeners.get(&listener)?;
        let server = Endpoint { host, proc };
        self.schedule(now + latency, cause, Action::ConnectDone { conn: index, generation, result: Ok(()) });
        let conn = self.conn_mut(index, generation)?;
        conn.server = Some(server);
        conn.open = true;
        // Nothing may overtake the answer to the SYN.
        conn.down.last_arrival = now + latency;
        let sock = Socket(conn.client_sock.0 | 1);
        let input = NetInput::Accepted { sock, listener, local: to, peer: from };
        Some(Delivery { to: server, what: What::Net(input), cause })
    }

    pub(super) fn arrive(
        &mut self,
        index: u32,
        generation: u32,
        to: End,
        payload: Segment,
        cause: u64,
    ) -> Option<Delivery> {
        let conn = self.conn_mut(index, generation)?;
        let (owner, sock) = conn.end(to);
        let (gone, other_gone) = (conn.gone[to as usize], conn.gone[to.other() as usize]);
        let direction = conn.direction(to.other());
        if direction.paused && matches!(payload, Segment::Payload(_) | Segment::Fin) {
            direction.inbox.push_back((payload, cause));
            return None;
        }
        direction.in_flight = direction.in_flight.saturating_sub(payload.len());
        if self.tap.is_open() {
            self.note_segment(index, generation, to, &payload);
        }
        let direction = self.conn_mut(index, generation)?.direction(to.other());
        let waiting = !direction.backlog.is_empty();
        if waiting {
            self.pump(index, generation, to.other());
        }
        let owner = owner?;
        let input = match payload {
            // Data for an end that has closed is answered with a reset.
            Segment::Payload(_) if gone => {
                self.enqueue_reset(index, generation, to);
                return None;
            }
            // After a half-close the other end still waits for what is on its way.
            Segment::Fin if gone && !other_gone => return None,
            Segment::Fin | Segment::Reset if gone => {
                self.forget(sock);
                return None;
            }
            Segment::Payload(payload) => NetInput::Data { sock, payload },
            Segment::Fin => NetInput::Eof { sock },
            Segment::Reset => {
                self.forget(sock);
                NetInput::Reset { sock, timed_out: false }
            }
        };
        Some(Delivery { to: owner, what: What::Net(input), cause })
    }

    pub(super) fn note_segment(&mut self, index: u32, generation: u32, to: End, segment: &Segment) {
        let Some(conn) = self.conn(index, generation).filter(|conn| conn.to.port() != 0) else { return };
        let (sender, receiver) = if to == End::Server { (conn.from, conn.to) } else { (conn.to, conn.from) };
        let kind = match segment {
            Segment::Payload(payload) => PacketKind::Payload(payload.clone()),
            Segment::Fin => PacketKind::Fin,
            Segment::Reset => PacketKind::Reset,
        };
        self.tap.note(self.now, sender, receiver, kind);
    }

    /// Answers what arrived for a closed end, as a kernel does (RFC 9293 3.5.2).
    pub(super) fn enqueue_reset(&mut self, index: u32, generation: u32, from: End) {
        let now = self.now;
        let Some(conn) = self.conn_mut(index, generation) else { return };
        let other = from.other();
        if conn.gone[other as usize] {
            return;
        }
        let (client, server) = (conn.client.host, conn.server.map_or(conn.client.host, |server| server.host));
        let port = conn.to.port();
        let latency = self.faults.path(client, server, port).latency;
        self.schedule(
            now + latency,
            0,
            Action::Segment { conn: index, generation, to: other, payload: Segment::Reset },
        );
    }
}
