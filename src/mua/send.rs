//! Composing and submitting a message, as a mail user agent does (RFC 6409).

use std::fmt::Write as _;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use super::Security;
use crate::host::dial::Dialer;
use crate::host::{Ctx, Exit, Input, Process, tls};
use crate::mail::date;
use crate::sim::net::NetInput;
use crate::sim::{Duration, Payload, Socket, Time, TlsMessage};
use crate::smtp::auth::{ClientExchange, Mechanism};
use crate::smtp::client::{self, Client, Fact, Hello, Order, Output, Timeouts, Transaction};
use crate::smtp::reply::Reply;
use crate::trace::Kind;

/// The port of submission servers (RFC 6409).
pub const SUBMISSION: u16 = 587;
/// How long a TLS handshake from the start may take.
const HANDSHAKE: Duration = Duration::from_secs(300);

/// Name and password for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Login name.
    pub user: SmolStr,
    /// Password in clear.
    pub password: SmolStr,
}

/// What a person types into the composing window, and the account it is sent with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendMail {
    /// The user of the host who sits there.
    pub user: SmolStr,
    /// The account's address.
    pub from: SmolStr,
    /// Recipients.
    pub to: Vec<SmolStr>,
    /// Subject.
    pub subject: SmolStr,
    /// Text, lines ending with LF.
    pub body: String,
    /// The submission server, `host` or `host:port`; the port is 587 if not given.
    pub server: SmolStr,
    /// How to log in, if at all.
    pub auth: Option<Credentials>,
    /// How the connection gets its TLS; anything but [`Security::Plain`] is a must.
    pub security: Security,
}

impl SendMail {
    /// The message as it goes over the wire, lines ending with LF.
    pub fn compose(&self, now: Time, zone: &jiff::tz::TimeZone, unique: u64) -> Bytes {
        let domain = self.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mut text = String::with_capacity(self.body.len() + 300);
        let date = date::rfc5322(now, zone);
        let date = date.split(" (").next().unwrap_or_default();
        let _ = write!(
            text,
            "Message-ID: <{}.{unique:016x}@{domain}>\nDate: {date}\nMIME-Version: 1.0\nUser-Agent: mxlab\n\
             From: {}\nTo: {}\nSubject: {}\nContent-Type: text/plain; charset=UTF-8\n\
             Content-Transfer-Encoding: {}\n\n{}",
            date::compact(now),
            self.from,
            self.to.join(", "),
            self.subject,
            if self.body.is_ascii() { "7bit" } else { "8bit" },
            self.body
        );
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.into()
    }
}

/// What the agent is about to do once the SMTP machine is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hello,
    StartTls,
    HelloAgain,
    Auth,
    Send,
    Quit,
    Done,
}

/// A mail user agent while it sends one message. It exits with status 0 if the server took the
/// message for all recipients, otherwise with 1 and the reason on standard error.
#[derive(Clone, Debug)]
pub struct Submission {
    mail: SendMail,
    content: Bytes,
    dialer: Dialer,
    sock: Option<Socket>,
    client: Option<Client>,
    next: Step,
    /// The last reply to the content, if it was positive.
    accepted: Option<String>,
    /// The first thing that went wrong.
    failure: Option<String>,
    /// Whether a message of others is handed over, which is no event of a mail user agent.
    relays: bool,
}

impl Submission {
    /// An agent about to send.
    pub fn new(mail: SendMail) -> Submission {
        let dialer = Dialer::new(&mail.server, SUBMISSION);
        Submission {
            mail,
            content: Bytes::new(),
            dialer,
            sock: None,
            client: None,
            next: Step::Hello,
            accepted: None,
            failure: None,
            relays: false,
        }
    }

