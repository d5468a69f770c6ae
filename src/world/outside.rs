//! Sockets of the real machine inside the world: each is a process on a host, as if somebody
//! there talked to a server by hand.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;

use super::World;
use crate::dns::server::question_of;
use crate::host::{Ctx, Exit, Input, Process};
use crate::sim::net::NetInput;
use crate::sim::outside::{Inward, OutsideId, Outward, Pace};
use crate::sim::{Endpoint, HostId, Payload, Socket, TlsMessage};
use crate::smtp::rehearsal::{Act, FaultRule, FaultTable, Rehearsal};
use crate::trace::{Actor, Kind};

/// Ports on which servers speak SMTP.
const SMTP_PORTS: [u16; 3] = [25, 465, 587];
/// The ports that questions come from: above the ephemeral ones, so that nobody else has them.
const ASKING_PORTS: std::ops::Range<u16> = 61_000..65_000;

/// Which process stands for which socket, and what there is for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside {
    processes: BTreeMap<OutsideId, Endpoint>,
    /// Dialogues in which something may go wrong on purpose.
    rehearsals: BTreeMap<OutsideId, Rehearsal>,
    faults: FaultTable,
    /// Whether anybody collects what comes out; a replay has no sockets.
    watched: bool,
    out: Vec<(OutsideId, Outward)>,
}

impl Outside {
    pub(super) fn push(&mut self, conn: OutsideId, what: Outward) {
        if matches!(what, Outward::Eof | Outward::Reset | Outward::Refused(_)) {
            self.processes.remove(&conn);
            self.rehearsals.remove(&conn);
        }
        if self.watched {
            self.out.push((conn, what));
        }
    }
}

impl World {
    /// Connects a real socket from a host to an address of the world. The answer and all that
    /// follows come out of [`World::take_outside`].
    pub fn connect_outside(&mut self, conn: OutsideId, from: HostId, to: SocketAddr) {
        let process = OutsideSocket { conn, to, sock: None, open: false, early: Vec::new(), late: VecDeque::new() };
        if SMTP_PORTS.contains(&to.port()) {
            self.outside.rehearsals.insert(conn, Rehearsal::new(self.name(from)));
        }
        self.open_outside(conn, from, Box::new(process));
    }

    /// Lets a real socket send and receive datagrams as a host.
    pub fn ask_outside(&mut self, conn: OutsideId, from: HostId) {
        self.open_outside(conn, from, Box::new(OutsideAsker { conn }));
    }

    fn open_outside(&mut self, conn: OutsideId, host: HostId, process: Box<dyn Process>) {
        if !self.is_up(host) {
            return self.outside.push(conn, Outward::Refused(crate::sim::ConnectError::NetworkUnreachable));
        }
        let proc = self.start(host, process, Actor::Student);
        self.outside.processes.insert(conn, Endpoint { host, proc });
    }

    /// Gives what a real socket brings to its process; false if that has ended.
    pub fn outside_input(&mut self, conn: OutsideId, what: Inward) -> bool {
        let Some(at) = self.outside.processes.get(&conn).copied() else { return false };
        if self.process(at.host, at.proc).is_none() {
            // Its host was switched off.
            self.outside.push(conn, Outward::Reset);
            return false;
        }
        let Outside { rehearsals, faults, .. } = &mut self.outside;
        let acts = match (rehearsals.get_mut(&conn), what) {
            (Some(rehearsal), Inward::Bytes(bytes)) => rehearsal.client(bytes, faults),
            (Some(rehearsal), Inward::Eof) => rehearsal.client_eof(),
            (_, what) => {
                self.input(at.host, at.proc, Input::Outside(what));
                return true;
            }
        };
        self.act(conn, at, acts);
        self.settle();
        true
    }

    /// Hands something to a real socket, unless a fault changes it.
    pub(super) fn outward(&mut self, conn: OutsideId, what: Outward) {
        let Outside { rehearsals, faults, processes, .. } = &mut self.outside;
        let at = processes.get(&conn).copied();
        let (Some(rehearsal), Some(at), Outward::Bytes(bytes)) = (rehearsals.get_mut(&conn), at, &what) else {
            return self.outside.push(conn, what);
        };
        let (seen, acts) = rehearsal.server(bytes.clone(), faults);
        if !seen.is_empty() {
            self.outside.push(conn, Outward::Bytes(seen));
        }
        self.act(conn, at, acts);
    }

    fn act(&mut self, conn: OutsideId, at: Endpoint, acts: Vec<Act>) {
        for act in acts {
            let inward = match act {
                Act::Forward(bytes) => Inward::Bytes(bytes),
                Act::ForwardLater(span, bytes) => Inward::Later(span, bytes),
                Act::Drop => Inward::Reset,
                Act::Eof => Inward::Eof,
                Act::Answer(bytes) => {
                    self.outside.push(conn, Outward::Bytes(bytes));
                    continue;
                }
                Act::Note(what) => {
                    self.note(Some(at.host), Actor::Student, Kind::Fault { what });
                    continue;
                }
            };
            self.later(at, Input::Outside(inward), None);
        }
    }

    /// Lets something go wrong in dialogues of real sockets; false if there are too many rules.
    pub fn add_fault_rule(&mut self, rule: FaultRule) -> bool {
        self.outside.faults.add(rule)
    }

    /// Takes the rules of a name away; tells whether there were any.
    pub fn remove_fault_rule(&mut self, name: &str) -> bool {
        self.outside.faults.remove(name)
    }

    /// From now on somebody collects what there is for real sockets.
    pub fn watch_outside(&mut self) {
        self.outside.watched = true;
    }

