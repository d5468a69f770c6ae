//! `spamfilter`: a content filter between two services of Postfix, as `FILTER_README` describes it.
//!
//! It takes mail by SMTP at one address and hands it on to another one, command by command and reply
//! by reply; of its own are the limits that it sets on EHLO, and a line on top of each message that
//! says whether it is spam. `/etc/spamfilter.conf` says where it listens, where it hands on, what
//! spam looks like, and which line is written:
//!
//! ```text
//! listen 127.0.0.1:10024
//! forward 127.0.0.1:10025
//! spam bargain
//! mark X-Spam-Flag: YES
//! clear X-Spam-Flag: NO
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;

use regex::bytes::{Regex, RegexBuilder};

use super::process::{Ctx, Exit, Input, Process, Signal};
use super::vfs::{Cred, Vfs};
use crate::sim::net::NetInput;
use crate::sim::{Listener, Payload, Socket};

const CONFIG: &str = "/etc/spamfilter.conf";
/// Mails that are looked at at once.
const MAX_OPEN: usize = 256;
/// Octets of a message at most; Postfix sets its own limit before.
const MAX_MESSAGE: usize = 1 << 26;
/// Extensions that the filter does not pass on: it takes one command at a time, by lines, in the clear.
const WITHHELD: [&str; 3] = ["PIPELINING", "CHUNKING", "STARTTLS"];

/// What `/etc/spamfilter.conf` says, line by line: a word and its value.
#[derive(Clone, Debug)]
struct Config {
    listen: SocketAddr,
    forward: SocketAddr,
    /// A message in which one of these is found is spam.
    spam: Vec<Regex>,
    /// The header line of spam.
    mark: Option<String>,
    /// The header line of everything else.
    clear: Option<String>,
}

/// What is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ConfigError {
    #[error("{CONFIG}: {0}")]
    Unreadable(super::vfs::Errno),
    #[error(
        "{CONFIG}:{line}: expected listen ADDRESS:PORT, forward ADDRESS:PORT, spam REGEXP, mark HEADER or clear HEADER"
    )]
    Line { line: usize },
    #[error("{CONFIG}: it does not say where to listen and where to forward to")]
    NoAddress,
}

impl Config {
    fn read(vfs: &Vfs) -> Result<Config, ConfigError> {
        let text = vfs.read_text(CONFIG, &Cred::ROOT).map_err(ConfigError::Unreadable)?;
        let (mut listen, mut forward, mut spam, mut mark, mut clear) = (None, None, Vec::new(), None, None);
        for (nth, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let error = || ConfigError::Line { line: nth + 1 };
            let (word, value) = line.split_once(' ').ok_or_else(error)?;
            let value = value.trim();
            match word {
                "listen" => listen = Some(value.parse().map_err(|_| error())?),
                "forward" => forward = Some(value.parse().map_err(|_| error())?),
                "spam" => {
                    spam.push(RegexBuilder::new(value).case_insensitive(true).build().map_err(|_| error())?);
                }
                "mark" => mark = Some(value.to_owned()),
                "clear" => clear = Some(value.to_owned()),
                _ => return Err(error()),
            }
        }
        let (Some(listen), Some(forward)) = (listen, forward) else { return Err(ConfigError::NoAddress) };
        Ok(Config { listen, forward, spam, mark, clear })
    }

    fn is_spam(&self, message: &[u8]) -> bool {
        self.spam.iter().any(|words| words.is_match(message))
    }
}

/// What is awaited from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The client's next command.
    Command,
    /// The server's reply to EHLO.
    Hello,
    /// The server's reply to DATA.
    Go,
    /// The message.
    Message,
}

/// One mail on its way through.
#[derive(Clone, Debug)]
struct Session {
    /// The connection to the next service.
    server: Socket,
    phase: Phase,
    /// What came from the client and was not yet handed on.
    from_client: Vec<u8>,
    /// A reply that is not complete.
    from_server: Vec<u8>,
}

