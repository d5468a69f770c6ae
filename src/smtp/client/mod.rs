//! The client's side of a session: orders and octets in; commands, facts and timers out.
//!
//! The owner gives one [`Order`] at a time and hears what came of it as [`Fact`]s: which reply
//! answered which command, or at which stage the connection was lost. Choosing servers, deciding
//! on TLS, and wording are the owner's.

mod exchange;
mod stage;

use std::collections::VecDeque;

use bytes::Bytes;
use smol_str::SmolStr;

pub use self::exchange::{Fact, Hello, Input, Order, Output, Transaction};
pub use self::stage::{Stage, Timeouts};
use crate::sim::Time;
use crate::smtp::auth::{ClientExchange, ClientProblem};
use crate::smtp::diagram::ClientState;
use crate::smtp::extensions::Extensions;
use crate::smtp::framing::{Buffer, stuff};
use crate::smtp::reply::{Reply, ReplyParser};

/// A reply that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Greeting,
    Ehlo {
        fallback: bool,
    },
    Helo,
    Lhlo,
    StartTls,
    Auth,
    Mail,
    Rcpt(usize),
    Data,
    EndOfData(Option<usize>),
    /// The answer to a lone dot after DATA was accepted without recipients.
    EmptyData,
    Rset,
    Quit,
}

impl Awaited {
    fn stage(self) -> Stage {
        match self {
            Awaited::Greeting => Stage::Greeting,
            Awaited::Ehlo { .. } => Stage::Ehlo,
            Awaited::Helo => Stage::Helo,
            Awaited::Lhlo => Stage::Lhlo,
            Awaited::StartTls => Stage::StartTls,
            Awaited::Auth => Stage::Auth,
            Awaited::Mail => Stage::Mail,
            Awaited::Rcpt(_) => Stage::Rcpt,
            Awaited::Data => Stage::Data,
            Awaited::EndOfData(_) | Awaited::EmptyData => Stage::EndOfData,
            Awaited::Rset => Stage::Rset,
            Awaited::Quit => Stage::Quit,
        }
    }
}

#[derive(Clone, Debug)]
struct Running {
    transaction: Transaction,
    next_recipient: usize,
    accepted: Vec<usize>,
    mail_refused: bool,
    /// No content is to be sent.
    probe: bool,
}

/// The client's side of one session.
#[derive(Clone, Debug)]
pub struct Client {
    timeouts: Timeouts,
    awaited: VecDeque<Awaited>,
    buffer: Buffer,
    parser: ReplyParser,
    name: SmolStr,
    lmtp: bool,
    pipelining_allowed: bool,
    extensions: Extensions,
    auth: Option<ClientExchange>,
    running: Option<Running>,
    in_transaction: bool,
    deadline: Time,
    armed: Option<Time>,
    closed: bool,
    /// EHLO keywords that are to be ignored.
    discarded: Vec<SmolStr>,
}

/// Reply lines longer than this are cut.
const LINE: usize = 4096;

impl Client {
    /// A session on a connection that was just opened: the greeting is awaited.
    pub fn new(timeouts: Timeouts, now: Time, out: &mut Vec<Output>) -> Client {
        let mut client = Client {
            timeouts,
            awaited: VecDeque::from([Awaited::Greeting]),
            buffer: Buffer::default(),
            parser: ReplyParser::default(),
            name: SmolStr::default(),
            lmtp: false,
            pipelining_allowed: true,
            extensions: Extensions::default(),
            auth: None,
            running: None,
            in_transaction: false,
            deadline: Time::MAX,
            armed: None,
            closed: false,
            discarded: Vec::new(),
        };
        client.await_reply(now, out);
        client
    }

    /// EHLO keywords to ignore, in capitals (`smtp_discard_ehlo_keywords`).
    pub fn discard_keywords(&mut self, keywords: Vec<SmolStr>) {
        self.pipelining_allowed = !keywords.iter().any(|keyword| keyword == "PIPELINING");
        self.discarded = keywords;
    }

    /// What the server offers; empty before EHLO, after HELO, and right after a TLS handshake.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether the server is in the middle of a transaction although the machine is idle.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Whether the next order can be given.
    pub fn is_idle(&self) -> bool {
        self.awaited.is_empty() && !self.closed
    }

