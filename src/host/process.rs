//! What runs on a host: the contract between processes and the world.
//!
//! A process is a value with one method, [`Process::handle`]. It is told what happened, may change
//! its host's files, and asks for everything else by calling methods of [`Ctx`], which append
//! effects that the world carries out after the method returns. Nothing blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::Host;
use super::console::{Answer, Window};
use super::vfs::Cred;
use crate::dns::Lookup;
use crate::dns::Qtype;
use crate::sim::firewall::Firewall;
use crate::sim::net::NetInput;
use crate::sim::outside::{Inward, OutsideId, Outward};
use crate::sim::{HostId, Listener, Payload, ProcId, Socket, Time, TlsMessage};
use crate::trace::{Actor, Decision, EventId, Kind, Origin, Trace};

/// What a process is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// It was just started.
    Start,
    /// A time that it asked for has come.
    Wake(u64),
    /// Something on the network.
    Net(NetInput),
    /// The answer to [`Ctx::resolve`].
    Resolved {
        /// The number given with the question.
        token: u64,
        /// The answer.
        lookup: Arc<Lookup>,
    },
    /// Octets were written to a named pipe that it reads (Postfix wakes its daemons so).
    Trigger {
        /// Absolute path of the pipe.
        path: SmolStr,
        /// The octets.
        bytes: Bytes,
    },
    /// A process that it spawned has ended.
    ChildExited {
        /// Which.
        child: ProcId,
        /// How.
        exit: Exit,
    },
    /// A signal.
    Signal(Signal),
    /// Something from the socket of the real machine that it stands for.
    Outside(Inward),
    /// Octets typed at its terminal; `^C` is octet 3 and `^D` octet 4, as on a real one.
    Typed(Bytes),
    /// Its terminal has another size now.
    Resized(Window),
    /// What the person at its terminal did about a request of the program in the foreground.
    Answered(Answer),
}

/// How a spawned process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Exit status; 128 + number if a signal ended it.
    pub status: u8,
    /// Whatever it wrote to standard output and was not redirected.
    pub stdout: Vec<u8>,
    /// Likewise to standard error.
    pub stderr: Vec<u8>,
}

/// Signals that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in signal(7)")]
pub enum Signal {
    Hup,
    Int,
    Term,
    Kill,
}

/// A machine that lives on a host.
pub trait Process: Send + Sync + std::fmt::Debug {
    /// Takes one input and appends its effects to `ctx`.
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>);
    /// A copy, for a fork of the world.
    fn clone_box(&self) -> Box<dyn Process>;
    /// What `ps` shows.
    fn command_line(&self) -> String;
    /// Whether it can still be looked at after its exit, as the text on a terminal can.
    fn outlives_exit(&self) -> bool {
        false
    }
    /// With which user's rights it runs.
    fn uid(&self) -> u32 {
        0
    }
    /// Access to the concrete type, for views.
    fn as_any(&self) -> &dyn std::any::Any;
}

impl Clone for Box<dyn Process> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// A command line to be run by the host's shell.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// What to run.
    pub command: Command,
    /// With whose rights.
    pub cred: Cred,
    /// Where.
    pub cwd: SmolStr,
    /// Environment, in order.
    pub env: Vec<(SmolStr, String)>,
    /// Permission bits that new files do not get.
    pub umask: u16,
    /// Standard input, complete.
    pub stdin: Bytes,
    /// Whether standard streams are a terminal.
    pub tty: bool,
}

/// What a spawned process executes.
#[derive(Clone, Debug)]
pub enum Command {
    /// `sh -c LINE`.
    Shell(String),
    /// A program and its arguments (`execvp(3)`), the program's name first.
    Exec(Vec<String>),
}