    /// The same dialogue with a message that exists already, as a mail retrieval agent holds it.
    /// Subject and body of `envelope` are not used; lines of `content` end with LF.
    pub fn handing_over(envelope: SendMail, content: Bytes) -> Submission {
        Submission { content, relays: true, ..Submission::new(envelope) }
    }

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.relays {
            self.compose(ctx);
        }
        self.sock = self.dialer.start(ctx);
    }

    fn compose(&mut self, ctx: &mut Ctx<'_>) {
        let unique = ctx.host.dice.next_u64();
        self.content = self.mail.compose(ctx.now, &ctx.host.zone, unique);
        ctx.emit(Kind::MuaCompose {
            user: self.mail.user.clone(),
            account: self.mail.from.clone(),
            subject: self.mail.subject.clone(),
            rcpts: self.mail.to.clone(),
        });
    }

    fn fail(&mut self, reason: impl Into<String>) {
        self.failure.get_or_insert_with(|| reason.into());
    }

    /// Ends the process and says how it went.
    fn finish(&mut self, ctx: &mut Ctx<'_>) {
        if self.next == Step::Done {
            return;
        }
        self.next = Step::Done;
        if let Some(sock) = self.sock.take() {
            ctx.close(sock);
        }
        let ok = self.failure.is_none() && self.accepted.is_some();
        let text = self.failure.take().or_else(|| self.accepted.take()).unwrap_or_else(|| "connection lost".into());
        if !self.relays {
            ctx.emit(Kind::MuaSend {
                user: self.mail.user.clone(),
                account: self.mail.from.clone(),
                server: format_smolstr!("{}:{}", self.dialer.host, self.dialer.port),
                ok,
                text: text.as_str().into(),
            });
        }
        let stderr = if ok { Vec::new() } else { format!("{text}\n").into_bytes() };
        ctx.exit(Exit { status: u8::from(!ok), stdout: Vec::new(), stderr });
    }

    fn drive(&mut self, input: client::Input, ctx: &mut Ctx<'_>) {
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(client) = &mut self.client else { return };
            let mut out = Vec::new();
            client.handle(ctx.now, input, &mut out);
            inputs.extend(self.carry_out(out, ctx));
        }
    }

    /// Carries out what the SMTP machine wants; returns the next order, if it is idle.
    fn carry_out(&mut self, outputs: Vec<Output>, ctx: &mut Ctx<'_>) -> Option<client::Input> {
        let mut order = None;
        for output in outputs {
            match (output, self.sock) {
                (Output::Send(bytes), Some(sock)) => ctx.send(sock, bytes),
                (Output::StartTls, Some(sock)) => {
                    tls::client_hello(sock, &self.dialer.host, ctx);
                }
                (Output::Close, _) => self.finish(ctx),
                (Output::WakeAt(time), _) => ctx.wake_at(time, 0, "SMTP time-out"),
                (Output::Fact(Fact::Idle), _) => order = self.next_order(ctx).map(client::Input::Order),
                (Output::Fact(fact), _) => self.learn(fact, ctx),
                _ => {}
            }
        }
        order
    }

    fn learn(&mut self, fact: Fact, ctx: &mut Ctx<'_>) {
        let negative = |reply: &Reply| !matches!(reply.code / 100, 2 | 3);
        match fact {
            Fact::EndOfData { reply, .. } if !negative(&reply) => self.accepted = Some(reply.joined()),
            Fact::Greeting(reply)
            | Fact::Hello { reply, .. }
            | Fact::StartTls(reply)
            | Fact::Auth(reply)
            | Fact::AuthMalformed { reply, .. }
            | Fact::Mail(reply)
            | Fact::Rcpt { reply, .. }
            | Fact::Data(reply)
            | Fact::EndOfData { reply, .. } => {
                if negative(&reply) {
                    self.fail(reply.joined());
                }
            }
            Fact::Lost(stage) => {
                self.fail(format!("lost connection while {}", stage.name()));
                self.finish(ctx);
            }
            Fact::TimedOut(stage) => {
                self.fail(format!("timed out while {}", stage.name()));
                self.finish(ctx);
            }
            Fact::Quit(_) | Fact::Reset(_) | Fact::Idle => {}
        }
    }

    /// What to do now that the last order is carried out.
    fn next_order(&mut self, ctx: &mut Ctx<'_>) -> Option<Order> {
        if self.failure.is_some() && !matches!(self.next, Step::Quit | Step::Done) {
            self.next = Step::Quit;
        }
        loop {
            match self.next {
                Step::Hello | Step::HelloAgain => {
                    let first = self.next == Step::Hello;
                    self.next = if first && self.asks_for_tls() { Step::StartTls } else { Step::Auth };
                    return Some(Order::Hello { how: Hello::EhloOrHelo, name: ctx.host.fqdn.clone() });
                }
                Step::StartTls => {
                    self.next = Step::HelloAgain;
                    if self.client.as_ref().is_some_and(|client| client.extensions().starttls) {
                        return Some(Order::StartTls);
                    }
                    self.fail("the server does not offer STARTTLS");
                    self.next = Step::Quit;
                }
                Step::Auth => {
                    self.next = Step::Send;
                    let Some(Credentials { user, password }) = self.mail.auth.clone() else { continue };
                    let offered = self.client.as_ref().map(|client| client.extensions().auth.clone());
                    let known = [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5];
                    match ClientExchange::choose(&offered.unwrap_or_default(), &known) {
                        Some(mechanism) => return Some(Order::Auth(ClientExchange::new(mechanism, user, password))),
                        None => self.fail("the server offers no way to log in"),
                    }
                    self.next = Step::Quit;
                }
                Step::Send => {
                    self.next = Step::Quit;
                    return Some(Order::Send(Transaction {
                        mail: format_smolstr!("<{}>", self.mail.from),
                        recipients: self.mail.to.iter().map(|to| format_smolstr!("<{to}>")).collect(),
                        content: self.content.clone(),
                    }));
                }
                Step::Quit => return Some(Order::Quit),
                Step::Done => return None,
            }
        }
    }

    fn asks_for_tls(&self) -> bool {
        matches!(self.mail.security, Security::StartTls | Security::Opportunistic)
    }

    /// Waits for the greeting.
    fn open(&mut self, ctx: &mut Ctx<'_>) {
        let mut out = Vec::new();
        self.client = Some(Client::new(Timeouts::default(), ctx.now, &mut out));
        self.carry_out(out, ctx);
    }

    fn network(&mut self, input: NetInput, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::Connected { sock, .. } if self.mail.security == Security::Implicit => {
                tls::client_hello(sock, &self.dialer.host, ctx);
                ctx.wake_at(ctx.now + HANDSHAKE, 0, "TLS time-out");
            }
            NetInput::Connected { .. } => self.open(ctx),
            NetInput::ConnectFailed { error, .. } => match self.dialer.failed(error, ctx) {
                Ok(sock) => self.sock = Some(sock),
                Err(error) => self.give_up(error.to_string(), ctx),
            },
            NetInput::Data { payload: Payload::Bytes(_), .. } if self.client.is_none() => {
                self.give_up("TLS failed: wrong version number".into(), ctx);
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => self.drive(client::Input::Bytes(bytes), ctx),
            NetInput::Data { sock, payload: Payload::Tls(message) } => match &*message {
                TlsMessage::ServerHello { .. } => {
                    ctx.send_tls(sock, TlsMessage::Finished);
                    if self.client.is_none() {
                        return self.open(ctx);
                    }
                    self.drive(client::Input::TlsEstablished, ctx);
                    if let Some(order) = self.next_order(ctx) {
                        self.drive(client::Input::Order(order), ctx);
                    }
                }
                TlsMessage::Alert(text) => self.give_up(format!("TLS failed: {text}"), ctx),
                _ => {}
            },
            NetInput::Eof { .. } | NetInput::Reset { .. } if self.client.is_none() => {
                self.give_up("connection lost".into(), ctx);
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => self.drive(client::Input::Lost, ctx),
            _ => {}
        }
    }

    fn give_up(&mut self, reason: String, ctx: &mut Ctx<'_>) {
        self.fail(reason);
        self.finish(ctx);
    }
}

