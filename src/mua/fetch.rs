//! Reading mail: a mail user agent fetches what its server has.

use smol_str::{SmolStr, format_smolstr};

use super::Credentials;
use super::retrieve::{Errand, Output, PATIENCE, Protocol, Retriever, Security};
use crate::host::dial::Dialer;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Exit, Input, Process, tls};
use crate::mail::date;
use crate::mailbox::mbox;
use crate::sim::net::NetInput;
use crate::sim::{Payload, Socket, TlsMessage};
use crate::trace::Kind;

/// What a person's mail program is set up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The user of the host who sits there.
    pub user: SmolStr,
    /// The server, `host` or `host:port`.
    pub server: SmolStr,
    /// How.
    pub protocol: Protocol,
    /// Login, and what stays on the server.
    pub errand: Errand,
}

impl Fetch {
    /// An account of a user at a server; its port says how it is secured.
    pub fn new(user: &str, server: &str, protocol: Protocol, login: Credentials, keep: bool, tls: bool) -> Fetch {
        let security = Security::on_port(tls, Dialer::new(server, protocol.port()).port);
        let errand = Errand { login, keep, all: false, security };
        Fetch { user: user.into(), server: server.into(), protocol, errand }
    }
}

/// A mail program while it fetches. Messages go to the user's `~/Mail/inbox` (mbox). It exits with
/// status 0 and the number of messages on standard output, or with 1 and the reason.
#[derive(Clone, Debug)]
pub struct Reader {
    fetch: Fetch,
    dialer: Dialer,
    sock: Option<Socket>,
    client: Retriever,
    count: u64,
    /// Rises whenever the server says something, so that old timers are recognised.
    heard: u64,
    in_handshake: bool,
    done: bool,
}

impl Reader {
    /// A mail program about to fetch.
    pub fn new(fetch: Fetch) -> Reader {
        let dialer = Dialer::new(&fetch.server, fetch.protocol.port());
        let client = Retriever::new(fetch.protocol, fetch.errand.clone());
        Reader { fetch, dialer, sock: None, client, count: 0, heard: 0, in_handshake: false, done: false }
    }

    fn finish(&mut self, failure: Option<String>, ctx: &mut Ctx<'_>) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        if let Some(sock) = self.sock.take() {
            ctx.close(sock);
        }
        let account = format_smolstr!("{}@{}", self.fetch.errand.login.user, self.dialer.host);
        let protocol = SmolStr::new_static(self.fetch.protocol.name());
        ctx.emit(Kind::MuaFetch { user: self.fetch.user.clone(), account, protocol, count: self.count });
        ctx.exit(match failure {
            None => Exit { stdout: format!("{}\n", self.count).into_bytes(), ..Exit::default() },
            Some(text) => Exit { status: 1, stdout: Vec::new(), stderr: format!("{text}\n").into_bytes() },
        });
    }

    fn carry_out(&mut self, outputs: Vec<Output>, ctx: &mut Ctx<'_>) {
        let mut outputs = std::collections::VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            match (output, self.sock) {
                (Output::Command(line), Some(sock)) => ctx.send(sock, format!("{line}\r\n")),
                (Output::StartTls, Some(sock)) => {
                    self.in_handshake = true;
                    tls::client_hello(sock, &self.dialer.host, ctx);
                }
                (Output::Mail { content, .. }, _) => {
                    let stored = self.store(&content, ctx);
                    self.count += u64::from(stored.is_ok());
                    let mut more = Vec::new();
                    self.client.stored(stored.is_ok(), &mut more);
                    outputs.extend(more);
                }
                (Output::Done, _) => self.finish(None, ctx),
                (Output::Failed(error), _) => self.finish(Some(error.to_string()), ctx),
                _ => {}
            }
        }
    }

    /// Appends a message to the user's own folder.
    fn store(&self, content: &bytes::Bytes, ctx: &mut Ctx<'_>) -> Result<(), crate::host::vfs::Errno> {
        let Some(user) = ctx.host.accounts.user(&self.fetch.user).cloned() else {
            return Err(crate::host::vfs::Errno::NoEnt);
        };
        let cred: Cred = ctx.host.accounts.cred(&user);
        let folder = format!("{}/Mail", user.home);
        if !ctx.host.vfs.exists(&folder) {
            ctx.host.vfs.mkdir(&folder, 0o700, &cred)?;
        }
        let mut copy = mbox::from_line(self.fetch.user.as_str(), &date::mbox(ctx.now, &ctx.host.zone)).into_bytes();
        copy.extend_from_slice(&mbox::quote_from(content));
        if !copy.ends_with(b"\n") {
            copy.push(b'\n');
        }
        copy.push(b'\n');
        ctx.host.vfs.append(&format!("{folder}/inbox"), copy, 0o600, &cred)?;
        Ok(())
    }

    fn network(&mut self, input: NetInput, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::ConnectFailed { error, .. } => match self.dialer.failed(error, ctx) {
                Ok(sock) => self.sock = Some(sock),
                Err(error) => self.finish(Some(error.to_string()), ctx),
            },
            NetInput::Connected { sock, .. } => {
                if self.fetch.errand.security == Security::Implicit {
                    self.in_handshake = true;
                    tls::client_hello(sock, &self.dialer.host, ctx);
                }
                self.wait(ctx);
            }
            NetInput::Data { payload: Payload::Bytes(_), .. } if self.in_handshake => {
                self.finish(Some("TLS failed: wrong version number".into()), ctx);
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                let mut out = Vec::new();
                self.client.handle(&bytes, &mut out);
                self.carry_out(out, ctx);
                self.wait(ctx);
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => match &*message {
                TlsMessage::ServerHello { .. } => {
                    ctx.send_tls(sock, TlsMessage::Finished);
                    self.in_handshake = false;
                    if self.fetch.errand.security != Security::Implicit {
                        let mut out = Vec::new();
                        self.client.secured(&mut out);
                        self.carry_out(out, ctx);
                    }
                }
                TlsMessage::Alert(text) => self.finish(Some(format!("TLS failed: {text}")), ctx),
                _ => {}
            },
            NetInput::Eof { .. } | NetInput::Reset { .. } => self.finish(Some("connection lost".into()), ctx),
            _ => {}
        }
    }

    fn wait(&mut self, ctx: &mut Ctx<'_>) {
        if !self.done {
            self.heard += 1;
            ctx.wake_at(ctx.now + PATIENCE, self.heard, "mailbox server time-out");
        }
    }
}

impl Process for Reader {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => self.sock = self.dialer.start(ctx),
            Input::Resolved { token, lookup } => match self.dialer.resolved(token, &lookup, ctx) {
                Ok(sock) => self.sock = sock,
                Err(error) => self.finish(Some(error.to_string()), ctx),
            },
            Input::Wake(token) if token == self.heard => self.finish(Some("the server is silent".into()), ctx),
            Input::Net(input) => self.network(input, ctx),
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "mua".to_owned()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
