//! A Dovecot-like server as a process of its host: POP3 and IMAP, with and without TLS, over the
//! mailboxes of the host's users.
//!
//! Read from `/etc/dovecot/dovecot.conf`, as `name = value` lines: `protocols`,
//! `disable_plaintext_auth`, `ssl`, `ssl_cert`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use smol_str::SmolStr;
use x509_cert::Certificate;
use x509_cert::der::Encode as _;

use super::imap;
use super::output::Output;
use super::pop3::{self, Tls};
use super::store::HostStore;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Host, Input, Priority, Process, Signal};
use crate::sim::net::NetInput;
use crate::sim::{Duration, Listener, Payload, Socket, TlsMessage};
use crate::trace::Kind;

/// Where the configuration lies.
pub const CONFIG: &str = "/etc/dovecot/dovecot.conf";
/// Dovecot hangs up on clients that do not log in, or are silent, for this long (RFC 3501 5.4).
const INACTIVITY: Duration = Duration::from_secs(30 * 60);
/// How often a session in IDLE looks for news.
const IDLE_POLL: Duration = Duration::from_secs(1);
/// Wakes with this bit are for IDLE, the others for inactivity.
const IDLE_BIT: u64 = 1 << 63;

/// The settings of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether `pop3` is among the protocols.
    pub pop3: bool,
    /// Whether `imap` is among the protocols.
    pub imap: bool,
    /// Whether passwords may travel without TLS from other hosts.
    pub plaintext: bool,
    /// The certificate chain in DER, leaf first; empty without TLS.
    pub chain: Vec<Bytes>,
}

impl Config {
    /// Reads the configuration; a missing file means Dovecot's defaults without TLS.
    pub fn load(host: &Host) -> Config {
        let text = host.vfs.read_text(CONFIG, &Cred::ROOT).unwrap_or_default();
        let settings = assignments(&text);
        let get = |name: &str, default: &'static str| {
            settings.iter().rev().find(|(_, own, _)| *own == name).map_or(default, |(_, _, value)| *value)
        };
        let protocols = get("protocols", "imap pop3");
        let chain = match (get("ssl", "yes"), get("ssl_cert", "").strip_prefix('<')) {
            ("no", _) | (_, None) => Vec::new(),
            (_, Some(path)) => read_chain(host, path.trim()),
        };
        Config {
            pop3: protocols.split_whitespace().any(|name| name == "pop3"),
            imap: protocols.split_whitespace().any(|name| name == "imap"),
            plaintext: get("disable_plaintext_auth", "yes") == "no",
            chain,
        }
    }
}

/// The settings that this server has, with Dovecot's defaults.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("disable_plaintext_auth", "yes"),
    ("listen", "*, ::"),
    ("mail_location", ""),
    ("mail_privileged_group", ""),
    ("protocols", "imap pop3 lmtp"),
    ("ssl", "yes"),
    ("ssl_cert", ""),
    ("ssl_key", ""),
];

/// The lines `name = value` with their numbers.
fn assignments(text: &str) -> Vec<(usize, &str, &str)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#'));
    lines
        .filter_map(|(index, line)| {
            let (name, value) = line.split_once('=')?;
            Some((index + 1, name.trim(), value.trim()))
        })
        .collect()
}

/// The settings of a configuration file.
///
/// # Errors
/// Line and name of the first setting that does not exist.
pub fn settings(text: &str) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut found = BTreeMap::new();
    for (line, name, value) in assignments(text) {
        if !DEFAULTS.iter().any(|(own, _)| *own == name) {
            return Err((line, name.to_owned()));
        }
        found.insert(name.to_owned(), value.to_owned());
    }
    Ok(found)
}

/// The certificates of a PEM file in DER.
fn read_chain(host: &Host, path: &str) -> Vec<Bytes> {
    let pem = host.vfs.read(path, &Cred::ROOT).map(|content| content.to_vec()).unwrap_or_default();
    let chain = Certificate::load_pem_chain(&pem).unwrap_or_default();
    chain.iter().filter_map(|certificate| certificate.to_der().ok()).map(Bytes::from).collect()
}

#[derive(Clone, Debug)]
enum Machine {
    Pop3(pop3::Server),
    Imap(imap::Server),
}