/// The running daemon.
#[derive(Clone, Debug, Default)]
pub struct SpamFilter {
    config: Option<Config>,
    /// By the connection of the client.
    sessions: BTreeMap<Socket, Session>,
    /// The client's connection of each of ours.
    clients: BTreeMap<Socket, Socket>,
}

/// Takes a line off the beginning.
fn take_line(octets: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = memchr::memchr(b'\n', octets)? + 1;
    Some(octets.drain(..end).collect())
}

/// Octets of a message up to the line with a single dot and with it, if it is complete.
fn message_length(octets: &[u8]) -> Option<usize> {
    match octets.starts_with(b".\r\n") {
        true => Some(3),
        false => memchr::memmem::find(octets, b"\r\n.\r\n").map(|at| at + 5),
    }
}

/// A reply to EHLO without what the filter withholds.
fn without_withheld(reply: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(reply);
    let is_kept = |line: &&str| !WITHHELD.iter().any(|word| line.get(4..).is_some_and(|rest| rest.trim_end() == *word));
    let kept: Vec<&str> = text.lines().filter(is_kept).collect();
    let mut out = String::new();
    for (nth, line) in kept.iter().enumerate() {
        let sign = if nth + 1 == kept.len() { ' ' } else { '-' };
        out.push_str(&format!("{}{sign}{}\r\n", line.get(..3).unwrap_or(line), line.get(4..).unwrap_or_default()));
    }
    out.into_bytes()
}

impl SpamFilter {
    /// Closes both connections of a mail.
    fn end(&mut self, client: Socket, ctx: &mut Ctx<'_>) {
        if let Some(session) = self.sessions.remove(&client) {
            self.clients.remove(&session.server);
            ctx.close(session.server);
            ctx.close(client);
        }
    }

    /// Hands on what the client has sent, as far as it is its turn.
    fn hand_on(&mut self, client: Socket, ctx: &mut Ctx<'_>) {
        let Some(config) = &self.config else { return };
        let Some(session) = self.sessions.get_mut(&client) else { return };
        loop {
            match session.phase {
                Phase::Command => {
                    let Some(line) = take_line(&mut session.from_client) else { break };
                    let word = String::from_utf8_lossy(&line).trim().to_ascii_uppercase();
                    session.phase = match word.split(' ').next() {
                        Some("DATA") => Phase::Go,
                        Some("EHLO") => Phase::Hello,
                        _ => Phase::Command,
                    };
                    ctx.send(session.server, line);
                }
                Phase::Message => {
                    let Some(length) = message_length(&session.from_client) else { break };
                    let message: Vec<u8> = session.from_client.drain(..length).collect();
                    let is_spam = config.is_spam(&message);
                    let verdict = if is_spam { "spam" } else { "clean" };
                    ctx.daemon_log("spamfilter", format_args!("{verdict}: a message of {length} octets"));
                    let header = if is_spam { &config.mark } else { &config.clear };
                    let mut out = header.as_ref().map_or(Vec::new(), |line| format!("{line}\r\n").into_bytes());
                    out.extend_from_slice(&message);
                    ctx.send(session.server, out);
                    session.phase = Phase::Command;
                }
                Phase::Hello | Phase::Go => break,
            }
        }
        if session.from_client.len() > MAX_MESSAGE {
            self.end(client, ctx);
        }
    }

    /// Passes replies back, and notes what they allow.
    fn pass_back(&mut self, client: Socket, octets: &[u8], ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.from_server.extend_from_slice(octets);
        let mut reply = Vec::new();
        while let Some(line) = take_line(&mut session.from_server) {
            let is_last = line.get(3) != Some(&b'-');
            reply.extend_from_slice(&line);
            if !is_last {
                continue;
            }
            match session.phase {
                Phase::Hello => {
                    reply = without_withheld(&reply);
                    session.phase = Phase::Command;
                }
                Phase::Go => session.phase = if reply.starts_with(b"354") { Phase::Message } else { Phase::Command },
                Phase::Command | Phase::Message => {}
            }
            ctx.send(client, std::mem::take(&mut reply));
        }
        // The lines of a reply that is not complete wait for the rest.
        session.from_server.splice(..0, reply);
        self.hand_on(client, ctx);
    }

