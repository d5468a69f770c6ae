//! A scripted SMTP server: not Postfix, so that a case can make the far side misbehave.
//!
//! Its script is read when a connection comes in; what it heard and said is kept for the result.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use smol_str::SmolStr;

use super::case::{SinkReply, SinkScript};
use super::recording::SinkSession;
use super::text::decode;
use crate::host::{Ctx, Input, Process};
use crate::scenario::dialogue::seconds;
use crate::sim::net::NetInput;
use crate::sim::{Listener, Payload, Socket, Time, TlsMessage};

/// Path of the file from which a sink takes its script.
pub const SCRIPT_FILE: &str = "/etc/sink.json";

/// Time without input after which a sink gives up.
const TIMEOUT: crate::sim::Duration = crate::sim::Duration::from_secs(60);

/// The server as a process.
#[derive(Clone, Debug)]
pub struct Sink {
    fqdn: SmolStr,
    ports: Vec<u16>,
    script: std::sync::Arc<SinkScript>,
    /// How often each limited reply was given under the present script.
    used: BTreeMap<usize, u64>,
    script_version: u64,
    sessions: Vec<SinkSession>,
    open: BTreeMap<Socket, Connection>,
    activity: u64,
}

/// What a connection is in the middle of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// The greeting is delayed.
    Delayed,
    Commands,
    Data,
    /// A TLS handshake.
    Handshake,
    /// AUTH PLAIN without initial response.
    Plain,
    /// AUTH LOGIN asked for the name.
    LoginUser,
    /// AUTH LOGIN asked for the password of this user.
    LoginPassword(Option<String>),
    /// Says nothing any more.
    Hanging,
}

#[derive(Clone, Debug)]
struct Connection {
    session: usize,
    script: std::sync::Arc<SinkScript>,
    stage: Stage,
    buffer: Vec<u8>,
    tls: bool,
    /// A command came since the TLS handshake.
    used_tls: bool,
    eof: bool,
    deadline: Time,
}

impl Sink {
    /// A server with this name and script.
    pub fn new(fqdn: &str, script: &SinkScript) -> Sink {
        Sink {
            fqdn: fqdn.into(),
            ports: script.ports.clone().unwrap_or_else(|| vec![25]),
            script: script.clone().into(),
            used: BTreeMap::new(),
            script_version: 0,
            sessions: Vec::new(),
            open: BTreeMap::new(),
            activity: 0,
        }
    }

    /// What it heard and said, by connection.
    pub fn sessions(&self) -> &[SinkSession] {
        &self.sessions
    }

    /// A number that rises whenever something happens.
    pub fn activity(&self) -> u64 {
        self.activity
    }

    /// Reads the script again if its file was replaced.
    fn refresh_script(&mut self, ctx: &Ctx<'_>) {
        let Ok(inode) = ctx.host.vfs.stat(SCRIPT_FILE, &crate::host::vfs::Cred::ROOT) else { return };
        if inode.version == self.script_version {
            return;
        }
        self.script_version = inode.version;
        let content = inode.content().map(crate::host::vfs::Content::to_vec).unwrap_or_default();
        if let Ok(script) = serde_json::from_slice::<SinkScript>(&content) {
            self.script = script.into();
            self.used.clear();
        }
    }

    fn accept(&mut self, sock: Socket, peer: SocketAddr, ctx: &mut Ctx<'_>) {
        self.refresh_script(ctx);
        let session = self.sessions.len();
        self.sessions.push(SinkSession { peer: peer.ip().to_string(), transcript: Vec::new() });
        let script = self.script.clone();
        let delay = script.delay.map(seconds).unwrap_or_default();
        let connection = Connection {
            session,
            script,
            stage: Stage::Delayed,
            buffer: Vec::new(),
            tls: false,
            used_tls: false,
            eof: false,
            deadline: ctx.now + delay,
        };
        self.open.insert(sock, connection);
        if delay.is_zero() {
            self.greet(sock, ctx);
        } else {
            ctx.wake_at(ctx.now + delay, sock.0, "greeting");
        }
    }

    fn greet(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.open.get_mut(&sock) else { return };
        connection.stage = Stage::Commands;
        let greeting = connection.script.greeting.clone().unwrap_or_else(|| format!("220 {} ESMTP", self.fqdn));
        if greeting == "CLOSE" {
            return self.hang_up(sock, None, ctx);
        }
        self.put(sock, greeting.split('\n'), ctx);
        self.read(sock, ctx);
    }

