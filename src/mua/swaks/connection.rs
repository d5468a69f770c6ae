//! The connection: looked up, opened, read, lost.

use super::transcript::Line;
use super::{MAX_REPLY, Step, Swaks, status};
use crate::host::dial::{DialError, Dialer, port_number};
use crate::host::{Env, Progress};
use crate::sim::net::NetInput;
use crate::sim::{Payload, Socket};

impl Swaks {
    pub(super) fn connect(&mut self, server: &str, env: &mut Env<'_, '_>) -> Progress {
        let default = if self.options.tls_on_connect { 465 } else { 25 };
        let default =
            if self.options.protocol.as_deref().is_some_and(|name| name.starts_with("LMTP")) { 24 } else { default };
        let mut dialer = Dialer::new(server, default);
        if let Some(port) = &self.options.port {
            let Some(port) = port_number(port, env.ctx.host) else {
                self.say(Line::Error, &format!("unable to resolve port name '{port}'"), env);
                return Progress::Exit(status::CONNECT);
            };
            dialer.port = port;
        }
        let trying = format!("Trying {}:{}...", dialer.host, dialer.port);
        self.say(Line::Info, &trying, env);
        self.sock = dialer.start(env.ctx);
        self.dialer = Some(dialer);
        Progress::Wait
    }

    pub(super) fn unreachable(&mut self, error: &DialError, env: &mut Env<'_, '_>) -> Progress {
        let Some(dialer) = &self.dialer else { return Progress::Exit(status::CONNECT) };
        let head = format!("Error connecting to {}:{}:", dialer.host, dialer.port);
        let reason = match error {
            DialError::NoSuchHost { .. } => "getaddrinfo: Name or service not known".to_owned(),
            DialError::Failed { error, .. } => format!("connect: {}", error.text()),
        };
        self.say(Line::Error, &format!("{head}\n\tIO::Socket::INET6: {reason}"), env);
        Progress::Exit(status::CONNECT)
    }

    pub(super) fn opened(&mut self, sock: Socket, env: &mut Env<'_, '_>) -> Progress {
        let host = self.dialer.as_ref().map(|dialer| dialer.host.clone()).unwrap_or_default();
        self.say(Line::Info, &format!("Connected to {host}."), env);
        if self.options.tls_on_connect {
            return self.hello(sock, env);
        }
        self.await_reply(Step::Banner, env);
        Progress::Wait
    }

    pub(super) fn closed(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.out.tls = false;
        self.say(Line::Info, "Connection closed with remote host.", env);
        self.hang_up(env);
        Progress::Exit(self.status)
    }

    pub(super) fn hang_up(&mut self, env: &mut Env<'_, '_>) {
        if let Some(sock) = self.sock.take() {
            env.ctx.close(sock);
        }
    }

    pub(super) fn lost(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.in_handshake {
            return self.tls_failed(Some("error:0A000126:SSL routines::unexpected eof while reading"), env);
        }
        self.say(Line::Error, "Remote host closed connection unexpectedly.", env);
        self.hang_up(env);
        let status = if self.quitting && self.status != 0 { self.status } else { status::LOST };
        Progress::Exit(status)
    }

    pub(super) fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::Connected { sock, .. } => self.opened(sock, env),
            NetInput::ConnectFailed { error, .. } => {
                match self.dialer.as_mut().map(|dialer| dialer.failed(error, env.ctx)) {
                    Some(Ok(sock)) => self.sock = Some(sock),
                    Some(Err(error)) => return self.unreachable(&error, env),
                    None => {}
                }
                Progress::Wait
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => self.shake_hands(sock, &message, env),
            NetInput::Data { payload: Payload::Bytes(_), .. } if self.in_handshake => {
                self.tls_failed(Some("error:0A00010B:SSL routines::wrong version number"), env)
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                self.received.extend_from_slice(&bytes);
                self.lines(env)
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => self.lost(env),
            _ => Progress::Wait,
        }
    }

    /// Takes whole replies from what was received.
    pub(super) fn lines(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some(end) = self.received.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            let is_last = line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit);
            if !self.reply.is_empty() {
                self.reply.push('\n');
            }
            self.reply.push_str(&line);
            if is_last || self.reply.len() > MAX_REPLY {
                let reply = std::mem::take(&mut self.reply);
                match self.replied(&reply, env) {
                    Progress::Wait => {}
                    progress => return progress,
                }
            }
        }
        self.received.truncate(MAX_REPLY);
        Progress::Wait
    }
}