    /// Takes what there is for real sockets, in order.
    pub fn take_outside(&mut self) -> Vec<(OutsideId, Outward)> {
        std::mem::take(&mut self.outside.out)
    }

    /// Octets of a real socket that wait for their way to the server.
    pub fn outside_backlog(&self, conn: OutsideId) -> u64 {
        let process = self.outside.processes.get(&conn).and_then(|at| self.process(at.host, at.proc));
        let socket = process.and_then(|process| process.as_any().downcast_ref::<OutsideSocket>());
        socket.and_then(|socket| socket.sock).map_or(0, |sock| self.kernel.unsent(sock))
    }

    /// The connection inside the world that a real socket has: its client's end.
    pub fn outside_socket(&self, conn: OutsideId) -> Option<Socket> {
        let at = self.outside.processes.get(&conn)?;
        self.process(at.host, at.proc)?.as_any().downcast_ref::<OutsideSocket>()?.sock
    }

    /// From now on virtual time runs at another pace; it decides what counts as inactivity of
    /// people outside.
    pub fn set_pace(&mut self, pace: Pace) {
        let now = self.now();
        self.kernel.attention.set_pace(now, pace);
    }
}

/// Whether nobody asks how a process has ended.
pub(super) fn is_outside(process: &dyn Process) -> bool {
    process.as_any().is::<OutsideSocket>() || process.as_any().is::<OutsideAsker>()
}

/// A process that passes octets between a connection of the world and a real socket.
#[derive(Clone, Debug)]
struct OutsideSocket {
    conn: OutsideId,
    to: SocketAddr,
    sock: Option<Socket>,
    open: bool,
    /// What came before the connection was open.
    early: Vec<Inward>,
    /// What leaves later, in order.
    late: VecDeque<Bytes>,
}

impl OutsideSocket {
    fn pass_in(&mut self, what: Inward, ctx: &mut Ctx<'_>) {
        let Some(sock) = self.sock else { return };
        match what {
            Inward::Reset => {
                ctx.abort(sock);
                ctx.outside(self.conn, Outward::Reset);
                ctx.exit(Exit::default());
            }
            what if !self.open => self.early.push(what),
            Inward::Bytes(bytes) => ctx.send(sock, bytes),
            Inward::Later(span, bytes) => {
                self.late.push_back(bytes);
                ctx.wake_at(ctx.now + span, 0, "a command is held back");
            }
            Inward::Tls(message) => ctx.send_tls(sock, TlsMessage::clone(&message)),
            Inward::Eof => ctx.shut_down(sock),
            Inward::Datagram { .. } => {}
        }
    }

    fn end(&self, what: Outward, ctx: &mut Ctx<'_>) {
        ctx.outside(self.conn, what);
        ctx.exit(Exit::default());
    }
}

impl Process for OutsideSocket {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => {
                let sock = ctx.connect(None, self.to);
                ctx.attend(sock);
                self.sock = Some(sock);
            }
            Input::Outside(what) => self.pass_in(what, ctx),
            Input::Wake(_) => {
                if let (Some(sock), Some(bytes)) = (self.sock, self.late.pop_front()) {
                    ctx.send(sock, bytes);
                }
            }
            Input::Net(NetInput::Connected { .. }) => {
                self.open = true;
                ctx.outside(self.conn, Outward::Open);
                for what in std::mem::take(&mut self.early) {
                    self.pass_in(what, ctx);
                }
            }
            Input::Net(NetInput::ConnectFailed { error, .. }) => self.end(Outward::Refused(error), ctx),
            Input::Net(NetInput::Data { payload: Payload::Bytes(bytes), .. }) => {
                ctx.outside(self.conn, Outward::Bytes(bytes));
            }
            Input::Net(NetInput::Data { payload: Payload::Tls(message), .. }) => {
                ctx.outside(self.conn, Outward::Tls(message));
            }
            Input::Net(NetInput::Writable { .. }) => ctx.outside(self.conn, Outward::Writable),
            Input::Net(NetInput::Eof { sock }) => {
                ctx.close(sock);
                self.end(Outward::Eof, ctx);
            }
            Input::Net(NetInput::Reset { .. }) => self.end(Outward::Reset, ctx),
            Input::Signal(_) => self.end(Outward::Reset, ctx),
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        format!("telnet {} {}", self.to.ip(), self.to.port())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// A process that asks name servers for somebody outside.
#[derive(Clone, Debug)]
struct OutsideAsker {
    conn: OutsideId,
}

impl OutsideAsker {
    fn port(&self) -> u16 {
        let count = OutsideId::from(ASKING_PORTS.end - ASKING_PORTS.start);
        ASKING_PORTS.start + (self.conn % count) as u16
    }
}

impl Process for OutsideAsker {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => ctx.bind_udp(self.port()),
            Input::Outside(Inward::Datagram { to, bytes }) => {
                let own = ctx.host.addrs.iter().copied().find(|addr| addr.is_ipv4() == to.is_ipv4());
                let Some(from) = own.or(to.ip().is_loopback().then(|| to.ip())) else { return };
                if let Some((qname, qtype)) = question_of(&bytes) {
                    ctx.emit_full(|| Kind::DnsQuery { from, resolver: to.ip(), qname, qtype });
                }
                ctx.send_to(SocketAddr::new(from, self.port()), to, bytes);
            }
            Input::Outside(Inward::Eof | Inward::Reset) => ctx.exit(Exit::default()),
            Input::Net(NetInput::Datagram { peer, bytes, .. }) => {
                ctx.outside(self.conn, Outward::Datagram { from: peer, bytes });
            }
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "dig".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