    fn note(&mut self, sock: Socket, line: String) {
        self.activity += 1;
        if let Some(connection) = self.open.get(&sock) {
            self.sessions[connection.session].transcript.push(line);
        }
    }

    fn put<'a>(&mut self, sock: Socket, lines: impl IntoIterator<Item = &'a str>, ctx: &mut Ctx<'_>) {
        let mut octets = String::new();
        for line in lines {
            self.note(sock, format!("S: {line}"));
            octets.push_str(line);
            octets.push_str("\r\n");
        }
        ctx.send(sock, octets);
        self.rearm(sock, ctx);
    }

    fn rearm(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        if let Some(connection) = self.open.get_mut(&sock) {
            connection.deadline = ctx.now + TIMEOUT;
            ctx.wake_at(connection.deadline, sock.0, "sink time-out");
        }
    }

    fn hang_up(&mut self, sock: Socket, event: Option<&str>, ctx: &mut Ctx<'_>) {
        if let Some(event) = event {
            self.note(sock, format!("!: {event}"));
        }
        self.activity += 1;
        self.open.remove(&sock);
        ctx.close(sock);
    }

    /// Handles all complete lines that are there.
    fn read(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        while let Some(connection) = self.open.get_mut(&sock) {
            if matches!(connection.stage, Stage::Delayed | Stage::Handshake | Stage::Hanging) {
                return;
            }
            let Some(end) = connection.buffer.iter().position(|octet| *octet == b'\n') else {
                if connection.eof {
                    self.hang_up(sock, Some("EOF"), ctx);
                }
                return;
            };
            let line: Vec<u8> = connection.buffer.drain(..=end).collect();
            let line = decode(&line[..end]);
            let line = line.trim_end_matches('\r');
            self.note(sock, format!("C: {line}"));
            self.line(sock, line, ctx);
        }
    }

    fn line(&mut self, sock: Socket, line: &str, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.open.get_mut(&sock) else { return };
        match std::mem::replace(&mut connection.stage, Stage::Commands) {
            Stage::Data if line == "." => self.end_of_data(sock, ctx),
            Stage::Data => connection.stage = Stage::Data,
            Stage::Plain => self.plain(sock, line, ctx),
            Stage::LoginUser => self.login_user(sock, line, ctx),
            Stage::LoginPassword(user) => {
                let login = user.zip(decode_base64(line));
                self.authenticate(sock, login, ctx);
            }
            _ => self.command(sock, line, ctx),
        }
    }

    /// The scripted answer to a command, `.` for the end of data.
    fn scripted(&mut self, sock: Socket, command: &str) -> Option<String> {
        let script = self.open.get(&sock)?.script.clone();
        let upper = command.to_uppercase();
        for (index, reply) in script.replies.iter().enumerate() {
            let (prefix, reply, times) = match reply {
                SinkReply::Always(prefix, reply) => (prefix, reply, None),
                SinkReply::Times(prefix, reply, times) => (prefix, reply, Some(*times)),
            };
            let matches = if prefix == "." { command == "." } else { upper.starts_with(&prefix.to_uppercase()) };
            if !matches {
                continue;
            }
            if let Some(times) = times {
                let used = self.used.entry(index).or_default();
                if *used >= times {
                    continue;
                }
                *used += 1;
            }
            return Some(reply.clone());
        }
        None
    }

    fn command(&mut self, sock: Socket, line: &str, ctx: &mut Ctx<'_>) {
        let verb = line.split(' ').next().unwrap_or_default().split(':').next().unwrap_or_default().to_uppercase();
        let scripted = self.scripted(sock, line);
        let Some(connection) = self.open.get_mut(&sock) else { return };
        connection.used_tls |= connection.tls && verb != "QUIT";
        let script = connection.script.clone();
        let reply = match scripted {
            Some(reply) if reply == "CLOSE" => return self.hang_up(sock, Some("CLOSE"), ctx),
            Some(reply) if reply == "HANG" => {
                connection.stage = Stage::Hanging;
                return;
            }
            Some(reply) => reply,
            None => match (verb.as_str(), &script.tls, &script.auth) {
                ("EHLO", ..) => return self.ehlo(sock, ctx),
                ("STARTTLS", Some(_), _) => {
                    connection.stage = Stage::Handshake;
                    connection.buffer.clear();
                    return self.put(sock, ["220 2.0.0 Ready to start TLS"], ctx);
                }
                ("AUTH", _, Some(_)) => return self.auth(sock, line, ctx),
                _ => self.default_reply(&verb, line),
            },
        };
        self.put(sock, reply.split('\n'), ctx);
        if verb == "QUIT" {
            // A client that leaves because of the certificate does not close TLS in due form.
            let refused = self.open.get(&sock).is_some_and(|connection| connection.tls && !connection.used_tls);
            return self.hang_up(sock, refused.then_some("SSLEOFError"), ctx);
        }
        if let Some(connection) = self.open.get_mut(&sock).filter(|_| verb == "DATA" && reply.starts_with("354")) {
            connection.stage = Stage::Data;
        }
    }

    fn default_reply(&self, verb: &str, line: &str) -> String {
        match verb {
            "HELO" => format!("250 {}", self.fqdn),
            "MAIL" => "250 2.1.0 Ok".into(),
            "RCPT" => "250 2.1.5 Ok".into(),
            "DATA" => "354 End data with <CR><LF>.<CR><LF>".into(),
            "RSET" | "NOOP" => "250 2.0.0 Ok".into(),
            "QUIT" => "221 2.0.0 Bye".into(),
            "VRFY" => format!("252 2.0.0 {}", line.chars().skip(5).collect::<String>()),
            _ => "502 5.5.2 Error: command not recognized".into(),
        }
    }

    fn ehlo(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.open.get(&sock) else { return };
        let script = connection.script.clone();
        let mut rows = vec![self.fqdn.to_string()];
        rows.extend(script.ehlo.iter().cloned());
        if script.tls.is_some() && !connection.tls {
            rows.push("STARTTLS".into());
        }
        if let Some(auth) = &script.auth {
            rows.push(format!("AUTH {}", auth.mechs.as_deref().unwrap_or("PLAIN LOGIN")));
        }
        let last = rows.len() - 1;
        let lines: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| format!("250{}{row}", if index == last { ' ' } else { '-' }))
            .collect();
        self.put(sock, lines.iter().map(String::as_str), ctx);
    }

    fn end_of_data(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        match self.scripted(sock, ".") {
            Some(reply) if reply == "CLOSE" => self.hang_up(sock, Some("CLOSE"), ctx),
            Some(reply) if reply == "HANG" => {
                if let Some(connection) = self.open.get_mut(&sock) {
                    connection.stage = Stage::Hanging;
                }
            }
            reply => self.put(sock, reply.as_deref().unwrap_or("250 2.0.0 Ok").split('\n'), ctx),
        }
    }

    fn auth(&mut self, sock: Socket, line: &str, ctx: &mut Ctx<'_>) {
        let words: Vec<&str> = line.split(' ').collect();
        let plain = words.get(1).is_some_and(|mechanism| mechanism.eq_ignore_ascii_case("PLAIN"));
        match (plain, words.get(1), words.get(2)) {
            (_, None, _) => self.authenticate(sock, None, ctx),
            (true, _, Some(response)) => self.plain(sock, response, ctx),
            (false, _, Some(user)) => self.login_user(sock, user, ctx),
            (plain, _, None) => {
                let (stage, prompt) =
                    if plain { (Stage::Plain, "334 ") } else { (Stage::LoginUser, "334 VXNlcm5hbWU6") };
                if let Some(connection) = self.open.get_mut(&sock) {
                    connection.stage = stage;
                }
                self.put(sock, [prompt], ctx);
            }
        }
    }

    fn plain(&mut self, sock: Socket, response: &str, ctx: &mut Ctx<'_>) {
        let login = decode_base64(response).and_then(|text| {
            let parts: Vec<&str> = text.split('\0').collect();
            match parts[..] {
                [_, user, password] => Some((user.to_owned(), password.to_owned())),
                _ => None,
            }
        });
        self.authenticate(sock, login, ctx);
    }

    fn login_user(&mut self, sock: Socket, response: &str, ctx: &mut Ctx<'_>) {
        let user = decode_base64(response);
        if user.is_none() {
            return self.authenticate(sock, None, ctx);
        }
        if let Some(connection) = self.open.get_mut(&sock) {
            connection.stage = Stage::LoginPassword(user);
        }
        self.put(sock, ["334 UGFzc3dvcmQ6"], ctx);
    }

    fn authenticate(&mut self, sock: Socket, login: Option<(String, String)>, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.open.get(&sock) else { return };
        let known = connection.script.auth.as_ref().map(|auth| (auth.user.clone(), auth.password.clone()));
        let reply = if login.is_some() && login == known {
            "235 2.7.0 Authentication successful"
        } else {
            "535 5.7.8 Error: authentication failed"
        };
        self.put(sock, [reply], ctx);
    }

    fn tls(&mut self, sock: Socket, message: &TlsMessage, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.open.get_mut(&sock) else { return };
        match message {
            // Like Python's ssl module, it speaks nothing older than TLS 1.2.
            TlsMessage::ClientHello { versions, .. }
                if !versions.is_empty() && !versions.iter().any(|version| *version >= "TLSv1.2") =>
            {
                ctx.send_tls(sock, TlsMessage::Alert(SmolStr::new_static("protocol version")));
                self.hang_up(sock, Some("SSLError"), ctx);
            }
            TlsMessage::ClientHello { versions, .. } => {
                let version = versions.first().cloned().unwrap_or_else(|| SmolStr::new_static("TLSv1.3"));
                let cipher = match version.as_str() {
                    "TLSv1.3" => "TLS_AES_256_GCM_SHA384",
                    _ => "ECDHE-ECDSA-AES256-GCM-SHA384",
                };
                let chain = connection.script.tls.as_ref().map(|tls| chain(&tls.cert)).unwrap_or_default();
                let hello = TlsMessage::ServerHello { version, cipher: cipher.into(), bits: 256, chain };
                ctx.send_tls(sock, hello);
            }
            TlsMessage::Finished => {
                connection.tls = true;
                connection.stage = Stage::Commands;
                self.note(sock, "!: TLS".into());
                self.rearm(sock, ctx);
            }
            _ => self.hang_up(sock, Some("SSLError"), ctx),
        }
    }

    fn wake(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.open.get(&sock) else { return };
        if ctx.now < connection.deadline {
            return;
        }
        match connection.stage {
            Stage::Delayed => self.greet(sock, ctx),
            Stage::Hanging => {}
            _ => self.hang_up(sock, Some("TimeoutError"), ctx),
        }
    }

    fn network(&mut self, input: NetInput, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::Accepted { sock, peer, .. } => self.accept(sock, peer, ctx),
            NetInput::Data { sock, payload: Payload::Bytes(octets) } => {
                if let Some(connection) = self.open.get_mut(&sock) {
                    connection.buffer.extend_from_slice(&octets);
                    self.rearm_if_talking(sock, ctx);
                    self.read(sock, ctx);
                }
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => self.tls(sock, &message, ctx),
            NetInput::Eof { sock } => {
                if let Some(connection) = self.open.get_mut(&sock) {
                    connection.eof = true;
                    if connection.stage == Stage::Handshake {
                        return self.hang_up(sock, Some("SSLEOFError"), ctx);
                    }
                    self.read(sock, ctx);
                }
            }
            NetInput::Reset { sock, .. } => self.hang_up(sock, Some("ConnectionResetError"), ctx),
            _ => {}
        }
    }

    /// The time-out runs from the last input, but must not shorten a delayed greeting.
    fn rearm_if_talking(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let talking = self.open.get(&sock).is_some_and(|connection| connection.stage != Stage::Delayed);
        if talking {
            self.rearm(sock, ctx);
        }
    }
}

impl Process for Sink {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => {
                for port in self.ports.clone() {
                    ctx.listen(Listener::Tcp { addr: None, port });
                }
            }
            Input::Net(input) => self.network(input, ctx),
            Input::Wake(token) => self.wake(Socket(token), ctx),
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        format!("sink {}", self.fqdn)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn decode_base64(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// The certificates of a PEM text in DER, in order.
fn chain(pem: &str) -> Vec<Bytes> {
    let mut found = Vec::new();
    for block in pem.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body: String = block.split("-----END").next().unwrap_or_default().split_whitespace().collect();
        found.extend(STANDARD.decode(body).ok().map(Bytes::from));
    }
    found
}
