//! A scripted SMTP client: sends what a script says and keeps what comes back.
//!
//! It reads one reply after each line, none while a message is being sent, and waits for silence
//! after octets without a stated number of replies.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::dialogue_items::octets;
pub use super::dialogue_items::{HexItem, Item, SessionStep, StartTlsItem};
use super::octets::decode;
use crate::host::{Ctx, Exit, Input, Process};
use crate::sim::net::NetInput;
use crate::sim::{Duration, Payload, Socket, Time, TlsMessage};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REPLY_TIMEOUT: Duration = Duration::from_secs(15);

/// Result of a `session` step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionResult {
    /// All lines of the server, the banner first.
    pub lines: Vec<String>,
    /// Whether the server closed.
    pub closed: bool,
    /// `ok` or `failed`, if TLS was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// Items not sent because the server closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Why there was no connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The code of the last reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Code {
    /// No reply, or the server hung up.
    #[default]
    None,
    /// Three characters, usually digits.
    Reply(String),
    /// The server was silent for too long.
    Timeout,
}

impl Code {
    fn is(&self, code: &str) -> bool {
        matches!(self, Code::Reply(found) if found == code)
    }
}

/// What a reply is read for.
#[derive(Clone, Copy, Debug)]
enum After {
    /// The banner, or the end of the message.
    Note,
    /// A command line.
    Line,
    /// STARTTLS.
    StartTls,
    /// Octets, with so many more replies to read.
    Raw(u32),
    /// A `read` item, with so many more replies to read.
    Read(u32),
}

/// What is waited for.
#[derive(Clone, Debug)]
enum State {
    Connecting {
        deadline: Time,
    },
    Handshake {
        deadline: Time,
        banner: bool,
    },
    /// Ready for the next item.
    Ready,
    Reply {
        deadline: Time,
        after: After,
    },
    Idle {
        silence: Duration,
        deadline: Time,
        in_reply: bool,
        after: AfterIdle,
    },
    Sleeping {
        until: Time,
    },
    Done,
}

/// What silence is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterIdle {
    Wait,
    Raw,
    /// The connection broke while sending.
    Broken,
    Finish,
}

/// The client as a process.
#[derive(Clone, Debug)]
pub struct Dialogue {
    from: Option<IpAddr>,
    to: SocketAddr,
    tls_at_once: bool,
    pregreet: bool,
    rest: VecDeque<Item>,
    state: State,
    sock: Option<Socket>,
    buffer: Vec<u8>,
    eof: bool,
    sent_at: Option<Time>,
    reset: bool,
    code: Code,
    in_data: bool,
    result: SessionResult,
}

impl Dialogue {
    /// A dialogue from an address of the host (or any) to a server.
    pub fn new(step: &SessionStep, from: Option<IpAddr>, to: SocketAddr) -> Dialogue {
        Dialogue {
            from,
            to,
            tls_at_once: step.tls,
            pregreet: step.pregreet,
            rest: step.send.iter().cloned().collect(),
            state: State::Done,
            sock: None,
            buffer: Vec::new(),
            eof: false,
            sent_at: None,
            reset: false,
            code: Code::None,
            in_data: false,
            result: SessionResult::default(),
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|octet| *octet == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(decode(line[..end].trim_ascii_end_cr()))
    }

    /// Adds a line to the result; tells whether it ends a reply.
    fn take_reply_line(&mut self, line: String) -> bool {
        let last = line.chars().nth(3) != Some('-') || line.chars().count() < 4;
        if last {
            self.code = Code::Reply(line.chars().take(3).collect());
        }
        self.result.lines.push(line);
        last
    }

    fn keep_incomplete_line(&mut self) {
        if !self.buffer.is_empty() {
            let rest = std::mem::take(&mut self.buffer);
            self.result.lines.push(decode(&rest));
        }
    }

    fn wake(&self, time: Time, ctx: &mut Ctx<'_>) {
        ctx.wake_at(time, time.micros(), "dialogue");
    }

    fn send(&mut self, octets: impl Into<Bytes>, ctx: &mut Ctx<'_>) {
        self.sent_at = Some(ctx.now);
        if let Some(sock) = self.sock {
            ctx.send(sock, octets);
        }
    }

    fn read_reply(&mut self, after: After, ctx: &mut Ctx<'_>) {
        let deadline = ctx.now + REPLY_TIMEOUT;
        self.state = State::Reply { deadline, after };
        self.wake(deadline, ctx);
    }

    fn idle(&mut self, silence: Duration, after: AfterIdle, ctx: &mut Ctx<'_>) {
        let deadline = ctx.now + silence;
        self.state = State::Idle { silence, deadline, in_reply: false, after };
        self.wake(deadline, ctx);
    }

    fn start_tls(&mut self, banner: bool, ctx: &mut Ctx<'_>) {
        let versions = ["TLSv1.3", "TLSv1.2"].map(SmolStr::new_static).to_vec();
        if let Some(sock) = self.sock {
            ctx.send_tls(sock, TlsMessage::ClientHello { server_name: None, versions });
        }
        let deadline = ctx.now + REPLY_TIMEOUT;
        self.state = State::Handshake { deadline, banner };
        self.wake(deadline, ctx);
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        if self.pregreet {
            self.state = State::Ready;
        } else {
            self.read_reply(After::Note, ctx);
        }
    }

    fn tls_failed(&mut self) {
        self.result.tls = Some("failed".into());
        self.result.closed = true;
        self.state = State::Ready;
    }

    fn tls_message(&mut self, message: &TlsMessage, ctx: &mut Ctx<'_>) {
        let State::Handshake { banner, .. } = self.state else { return };
        match message {
            TlsMessage::ServerHello { .. } => {
                if let Some(sock) = self.sock {
                    ctx.send_tls(sock, TlsMessage::Finished);
                }
                self.result.tls = Some("ok".into());
                self.state = State::Ready;
                if banner {
                    self.begin(ctx);
                }
            }
            _ => self.tls_failed(),
        }
    }

    fn network(&mut self, input: NetInput, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::Connected { .. } if self.tls_at_once => self.start_tls(true, ctx),
            NetInput::Connected { .. } => self.begin(ctx),
            NetInput::ConnectFailed { error, .. } => self.refuse(error.text(), ctx),
            NetInput::Data { payload: Payload::Bytes(octets), .. } => {
                self.buffer.extend_from_slice(&octets);
                if let State::Idle { silence, deadline, in_reply: false, .. } = &mut self.state {
                    *deadline = ctx.now + *silence;
                    let deadline = *deadline;
                    self.wake(deadline, ctx);
                }
            }
            NetInput::Data { payload: Payload::Tls(message), .. } => self.tls_message(&message, ctx),
            NetInput::Eof { .. } => self.eof = true,
            NetInput::Reset { .. } => (self.eof, self.reset) = (true, true),
            _ => {}
        }
    }