#[derive(Clone, Debug)]
struct Session {
    machine: Option<Machine>,
    /// Begins with TLS (ports 993, 995) or is in the middle of STARTTLS.
    handshake: bool,
    is_pop3: bool,
    local: SocketAddr,
    peer: SocketAddr,
    /// Counts inputs, so that an old inactivity timer is known as such.
    activity: u64,
}

/// The running server.
#[derive(Clone, Debug)]
pub struct Dovecot {
    config: Option<Config>,
    sessions: BTreeMap<Socket, Session>,
}

/// Ports, whether POP3, whether TLS comes first.
const SERVICES: [(u16, bool, bool); 4] =
    [(110, true, false), (143, false, false), (995, true, true), (993, false, true)];

impl Dovecot {
    /// A server that reads its configuration when it starts.
    pub fn new() -> Dovecot {
        Dovecot { config: None, sessions: BTreeMap::new() }
    }

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        let config = Config::load(ctx.host);
        for (port, is_pop3, tls) in SERVICES {
            let wanted = if is_pop3 { config.pop3 } else { config.imap };
            if wanted && (!tls || !config.chain.is_empty()) {
                ctx.listen(Listener::Tcp { addr: None, port });
            }
        }
        self.config = Some(config);
        let pid = ctx.proc.0;
        ctx.syslog(
            Priority::Info,
            "dovecot",
            pid,
            format_args!("master: Dovecot v2.3.19.1 (9b53102964) starting up for imap, pop3 (core dumps disabled)"),
        );
    }

    fn accept(&mut self, sock: Socket, local: SocketAddr, peer: SocketAddr, ctx: &mut Ctx<'_>) {
        let Some((_, is_pop3, tls_first)) = SERVICES.into_iter().find(|(port, ..)| *port == local.port()) else {
            return ctx.abort(sock);
        };
        let session = Session { machine: None, handshake: tls_first, is_pop3, local, peer, activity: 0 };
        self.sessions.insert(sock, session);
        if !tls_first {
            self.greet(sock, ctx);
        }
        self.rearm(sock, ctx);
    }

    fn greet(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(config) = &self.config else { return };
        let Some(session) = self.sessions.get_mut(&sock) else { return };
        let tls = match (session.handshake, config.chain.is_empty()) {
            (true, _) => Tls::Active,
            (false, true) => Tls::Unavailable,
            (false, false) => Tls::Offered,
        };
        // Dovecot takes a connection from the same address as secure.
        let plaintext = config.plaintext || session.peer.ip() == session.local.ip() || session.peer.ip().is_loopback();
        let mut outputs = Vec::new();
        let machine = if session.is_pop3 {
            Machine::Pop3(pop3::Server::new(tls, plaintext, &mut outputs))
        } else {
            Machine::Imap(imap::Server::new(tls, plaintext, &mut outputs))
        };
        session.machine = Some(machine);
        session.handshake = false;
        self.perform(sock, outputs, ctx);
    }

    fn receive(&mut self, sock: Socket, payload: Payload, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(&sock) else { return };
        session.activity += 1;
        match payload {
            Payload::Tls(message) => self.handshake(sock, &message, ctx),
            Payload::Bytes(_) if session.handshake => {
                // Octets that are no handshake: TLS cannot begin.
                ctx.abort(sock);
                self.sessions.remove(&sock);
            }
            Payload::Bytes(bytes) => {
                let Some(machine) = &mut session.machine else { return };
                let outputs = feed(machine, &bytes, ctx);
                self.perform(sock, outputs, ctx);
            }
        }
        self.rearm(sock, ctx);
    }

    fn handshake(&mut self, sock: Socket, message: &TlsMessage, ctx: &mut Ctx<'_>) {
        let (Some(config), Some(session)) = (&self.config, self.sessions.get_mut(&sock)) else { return };
        match message {
            TlsMessage::ClientHello { versions, .. } => {
                let version = versions.first().cloned().unwrap_or_else(|| SmolStr::new_static("TLSv1.3"));
                let cipher = SmolStr::new_static("TLS_AES_256_GCM_SHA384");
                ctx.send_tls(sock, TlsMessage::ServerHello { version, cipher, bits: 256, chain: config.chain.clone() });
            }
            TlsMessage::Finished => match &mut session.machine {
                Some(Machine::Pop3(server)) => {
                    server.secured();
                    session.handshake = false;
                }
                Some(Machine::Imap(server)) => {
                    server.secured();
                    session.handshake = false;
                }
                None => self.greet(sock, ctx),
            },
            TlsMessage::Alert(_) | TlsMessage::ServerHello { .. } => {
                ctx.close(sock);
                self.sessions.remove(&sock);
            }
        }
    }

    fn perform(&mut self, sock: Socket, outputs: Vec<Output>, ctx: &mut Ctx<'_>) {
        let pop3 = self.sessions.get(&sock).is_some_and(|session| session.is_pop3);
        for output in outputs {
            match output {
                Output::Send(bytes) => ctx.send(sock, bytes),
                Output::StartTls => {
                    if let Some(session) = self.sessions.get_mut(&sock) {
                        session.handshake = true;
                    }
                }
                Output::Close => {
                    ctx.close(sock);
                    self.sessions.remove(&sock);
                }
                Output::Command(user, line, reply) => {
                    let (user, line, reply) = (user.into(), line.into(), reply.into());
                    ctx.emit_full(|| {
                        if pop3 {
                            Kind::PopCmd { session: sock, user, line, reply }
                        } else {
                            Kind::ImapCmd { session: sock, user, line, reply }
                        }
                    });
                }
            }
        }
    }

    /// Sets the timers anew after an input.
    fn rearm(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(&sock) else { return };
        let activity = session.activity & 0xffff;
        ctx.idle_at(sock, ctx.now + INACTIVITY, sock.0 << 16 | activity, "inactivity");
        if matches!(&session.machine, Some(Machine::Imap(server)) if server.is_idle()) {
            ctx.wake_at(ctx.now + IDLE_POLL, IDLE_BIT | sock.0, "IDLE");
        }
    }

    fn wake(&mut self, token: u64, ctx: &mut Ctx<'_>) {
        if token & IDLE_BIT != 0 {
            let sock = Socket(token & !IDLE_BIT);
            let Some(Machine::Imap(server)) = self.sessions.get_mut(&sock).and_then(|session| session.machine.as_mut())
            else {
                return;
            };
            if server.is_idle() {
                let mut out = Vec::new();
                server.refresh(&mut HostStore { host: ctx.host }, &mut out);
                self.perform(sock, out, ctx);
                ctx.wake_at(ctx.now + IDLE_POLL, token, "IDLE");
            }
            return;
        }
        let sock = Socket(token >> 16);
        if self.sessions.get(&sock).is_some_and(|session| session.activity & 0xffff == token & 0xffff) {
            let bye: &[u8] = if self.sessions[&sock].is_pop3 {
                b"-ERR Disconnected for inactivity.\r\n"
            } else {
                b"* BYE Disconnected for inactivity.\r\n"
            };
            ctx.send(sock, bye);
            self.lost(sock, ctx);
        }
    }

    /// Ends a session whose client is gone.
    fn lost(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.remove(&sock) else { return };
        if let Some(Machine::Pop3(mut server)) = session.machine {
            server.lost(&mut HostStore { host: ctx.host });
        }
        ctx.close(sock);
    }
}

impl Default for Dovecot {
    fn default() -> Dovecot {
        Dovecot::new()
    }
}

/// Gives octets of the client to its machine.
fn feed(machine: &mut Machine, bytes: &[u8], ctx: &mut Ctx<'_>) -> Vec<Output> {
    let mut store = HostStore { host: ctx.host };
    let mut out = Vec::new();
    match machine {
        Machine::Pop3(server) => server.handle(bytes, &mut store, &mut out),
        Machine::Imap(server) => server.handle(bytes, &mut store, &mut out),
    }
    out
}

impl Process for Dovecot {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => self.start(ctx),
            Input::Wake(token) => self.wake(token, ctx),
            Input::Net(NetInput::Accepted { sock, local, peer, .. }) => self.accept(sock, local, peer, ctx),
            Input::Net(NetInput::Data { sock, payload }) => self.receive(sock, payload, ctx),
            Input::Net(NetInput::Eof { sock } | NetInput::Reset { sock, .. }) => self.lost(sock, ctx),
            Input::Signal(Signal::Hup) => self.config = Some(Config::load(ctx.host)),
            Input::Signal(_) => ctx.exit(crate::host::Exit::default()),
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/sbin/dovecot -F".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