/// What a process asks of the world.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "see the methods of `Ctx` that append them")]
pub enum Effect {
    Connect { sock: Socket, from: Option<IpAddr>, to: SocketAddr },
    ConnectUnix { sock: Socket, path: SmolStr },
    Send { sock: Socket, payload: Payload },
    Close { sock: Socket },
    Abort { sock: Socket },
    ShutDown { sock: Socket },
    Attend { sock: Socket },
    Outside { conn: OutsideId, what: Outward },
    Pause { sock: Socket, paused: bool },
    Listen { listener: Listener },
    Unlisten { listener: Listener },
    BindUdp { port: u16 },
    SendTo { from: SocketAddr, to: SocketAddr, bytes: Bytes },
    WakeAt { time: Time, token: u64, reason: &'static str },
    IdleAt { sock: Socket, time: Time, token: u64, reason: &'static str },
    Resolve { token: u64, qname: SmolStr, qtype: Qtype },
    Trigger { path: SmolStr, bytes: Bytes },
    Spawn { child: ProcId, spawn: Box<Spawn> },
    Start { child: ProcId, process: Box<dyn Process> },
    Signal { to: ProcId, signal: Signal },
    SetFirewall { rules: Box<Firewall> },
    Exit(Exit),
}

/// What a process sees while it handles an input.
pub struct Ctx<'a> {
    /// The present moment.
    pub now: Time,
    /// Which process is running.
    pub proc: ProcId,
    /// On whose behalf.
    pub actor: Actor,
    /// The event that led here; [`Ctx::emit`] moves it on.
    pub cause: Option<EventId>,
    /// The host.
    pub host: &'a mut Host,
    /// The record of what happens.
    pub trace: &'a mut Trace,
    /// Effects so far, each with the event that caused it.
    pub out: &'a mut Vec<(Effect, Option<EventId>)>,
    /// The next socket number of the world; even, since the other end takes the odd one.
    pub next_socket: &'a mut u64,
}

impl Ctx<'_> {
    fn push(&mut self, effect: Effect) {
        self.out.push((effect, self.cause));
    }

    /// Where and why the next event happens.
    pub fn origin(&self) -> Origin {
        Origin { host: Some(self.host.id), proc: Some(self.proc), actor: self.actor, cause: self.cause }
    }

    /// Records an event; what happens afterwards in this call is caused by it.
    pub fn emit(&mut self, kind: Kind) -> EventId {
        let id = self.trace.push(self.now, self.origin(), kind, None);
        self.cause = Some(id);
        id
    }

    /// Records an event with the decision behind it. The decision is built only in a full trace.
    pub fn emit_why(&mut self, kind: Kind, why: impl FnOnce() -> Decision) -> EventId {
        let why = self.trace.is_full().then(|| Arc::new(why()));
        self.emit_decided(kind, why)
    }

    /// Records an event with a decision that others may share; a summary leaves it out.
    pub fn emit_decided(&mut self, kind: Kind, why: Option<Arc<Decision>>) -> EventId {
        let why = why.filter(|_| self.trace.is_full());
        let id = self.trace.push(self.now, self.origin(), kind, why);
        self.cause = Some(id);
        id
    }

    /// Records an event that nothing else follows from, built only in a full trace.
    pub fn note(&mut self, kind: impl FnOnce() -> Kind) {
        if self.trace.is_full() {
            let origin = self.origin();
            self.trace.push(self.now, origin, kind(), None);
        }
    }

    /// Records, in a full trace only, an event that what happens next is caused by.
    pub fn emit_full(&mut self, kind: impl FnOnce() -> Kind) {
        if self.trace.is_full() {
            self.emit(kind());
        }
    }