    /// Where the session is in the diagram.
    pub fn diagram(&self) -> ClientState {
        if self.closed {
            return ClientState::Closed;
        }
        match self.awaited.front() {
            Some(Awaited::Greeting) => ClientState::Connected,
            Some(Awaited::Ehlo { .. } | Awaited::Helo | Awaited::Lhlo) => ClientState::Hello,
            Some(Awaited::StartTls) => ClientState::StartTls,
            Some(Awaited::Auth) => ClientState::Authenticating,
            Some(Awaited::Mail) => ClientState::Mail,
            Some(Awaited::Rcpt(_)) => ClientState::Rcpt,
            Some(Awaited::Data) => ClientState::Data,
            Some(Awaited::EndOfData(_) | Awaited::EmptyData) => ClientState::Content,
            Some(Awaited::Quit) => ClientState::Quit,
            Some(Awaited::Rset) | None => ClientState::Ready,
        }
    }

    /// Takes one input and appends what it leads to.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        if self.closed {
            return;
        }
        match input {
            Input::Bytes(bytes) => {
                self.buffer.receive(bytes);
                while let Some(line) = self.buffer.line(LINE) {
                    match self.parser.line(&line.octets) {
                        Ok(None) => {}
                        Ok(Some(reply)) => self.reply(now, reply, out),
                        // What is no reply is passed over, as smtp(8) does.
                        Err(_) => {}
                    }
                    if self.closed {
                        return;
                    }
                }
            }
            Input::Lost => self.fail(Fact::Lost, out),
            Input::Wake => {
                self.armed = None;
                if self.awaited.is_empty() {
                    return;
                }
                if now >= self.deadline {
                    self.fail(Fact::TimedOut, out);
                } else {
                    self.arm(out);
                }
            }
            Input::Order(order) => self.order(now, order, out),
            Input::TlsEstablished => {
                self.buffer.clear();
                self.parser = ReplyParser::default();
                self.extensions = Extensions::default();
            }
        }
    }

    fn fail(&mut self, fact: impl FnOnce(Stage) -> Fact, out: &mut Vec<Output>) {
        let stage = self.awaited.front().map_or(Stage::Quit, |awaited| awaited.stage());
        self.closed = true;
        out.push(Output::Fact(fact(stage)));
        out.push(Output::Close);
    }

    fn order(&mut self, now: Time, order: Order, out: &mut Vec<Output>) {
        match order {
            Order::Hello { how, name } => {
                self.name = name;
                self.lmtp = how == Hello::Lhlo;
                let (verb, awaited) = match how {
                    Hello::EhloOrHelo => ("EHLO", Awaited::Ehlo { fallback: true }),
                    Hello::Ehlo => ("EHLO", Awaited::Ehlo { fallback: false }),
                    Hello::Helo => ("HELO", Awaited::Helo),
                    Hello::Lhlo => ("LHLO", Awaited::Lhlo),
                };
                let line = format!("{verb} {}\r\n", self.name);
                self.send(now, line.into(), awaited, out);
            }
            Order::StartTls => self.send(now, Bytes::from_static(b"STARTTLS\r\n"), Awaited::StartTls, out),
            Order::Auth(exchange) => {
                let line = format!("{}\r\n", exchange.command());
                self.auth.insert(exchange).began();
                self.send(now, line.into(), Awaited::Auth, out);
            }
            Order::Send(transaction) => self.begin(now, transaction, false, out),
            Order::Probe(transaction) => self.begin(now, transaction, true, out),
            Order::Reset => self.send(now, Bytes::from_static(b"RSET\r\n"), Awaited::Rset, out),
            Order::Quit => self.send(now, Bytes::from_static(b"QUIT\r\n"), Awaited::Quit, out),
        }
    }

    fn send(&mut self, now: Time, line: Bytes, awaited: Awaited, out: &mut Vec<Output>) {
        out.push(Output::Send(line));
        self.awaited.push_back(awaited);
        self.await_reply(now, out);
    }

    fn await_reply(&mut self, now: Time, out: &mut Vec<Output>) {
        if let Some(awaited) = self.awaited.front() {
            self.deadline = now + self.timeouts.of(awaited.stage());
            self.arm(out);
        }
    }

    fn arm(&mut self, out: &mut Vec<Output>) {
        if self.armed.is_none_or(|armed| armed > self.deadline) {
            self.armed = Some(self.deadline);
            out.push(Output::WakeAt(self.deadline));
        }
    }

    fn begin(&mut self, now: Time, transaction: Transaction, probe: bool, out: &mut Vec<Output>) {
        let mut lines = Vec::with_capacity(64 * (transaction.recipients.len() + 2));
        push_line(&mut lines, "MAIL FROM:", &transaction.mail);
        self.awaited.push_back(Awaited::Mail);
        let mut running = Running { transaction, next_recipient: 0, accepted: Vec::new(), mail_refused: false, probe };
        if self.extensions.pipelining && self.pipelining_allowed {
            for (index, recipient) in running.transaction.recipients.iter().enumerate() {
                push_line(&mut lines, "RCPT TO:", recipient);
                self.awaited.push_back(Awaited::Rcpt(index));
            }
            running.next_recipient = running.transaction.recipients.len();
            if !probe {
                lines.extend_from_slice(b"DATA\r\n");
                self.awaited.push_back(Awaited::Data);
            }
        }
        self.running = Some(running);
        self.in_transaction = true;
        out.push(Output::Send(lines.into()));
        self.await_reply(now, out);
    }

    fn reply(&mut self, now: Time, reply: Reply, out: &mut Vec<Output>) {
        // What the server says unasked (a farewell before it hangs up) is kept for the next
        // command: the connection is about to be lost.
        let Some(awaited) = self.awaited.pop_front() else { return };
        let fact = |fact: Fact, out: &mut Vec<Output>| out.push(Output::Fact(fact));
        match awaited {
            Awaited::Greeting => fact(Fact::Greeting(reply), out),
            Awaited::Ehlo { fallback } => {
                if reply.is_positive() {
                    self.learn(&reply);
                } else if fallback && reply.code != 421 {
                    let line = format!("HELO {}\r\n", self.name);
                    return self.send(now, line.into(), Awaited::Helo, out);
                }
                fact(Fact::Hello { stage: Stage::Ehlo, reply }, out);
            }
            Awaited::Helo => {
                self.extensions = Extensions::default();
                fact(Fact::Hello { stage: Stage::Helo, reply }, out);
            }
            Awaited::Lhlo => {
                if reply.is_positive() {
                    self.learn(&reply);
                }
                fact(Fact::Hello { stage: Stage::Lhlo, reply }, out);
            }
            Awaited::StartTls => {
                let agreed = reply.is_positive();
                fact(Fact::StartTls(reply), out);
                if agreed {
                    self.buffer.clear();
                    out.push(Output::StartTls);
                    return;
                }
            }
            Awaited::Auth => {
                if reply.code != 334 {
                    self.auth = None;
                    fact(Fact::Auth(reply), out);
                } else {
                    let response = self.auth.as_mut().map(|exchange| exchange.respond(reply.first()));
                    match response.unwrap_or(Err(ClientProblem::Done)) {
                        Ok(response) => {
                            return self.send(now, format!("{response}\r\n").into(), Awaited::Auth, out);
                        }
                        Err(problem) => fact(Fact::AuthMalformed { reply, problem }, out),
                    }
                }
            }
            Awaited::Rset => {
                self.in_transaction = false;
                fact(Fact::Reset(reply), out);
            }
            Awaited::Quit => {
                self.closed = true;
                fact(Fact::Quit(reply), out);
                out.push(Output::Close);
                return;
            }
            Awaited::Mail => {
                if let Some(running) = &mut self.running {
                    running.mail_refused = reply.code / 100 != 2;
                }
                fact(Fact::Mail(reply), out);
                return self.continue_transaction(now, out);
            }
            Awaited::Rcpt(index) => {
                if let Some(running) = self.running.as_mut().filter(|_| reply.code / 100 == 2) {
                    running.accepted.push(index);
                }
                fact(Fact::Rcpt { index, reply }, out);
                return self.continue_transaction(now, out);
            }
            Awaited::Data => return self.data(now, reply, out),
            Awaited::EndOfData(index) => {
                self.in_transaction = false;
                fact(Fact::EndOfData { index, reply }, out);
            }
            Awaited::EmptyData => self.in_transaction = false,
        }
        if self.awaited.is_empty() {
            self.running = None;
            out.push(Output::Fact(Fact::Idle));
        } else {
            self.await_reply(now, out);
        }
    }

    fn learn(&mut self, reply: &Reply) {
        let discarded = &self.discarded;
        self.extensions = Extensions::parse(reply, |keyword| discarded.iter().any(|name| name == keyword));
    }

    /// Sends the next command of a transaction without pipelining.
    fn continue_transaction(&mut self, now: Time, out: &mut Vec<Output>) {
        if !self.awaited.is_empty() {
            return self.await_reply(now, out);
        }
        let Some(running) = &mut self.running else { return };
        let index = running.next_recipient;
        match running.transaction.recipients.get(index).filter(|_| !running.mail_refused) {
            Some(recipient) => {
                let mut line = Vec::with_capacity(64);
                push_line(&mut line, "RCPT TO:", recipient);
                running.next_recipient += 1;
                self.send(now, line.into(), Awaited::Rcpt(index), out);
            }
            None if running.accepted.is_empty() || running.probe => {
                self.running = None;
                out.push(Output::Fact(Fact::Idle));
            }
            None => self.send(now, Bytes::from_static(b"DATA\r\n"), Awaited::Data, out),
        }
    }

    fn data(&mut self, now: Time, reply: Reply, out: &mut Vec<Output>) {
        let agreed = reply.code == 354 || (300..400).contains(&reply.code);
        out.push(Output::Fact(Fact::Data(reply)));
        let Some(running) = self.running.take() else { return };
        if !agreed {
            out.push(Output::Fact(Fact::Idle));
            return;
        }
        if running.mail_refused || running.accepted.is_empty() {
            return self.send(now, Bytes::from_static(b".\r\n"), Awaited::EmptyData, out);
        }
        let mut wire = Vec::new();
        stuff(&running.transaction.content, &mut wire);
        out.push(Output::Send(wire.into()));
        if self.lmtp {
            self.awaited.extend(running.accepted.iter().map(|index| Awaited::EndOfData(Some(*index))));
        } else {
            self.awaited.push_back(Awaited::EndOfData(None));
        }
        self.await_reply(now, out);
    }
}