    fn closed(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let client = self.clients.get(&sock).copied().unwrap_or(sock);
        self.end(client, ctx);
    }
}

impl Process for SpamFilter {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start | Input::Signal(Signal::Hup) => match Config::read(&ctx.host.vfs) {
                Ok(config) => {
                    if self.config.is_none() {
                        ctx.listen(Listener::Tcp { addr: Some(config.listen.ip()), port: config.listen.port() });
                    }
                    self.config = Some(config);
                }
                Err(error) => {
                    ctx.daemon_log("spamfilter", format_args!("{error}"));
                    ctx.exit(Exit { status: 1, ..Exit::default() });
                }
            },
            Input::Signal(Signal::Term | Signal::Int) => ctx.exit(Exit::default()),
            Input::Net(NetInput::Accepted { sock, .. }) => match &self.config {
                Some(config) if self.sessions.len() < MAX_OPEN => {
                    let server = ctx.connect(None, config.forward);
                    let session =
                        Session { server, phase: Phase::Command, from_client: Vec::new(), from_server: Vec::new() };
                    self.sessions.insert(sock, session);
                    self.clients.insert(server, sock);
                }
                _ => ctx.close(sock),
            },
            Input::Net(NetInput::ConnectFailed { sock, error, .. }) => {
                if let Some(client) = self.clients.get(&sock).copied() {
                    let text = error.text();
                    ctx.send(client, format!("421 4.3.0 spamfilter cannot hand mail on: {text}\r\n"));
                    self.end(client, ctx);
                }
            }
            Input::Net(NetInput::Data { sock, payload: Payload::Bytes(bytes) }) => {
                match self.clients.get(&sock).copied() {
                    Some(client) => self.pass_back(client, &bytes, ctx),
                    None => {
                        if let Some(session) = self.sessions.get_mut(&sock) {
                            session.from_client.extend_from_slice(&bytes);
                        }
                        self.hand_on(sock, ctx);
                    }
                }
            }
            Input::Net(NetInput::Eof { sock } | NetInput::Reset { sock, .. }) => self.closed(sock, ctx),
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/sbin/spamfilter".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_a_line_of_one_dot() {
        assert_eq!(message_length(b".\r\nQUIT\r\n"), Some(3));
        assert_eq!(message_length(b"a: b\r\n\r\n..\r\n.\r\nQUIT\r\n"), Some(15));
        assert_eq!(message_length(b"a: b\r\n\r\n.x\r\n"), None);
    }

    #[test]
    fn a_greeting_keeps_its_form_without_what_is_withheld() {
        let reply = b"250-home\r\n250-PIPELINING\r\n250-SIZE 10\r\n250-STARTTLS\r\n250 CHUNKING\r\n";
        assert_eq!(without_withheld(reply), b"250-home\r\n250 SIZE 10\r\n");
        assert_eq!(without_withheld(b"250 home\r\n"), b"250 home\r\n");
    }

    #[test]
    fn settings_say_where_and_what() {
        let read = |text: &str| {
            let mut vfs = Vfs::new(1, crate::sim::Time::default());
            vfs.mkdir_all("/etc").unwrap();
            vfs.write(CONFIG, text.to_owned(), 0o644, &Cred::ROOT).unwrap();
            Config::read(&vfs)
        };
        let config =
            read("# filter\nlisten 127.0.0.1:10024\nforward 127.0.0.1:10025\nspam cheap|bargain\nmark X-Junk: yes\n");
        let config = config.unwrap();
        assert_eq!((config.listen.port(), config.forward.port()), (10024, 10025));
        assert!(config.is_spam(b"Subject: A BARGAIN\r\n") && !config.is_spam(b"Subject: Lunch\r\n"));
        assert_eq!((config.mark.as_deref(), config.clear), (Some("X-Junk: yes"), None));
        assert_eq!(read("listen 127.0.0.1:10024\n").unwrap_err(), ConfigError::NoAddress);
        assert_eq!(read("listen here\n").unwrap_err(), ConfigError::Line { line: 1 });
    }
}