    /// Opens a TCP connection. `Connected` or `ConnectFailed` will come for the socket. The
    /// unspecified address leads to this host, as on Linux.
    pub fn connect(&mut self, from: Option<IpAddr>, mut to: SocketAddr) -> Socket {
        let sock = self.new_socket();
        if to.ip().is_unspecified() {
            to.set_ip(if to.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        self.push(Effect::Connect { sock, from, to });
        sock
    }

    /// Connects to a UNIX-domain socket of this host.
    pub fn connect_unix(&mut self, path: impl Into<SmolStr>) -> Socket {
        let sock = self.new_socket();
        self.push(Effect::ConnectUnix { sock, path: path.into() });
        sock
    }

    /// A number for a connection, so that it can be told from all others.
    pub fn new_socket(&mut self) -> Socket {
        let sock = Socket(*self.next_socket);
        *self.next_socket += 2;
        sock
    }

    /// Sends octets over a connection.
    pub fn send(&mut self, sock: Socket, bytes: impl Into<Bytes>) {
        self.push(Effect::Send { sock, payload: Payload::Bytes(bytes.into()) });
    }

    /// Sends a step of a TLS handshake.
    pub fn send_tls(&mut self, sock: Socket, message: TlsMessage) {
        self.push(Effect::Send { sock, payload: Payload::Tls(Arc::new(message)) });
    }

    /// Closes in an orderly way: what was sent still arrives, then the other side sees `Eof`.
    pub fn close(&mut self, sock: Socket) {
        self.push(Effect::Close { sock });
    }

    /// Closes with RST: the other side sees `Reset`.
    pub fn abort(&mut self, sock: Socket) {
        self.push(Effect::Abort { sock });
    }

    /// Ends the sending direction only: the other side sees `Eof`, and may still answer.
    pub fn shut_down(&mut self, sock: Socket) {
        self.push(Effect::ShutDown { sock });
    }

    /// Says that a person outside the world sits at this end: see [`Ctx::idle_at`].
    pub fn attend(&mut self, sock: Socket) {
        self.push(Effect::Attend { sock });
    }

    /// Hands something to the socket of the real machine that this process stands for.
    pub fn outside(&mut self, conn: OutsideId, what: Outward) {
        self.push(Effect::Outside { conn, what });
    }

    /// Stops or resumes reading from a connection; the sender's window fills meanwhile.
    pub fn pause(&mut self, sock: Socket, paused: bool) {
        self.push(Effect::Pause { sock, paused });
    }

    /// Accepts connections on this listener from now on.
    pub fn listen(&mut self, listener: Listener) {
        self.push(Effect::Listen { listener });
    }

    /// Stops accepting connections; open ones stay.
    pub fn unlisten(&mut self, listener: Listener) {
        self.push(Effect::Unlisten { listener });
    }

    /// Receives datagrams sent to this port on any address of the host.
    pub fn bind_udp(&mut self, port: u16) {
        self.push(Effect::BindUdp { port });
    }

    /// Sends a datagram.
    pub fn send_to(&mut self, from: SocketAddr, to: SocketAddr, bytes: impl Into<Bytes>) {
        self.push(Effect::SendTo { from, to, bytes: bytes.into() });
    }

    /// Asks for `Wake(token)` at a time. The reason is for people: `queue run`, `session time-out`.
    pub fn wake_at(&mut self, time: Time, token: u64, reason: &'static str) {
        self.push(Effect::WakeAt { time, token, reason });
    }

    /// Asks for `Wake(token)` for the case that the other end of a connection stays silent. If a
    /// person outside the world sits there, jumps and fast time do not count.
    pub fn idle_at(&mut self, sock: Socket, time: Time, token: u64, reason: &'static str) {
        self.push(Effect::IdleAt { sock, time, token, reason });
    }

    /// Asks the host's stub resolver; `Resolved` with this token will come.
    pub fn resolve(&mut self, token: u64, qname: impl Into<SmolStr>, qtype: Qtype) {
        self.push(Effect::Resolve { token, qname: qname.into(), qtype });
    }

    /// Writes to a named pipe; without a reader nothing happens.
    pub fn trigger(&mut self, path: impl Into<SmolStr>, bytes: impl Into<Bytes>) {
        self.push(Effect::Trigger { path: path.into(), bytes: bytes.into() });
    }

    /// Runs a command as a new process; `ChildExited` will come.
    pub fn spawn(&mut self, spawn: Spawn) -> ProcId {
        let child = self.host.next_proc();
        self.push(Effect::Spawn { child, spawn: Box::new(spawn) });
        child
    }

    /// Starts a machine as a new process; `ChildExited` will come when it exits.
    pub fn start(&mut self, process: Box<dyn Process>) -> ProcId {
        let child = self.host.next_proc();
        self.push(Effect::Start { child, process });
        child
    }

    /// Sends a signal to a process of this host.
    pub fn signal(&mut self, to: ProcId, signal: Signal) {
        self.push(Effect::Signal { to, signal });
    }

    /// Gives the host's packet filter other rules.
    pub fn set_firewall(&mut self, rules: Firewall) {
        self.host.firewall = rules.clone();
        self.push(Effect::SetFirewall { rules: Box::new(rules) });
    }

    /// Ends this process. Its sockets and listeners are closed.
    pub fn exit(&mut self, exit: Exit) {
        self.push(Effect::Exit(exit));
    }

    /// Writes a line about a service that is none of mail to `/var/log/syslog`, or
    /// `/var/log/messages` on Red Hat.
    pub fn daemon_log(&mut self, tag: &str, text: std::fmt::Arguments<'_>) {
        super::syslog::log_daemon(self, tag, text);
    }

    /// Writes a line to the system log, as `syslog(3)` with the facility `mail` does:
    /// `Nov 21 12:00:00 host tag[pid]: text`.
    pub fn syslog(&mut self, priority: Priority, tag: &str, pid: u32, text: std::fmt::Arguments<'_>) {
        super::syslog::log(self, priority, tag, pid, text);
    }
}

/// Priorities of syslog(3) that mail programs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in syslog(3)")]
pub enum Priority {
    Error,
    Warning,
    Info,
}

/// Name and number of a host, for errors.
impl std::fmt::Display for HostId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "host #{}", self.0)
    }
}