fn push_line(out: &mut Vec<u8>, verb: &str, argument: &str) {
    out.extend_from_slice(verb.as_bytes());
    // An address can not bring a command of its own along.
    out.extend(argument.bytes().filter(|octet| !matches!(octet, b'\r' | b'\n')));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Plays replies against orders; returns what was sent and the facts.
    fn play(orders: Vec<Order>, replies: &str) -> (String, Vec<Fact>) {
        let mut out = Vec::new();
        let mut client = Client::new(Timeouts::default(), Time::default(), &mut out);
        let (mut sent, mut facts) = (String::new(), Vec::new());
        let mut orders = orders.into_iter();
        let mut replies = replies.lines();
        loop {
            let idle = client.is_idle();
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Send(bytes) => sent.push_str(&String::from_utf8_lossy(&bytes)),
                    Output::Fact(fact) => facts.push(fact),
                    _ => {}
                }
            }
            let input = if idle {
                match orders.next() {
                    Some(order) => Input::Order(order),
                    None => return (sent, facts),
                }
            } else {
                match replies.next() {
                    Some(line) => Input::Bytes(format!("{line}\r\n").into()),
                    None => return (sent, facts),
                }
            };
            client.handle(Time::default(), input, &mut out);
        }
    }

    fn hello() -> Order {
        Order::Hello { how: Hello::EhloOrHelo, name: "me".into() }
    }

    fn transaction(recipients: &[&str]) -> Order {
        Order::Send(Transaction {
            mail: "<a@b>".into(),
            recipients: recipients.iter().map(|recipient| SmolStr::from(*recipient)).collect(),
            content: Bytes::from_static(b"x\n.y\n"),
        })
    }

    #[test]
    fn a_refused_ehlo_falls_back_to_helo() {
        let (sent, facts) = play(vec![hello()], "220 hi\n500 what\n250 ok\n");
        assert_eq!(sent, "EHLO me\r\nHELO me\r\n");
        assert!(facts.contains(&Fact::Hello { stage: Stage::Helo, reply: Reply::new(250, "ok") }));
    }

    #[test]
    fn commands_are_grouped_only_with_pipelining() {
        let with = play(vec![hello(), transaction(&["<c@d>"])], "220 hi\n250-x\n250 PIPELINING\n");
        assert!(with.0.ends_with("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"), "{}", with.0);
        let without = play(vec![hello(), transaction(&["<c@d>"])], "220 hi\n250 x\n");
        assert!(without.0.ends_with("MAIL FROM:<a@b>\r\n"), "{}", without.0);
    }

    #[test]
    fn content_follows_only_for_accepted_recipients() {
        let replies = "220 hi\n250 x\n250 ok\n550 no\n250 ok\n354 go\n250 done\n";
        let (sent, facts) = play(vec![hello(), transaction(&["<c@d>", "<e@f>"])], replies);
        assert!(sent.ends_with("DATA\r\nx\r\n..y\r\n.\r\n"), "{sent}");
        assert_eq!(facts.last(), Some(&Fact::Idle));
        let (sent, _) = play(vec![hello(), transaction(&["<c@d>"])], "220 hi\n250 x\n250 ok\n550 no\n");
        assert!(sent.ends_with("RCPT TO:<c@d>\r\n"), "{sent}");
        let replies = "220 hi\n250-x\n250 PIPELINING\n250 ok\n550 no\n354 go\n554 none\n";
        let (sent, _) = play(vec![hello(), transaction(&["<c@d>"])], replies);
        assert!(sent.ends_with("DATA\r\n.\r\n"), "{sent}");
    }

    #[test]
    fn lmtp_answers_for_each_accepted_recipient() {
        let order = Order::Hello { how: Hello::Lhlo, name: "me".into() };
        let replies = "220 hi\n250 x\n250 ok\n250 ok\n550 no\n250 ok\n354 go\n250 one\n452 full\n";
        let (_, facts) = play(vec![order, transaction(&["<1>", "<2>", "<3>"])], replies);
        let ends: Vec<_> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::EndOfData { index, reply } => Some((*index, reply.code)),
                _ => None,
            })
            .collect();
        assert_eq!(ends, [(Some(0), 250), (Some(2), 452)]);
    }

    #[test]
    fn silence_and_loss_name_the_stage() {
        let mut out = Vec::new();
        let mut client = Client::new(Timeouts::default(), Time::default(), &mut out);
        assert_eq!(out, [Output::WakeAt(Time::from_secs(300))]);
        out.clear();
        client.handle(Time::from_secs(300), Input::Wake, &mut out);
        assert_eq!(out, [Output::Fact(Fact::TimedOut(Stage::Greeting)), Output::Close]);
        let mut client = Client::new(Timeouts::default(), Time::default(), &mut out);
        out.clear();
        client.handle(Time::default(), Input::Bytes(Bytes::from_static(b"220 hi\r\n")), &mut out);
        client.handle(Time::default(), Input::Order(hello()), &mut out);
        client.handle(Time::default(), Input::Lost, &mut out);
        assert!(out.contains(&Output::Fact(Fact::Lost(Stage::Ehlo))));
    }

    #[test]
    fn an_address_can_not_smuggle_a_command() {
        let (sent, _) = play(vec![hello(), transaction(&["<c@d>\r\nRSET"])], "220 hi\n250 x\n250 ok\n");
        assert!(sent.ends_with("RCPT TO:<c@d>RSET\r\n"), "{sent}");
    }

    proptest! {
        #[test]
        fn any_replies_are_survived(replies in proptest::collection::vec("([2-5][0-9]{2}[ -])?[ -~]{0,9}", 0..20)) {
            play(vec![hello(), transaction(&["<c@d>", "<e@f>"]), Order::Reset, Order::Quit], &replies.join("\n"));
        }
    }
}