impl Process for Submission {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => self.start(ctx),
            Input::Resolved { token, lookup } => match self.dialer.resolved(token, &lookup, ctx) {
                Ok(sock) => self.sock = sock,
                Err(error) => self.give_up(error.to_string(), ctx),
            },
            Input::Wake(_) if self.client.is_none() && self.sock.is_some() => {
                self.give_up("timed out while shaking hands".into(), ctx);
            }
            Input::Wake(_) => self.drive(client::Input::Wake, ctx),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composed_message_has_the_fields_that_people_expect() {
        let mail = SendMail {
            from: "alice@example.org".into(),
            to: vec!["bob@example.com".into(), "carol@example.net".into()],
            subject: "Lunch".into(),
            body: "At noon?".into(),
            ..SendMail::default()
        };
        let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
        let content = mail.compose(now, &jiff::tz::TimeZone::UTC, 7);
        let text = String::from_utf8(content.to_vec()).unwrap();
        for line in [
            "Message-ID: <20261121120000.0000000000000007@example.org>\n",
            "Date: Sat, 21 Nov 2026 12:00:00 +0000\n",
            "To: bob@example.com, carol@example.net\n",
            "Subject: Lunch\n",
            "Content-Transfer-Encoding: 7bit\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.ends_with("\n\nAt noon?\n"));
    }
}