    fn refuse(&mut self, error: &str, ctx: &mut Ctx<'_>) {
        self.result.closed = true;
        self.result.error = Some(error.to_owned());
        self.finish(ctx);
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>) {
        self.state = State::Done;
        if let Some(sock) = self.sock.take() {
            ctx.close(sock);
        }
        let stdout = serde_json::to_vec(&self.result).unwrap_or_default();
        ctx.exit(Exit { status: 0, stdout, stderr: Vec::new() });
    }

    /// Goes on until something has to be waited for.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        loop {
            let waits = match self.state {
                State::Done => true,
                State::Connecting { deadline } => {
                    if ctx.now >= deadline {
                        self.refuse("timed out", ctx);
                    }
                    true
                }
                State::Handshake { deadline, .. } => {
                    let failed = self.eof || ctx.now >= deadline;
                    if failed {
                        self.tls_failed();
                    }
                    !failed
                }
                State::Sleeping { until } => {
                    let over = ctx.now >= until;
                    if over {
                        self.state = State::Ready;
                    }
                    !over
                }
                State::Ready => {
                    self.next_item(ctx);
                    false
                }
                State::Reply { deadline, after } => !self.try_reply(deadline, after, ctx),
                State::Idle { .. } => !self.try_idle(ctx),
            };
            if waits {
                return;
            }
        }
    }

    /// Reads on; true once the reply is complete or will not come.
    fn try_reply(&mut self, deadline: Time, after: After, ctx: &mut Ctx<'_>) -> bool {
        let complete = loop {
            let Some(line) = self.take_line() else { break false };
            if self.take_reply_line(line) {
                break true;
            }
        };
        if !complete {
            if self.eof {
                self.keep_incomplete_line();
                self.result.closed = true;
                self.code = Code::None;
            } else if ctx.now >= deadline {
                self.result.lines.push("<TIMEOUT>".into());
                self.code = Code::Timeout;
            } else {
                return false;
            }
        }
        // A farewell that was there before the last line was sent: that line meets a closed door,
        // and what is sent next is answered by a reset.
        if (self.code.is("421") || self.code.is("521")) && self.sent_at == Some(ctx.now) {
            self.reset = true;
        }
        self.state = State::Ready;
        let goes_on = !self.result.closed && self.code != Code::Timeout;
        match after {
            After::Note => {}
            After::Line => self.in_data = self.code.is("354"),
            After::StartTls if self.code.is("220") => {
                self.buffer.clear();
                self.start_tls(false, ctx);
            }
            After::StartTls => {}
            After::Raw(more) if more > 0 && goes_on => self.read_reply(After::Raw(more - 1), ctx),
            After::Raw(_) => self.in_data = self.code.is("354"),
            After::Read(more) if more > 0 && !self.result.closed => self.read_reply(After::Read(more - 1), ctx),
            After::Read(_) => {}
        }
        true
    }

    /// Reads on; true once the server was silent for long enough, or is gone.
    fn try_idle(&mut self, ctx: &mut Ctx<'_>) -> bool {
        while let Some(line) = self.take_line() {
            let last = self.take_reply_line(line);
            if let State::Idle { silence, deadline, in_reply, .. } = &mut self.state {
                *in_reply = !last;
                *deadline = ctx.now + if last { *silence } else { REPLY_TIMEOUT };
                let deadline = *deadline;
                self.wake(deadline, ctx);
            }
        }
        let State::Idle { deadline, in_reply, after, .. } = self.state else { return true };
        if self.eof {
            if in_reply {
                self.keep_incomplete_line();
            }
            self.result.closed = true;
        } else if ctx.now < deadline {
            return false;
        } else if in_reply {
            self.result.lines.push("<TIMEOUT>".into());
        }
        self.state = State::Ready;
        match after {
            AfterIdle::Wait => {}
            AfterIdle::Raw => self.in_data = self.code.is("354"),
            AfterIdle::Broken => self.result.closed = true,
            AfterIdle::Finish => self.finish(ctx),
        }
        true
    }

    fn next_item(&mut self, ctx: &mut Ctx<'_>) {
        if self.result.closed || self.code == Code::Timeout {
            return self.wind_up(ctx);
        }
        let Some(item) = self.rest.pop_front() else { return self.wind_up(ctx) };
        match &item {
            Item::StartTls(_) => {
                self.send("STARTTLS\r\n", ctx);
                return self.read_reply(After::StartTls, ctx);
            }
            Item::Wait(wait) if wait.read => return self.idle(seconds(wait.wait), AfterIdle::Wait, ctx),
            Item::Wait(wait) => {
                let until = ctx.now + seconds(wait.wait);
                self.state = State::Sleeping { until };
                return self.wake(until, ctx);
            }
            Item::Close(_) => return self.wind_up(ctx),
            Item::Read(read) if read.read > 0 => return self.read_reply(After::Read(read.read - 1), ctx),
            Item::Read(_) => return,
            Item::Line(_) | Item::Hex(_) | Item::Raw(_) | Item::Repeat(_) => {}
        }
        if self.reset {
            self.rest.push_front(item);
            return self.idle(Duration::from_millis(300), AfterIdle::Broken, ctx);
        }
        self.send(octets(&item), ctx);
        match &item {
            Item::Raw(raw) => self.read_after_octets(raw.replies, raw.idle, ctx),
            Item::Hex(hex) => self.read_after_octets(hex.replies, hex.idle, ctx),
            Item::Line(line) if self.in_data => {
                if line == "." {
                    self.in_data = false;
                    self.read_reply(After::Note, ctx);
                }
            }
            _ if self.in_data => {}
            _ => self.read_reply(After::Line, ctx),
        }
    }

    fn read_after_octets(&mut self, replies: Option<u32>, idle: Option<f64>, ctx: &mut Ctx<'_>) {
        match replies {
            Some(0) => self.in_data = self.code.is("354"),
            Some(count) => self.read_reply(After::Raw(count - 1), ctx),
            None => self.idle(seconds(idle.unwrap_or(1.0)), AfterIdle::Raw, ctx),
        }
    }

    /// All was sent, or no more can be: listens a little longer, then hangs up.
    fn wind_up(&mut self, ctx: &mut Ctx<'_>) {
        if !self.rest.is_empty() {
            self.result.unsent = Some(self.rest.len() as u64);
        }
        if self.result.closed || self.code == Code::Timeout {
            return self.finish(ctx);
        }
        let parting = ["221", "421", "521"].iter().any(|code| self.code.is(code));
        let silence = Duration::from_millis(if parting { 2000 } else { 200 });
        self.idle(silence, AfterIdle::Finish, ctx);
    }
}

impl Process for Dialogue {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => {
                self.sock = Some(ctx.connect(self.from, self.to));
                let deadline = ctx.now + CONNECT_TIMEOUT;
                self.state = State::Connecting { deadline };
                self.wake(deadline, ctx);
            }
            Input::Net(input) => self.network(input, ctx),
            _ => {}
        }
        self.go_on(ctx);
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        format!("dialogue with {}", self.to)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Seconds with a fraction as a span; what is no span becomes zero.
pub fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

trait TrimCr {
    fn trim_ascii_end_cr(&self) -> &[u8];
}

impl TrimCr for [u8] {
    /// Without the CRs at its end.
    fn trim_ascii_end_cr(&self) -> &[u8] {
        let end = self.iter().rposition(|octet| *octet != b'\r').map_or(0, |last| last + 1);
        &self[..end]
    }
}
