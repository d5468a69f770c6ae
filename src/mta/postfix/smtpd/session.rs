//! One client's session: the protocol machine, what it waits for, and what is logged about it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::chunk::Chunks;
use super::conf::SmtpdConf;
use super::data::Transaction;
use super::notice::Transcript;
use super::peer::{Naming, Peer, Step};
use super::policy::PolicyCall;
use super::restrictions::{Answers, ErrorClass, Facts, Flow, List, Lookups, Need, Note, Rejection, Run};
use super::sasl::Exchange;
use super::tls::{Level, TlsFacts};
use super::xclient::{Authorized, Forwarded};
use super::{Event, OWNER, lists};
use crate::host::{Ctx, Priority};
use crate::mta::postfix::services::Services;
use crate::sim::{Payload, Socket, Time, TlsMessage};
use crate::smtp::command::{Command, Verb};
use crate::smtp::framing::BareNewline;
use crate::smtp::reply::Reply;
use crate::smtp::server::{Answer, Input, Next, Output, Question, Server};
use crate::trace::{Decision, EventId, Kind};

/// A command that waits for its decision.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    Connect,
    Hello { verb: Verb, name: SmolStr },
    Mail(Box<Transaction>),
    Recipient(Box<crate::mta::postfix::queue_file::Recipient>),
    Verify { word: SmolStr, address: SmolStr },
    Data,
    EndOfData { content: Bytes, over_limit: bool },
    Etrn(SmolStr),
}

/// Problems at earlier commands that may have hidden a reason to refuse; with
/// `smtpd_delay_reject = no` they count at RCPT, ETRN and VRFY.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    client: Option<Rejection>,
    helo: Option<Rejection>,
    pub sender: Option<Rejection>,
}

impl Carried {
    /// The first problem before some lists.
    fn before(&self, lists: &[List]) -> Option<&Rejection> {
        match lists {
            [List::Client | List::Data | List::EndOfData] => None,
            [List::Helo] => self.client.as_ref(),
            [List::Sender] => self.helo.as_ref().or(self.client.as_ref()),
            _ => self.sender.as_ref().or(self.helo.as_ref()).or(self.client.as_ref()),
        }
    }

    fn keep(&mut self, lists: &[List], problem: Option<Rejection>) {
        match lists {
            [List::Client] => self.client = problem,
            [List::Helo] => self.helo = problem,
            _ => self.sender = problem,
        }
    }
}

/// What a rule is evaluated against, beside the session's own state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subjects<'a> {
    pub helo: Option<&'a str>,
    pub sender: Option<&'a str>,
    pub recipient: Option<&'a str>,
    pub etrn: Option<&'a str>,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) conf: Arc<SmtpdConf>,
    pub(super) sock: Socket,
    /// The event of its beginning: the cause of what somebody types into it.
    opened: EventId,
    remote: SocketAddr,
    pub(super) machine: Server,
    naming: Option<Naming>,
    pub(super) peer: Peer,
    pub(super) helo: Option<SmolStr>,
    pub(super) esmtp: bool,
    pub(super) tls: Option<TlsFacts>,
    handshake: Option<TlsFacts>,
    pub(super) login: Option<(SmolStr, SmolStr)>,
    pub(super) exchange: Option<Exchange>,
    pub(super) transaction: Option<Box<Transaction>>,
    pub(super) queue_id: Option<SmolStr>,
    pub(super) bad_pipelining: bool,
    pub(super) denied: bool,
    pub(super) junk: u64,
    pub(super) stage: &'static str,
    counts: BTreeMap<Verb, (u32, u32)>,
    counting: Option<Verb>,
    pub(super) pending: Option<Pending>,
    pub(super) policy: Option<PolicyCall>,
    pub(super) started: Time,
    pub(super) answers: Answers,
    pub(super) errors_seen: Vec<ErrorClass>,
    pub(super) carried: Carried,
    pub(super) discarded: Arc<[SmolStr]>,
    pub(super) chunks: Chunks,
    /// Recipients of content that was refused at its end; they count until the next RSET.
    pub(super) stale_recipients: u64,
    pub(super) early_hello: Option<Arc<TlsMessage>>,
    pub(super) sasl_excepted: bool,
    pub(super) authorized: Authorized,
    /// The address under which anvil(8) has counted the connection.
    pub(super) counted: Option<IpAddr>,
    pub(super) forwarded: Option<Box<Forwarded>>,
    /// The address that the client has connected to.
    pub(super) local: SocketAddr,
    /// What XCLIENT says about that instead.
    pub(super) server_addr: Option<SmolStr>,
    pub(super) server_port: Option<SmolStr>,
    /// What is said when a chunk that is skipped has passed.
    pub(super) after_chunk: Option<Answer>,
    pub(super) transcript: Transcript,
    polls: u64,
    wake: Option<(Time, Need)>,
    /// It waits for a daemon that does not answer.
    stalled: bool,
    over: bool,
}

impl Session {
    /// A session with a client that has just connected.
    pub(super) fn new(
        conf: Arc<SmtpdConf>,
        sock: Socket,
        local: SocketAddr,
        remote: SocketAddr,
        ctx: &mut Ctx<'_>,
    ) -> Session {
        let opened = ctx.emit(Kind::SmtpSession { session: sock, client: remote, server: local, port: local.port() });
        let peer = match Naming::start(remote, false, ctx.host).1 {
            Step::Done(peer, _) => *peer,
            Step::Ask(..) => unreachable!("without lookups the name is known at once"),
        };
        let machine = Server::new(conf.settings);
        Session {
            conf,
            sock,
            opened,
            remote,
            machine,
            naming: None,
            peer,
            helo: None,
            esmtp: false,
            tls: None,
            handshake: None,
            login: None,
            exchange: None,
            transaction: None,
            queue_id: None,
            bad_pipelining: false,
            denied: false,
            junk: 0,
            stage: "CONNECT",
            counts: BTreeMap::new(),
            counting: None,
            pending: None,
            policy: None,
            started: ctx.now,
            answers: Answers::default(),
            errors_seen: Vec::new(),
            carried: Carried::default(),
            discarded: Arc::default(),
            chunks: Chunks::default(),
            stale_recipients: 0,
            early_hello: None,
            sasl_excepted: false,
            authorized: Authorized::default(),
            counted: None,
            forwarded: None,
            local,
            server_addr: None,
            server_port: None,
            after_chunk: None,
            transcript: Transcript::default(),
            polls: 0,
            wake: None,
            stalled: false,
            over: false,
        }
    }

    /// Whether the session has ended.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Where the session is in the state diagram.
    pub fn diagram(&self) -> crate::smtp::diagram::ServerState {
        self.machine.diagram()
    }

    fn token(&self) -> u64 {
        OWNER | self.sock.0
    }

    /// Finds out who the client is.
    pub(super) fn start(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let (naming, step) = Naming::start(self.remote, self.conf.peername_lookup, ctx.host);
        self.naming = Some(naming);
        self.name_step(step, services, ctx);
    }

    fn name_step(&mut self, step: Step, services: &mut Services, ctx: &mut Ctx<'_>) {
        match step {
            Step::Ask(name, qtype) => ctx.resolve(self.token(), name, qtype),
            Step::Done(peer, warning) => {
                self.naming = None;
                self.peer = *peer;
                if let Some(warning) = warning {
                    services.log.warn(ctx, &self.conf.tag, format_args!("{warning}"));
                }
                self.connected(services, ctx);
            }
        }
    }

    fn connected(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        services.log.info(ctx, &self.conf.tag, format_args!("connect from {}", self.peer.namaddr));
        self.find_discarded(services, ctx);
        self.authorize(ctx.host);
        if let Some(refusal) = self.count_connection(services, ctx) {
            let input = self.said(refusal, ctx);
            return self.drive(input, services, ctx);
        }
        let exceptions = &self.conf.sasl.exceptions;
        let excepted = lists::client_matches(exceptions, &self.peer.name, &self.peer.addr, ctx.host);
        self.sasl_excepted = matches!(excepted, Ok(Some(_)));
        let conf = Arc::clone(&self.conf);
        if conf.sasl.enabled
            && conf.sasl.mechanisms(false).is_empty()
            && !(conf.tls.auth_only && conf.tls.level > Level::None)
        {
            let text = "xsasl_cyrus_server_get_mechanism_list: no applicable SASL mechanisms";
            services.log.warn(ctx, &conf.tag, format_args!("{text}"));
            super::fail(&conf.tag, services, ctx, "no SASL authentication mechanisms");
            ctx.close(self.sock);
            self.over = true;
            return;
        }
        let excluded = lists::client_matches(&conf.bare_newline_exclusions, &self.peer.name, &self.peer.addr, ctx.host);
        if matches!(excluded, Ok(Some(_))) {
            self.machine.set_bare_newline(BareNewline::Accept);
        }
        if conf.tls.wrapper_mode {
            let plain = !self.machine.pending().is_empty();
            let answer = Answer { reply: None, error: false, next: Next::Tls };
            self.drive(Input::Answer(answer), services, ctx);
            match self.early_hello.take() {
                Some(hello) => self.handshake(&hello, services, ctx),
                None if plain => self.not_tls(services, ctx),
                None => {}
            }
            return;
        }
        self.decide(Pending::Connect, services, ctx);
    }

    /// Takes an event.
    pub(super) fn handle(&mut self, event: Event, services: &mut Services, ctx: &mut Ctx<'_>) {
        ctx.cause = ctx.cause.or(Some(self.opened));
        match event {
            Event::Data(_, Payload::Bytes(_)) if self.naming.is_none() && self.machine.awaits_tls() => {
                self.not_tls(services, ctx);
            }
            Event::Data(_, Payload::Bytes(bytes)) => {
                ctx.note(|| Kind::SmtpData { session: self.sock, bytes: bytes.clone() });
                self.drive(Input::Bytes(bytes), services, ctx);
            }
            Event::Data(_, Payload::Tls(message)) if self.naming.is_some() => self.early_hello = Some(message),
            Event::Data(_, Payload::Tls(message)) => self.handshake(&message, services, ctx),
            Event::Lost(_) if self.naming.is_some() => self.over = true,
            // It does not even notice.
            Event::Lost(sock) if self.stalled => {
                ctx.close(sock);
                self.over = true;
            }
            Event::Lost(_) => self.drive(Input::Lost, services, ctx),
            Event::Wake(_) => match self.wake.take() {
                Some((time, need)) if ctx.now >= time => self.waited(need, services, ctx),
                wake => {
                    self.wake = wake;
                    self.drive(Input::Wake, services, ctx);
                }
            },
            Event::Policy(_, input) => self.policy_event(input, services, ctx),
            Event::Resolved(_, lookup) => match self.naming.take() {
                Some(mut naming) => {
                    let step = naming.answer(&lookup, ctx.host);
                    self.naming = Some(naming);
                    self.name_step(step, services, ctx);
                }
                None => {
                    self.answers.add_dns(lookup);
                    self.resume(services, ctx);
                }
            },
        }
    }

    /// The client began to talk without TLS where TLS was due.
    fn not_tls(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let from = &self.peer.namaddr;
        services.log.info(ctx, &self.conf.tag, format_args!("SSL_accept error from {from}: -1"));
        let text =
            "TLS library problem: error:0A00010B:SSL routines::wrong version number:../ssl/record/ssl3_record.c:350:";
        services.log.warn(ctx, &self.conf.tag, format_args!("{text}"));
        self.lost(services, ctx);
        ctx.close(self.sock);
    }

    fn handshake(&mut self, message: &TlsMessage, services: &mut Services, ctx: &mut Ctx<'_>) {
        match message {
            TlsMessage::ClientHello { versions, .. } => {
                let (hello, facts) = self.conf.tls.server_hello(versions);
                ctx.send_tls(self.sock, hello);
                self.handshake = Some(facts);
            }
            TlsMessage::Finished => {
                let Some(facts) = self.handshake.take() else { return };
                if self.conf.tls.log_level > 0 {
                    let TlsFacts { version, cipher, bits, key_facts } = &facts;
                    let from = &self.peer.namaddr;
                    services.log.info(
                        ctx,
                        &self.conf.tag,
                        format_args!(
                            "Anonymous TLS connection established from {from}: {version} with cipher {cipher} \
                             ({bits}/{bits} bits) {key_facts}"
                        ),
                    );
                }
                ctx.emit(Kind::SmtpTls {
                    session: self.sock,
                    version: facts.version.clone(),
                    cipher: facts.cipher.clone(),
                    peer_name: self.peer.name.clone(),
                    verified: false,
                    verdict: "anonymous".into(),
                    certificate: None,
                });
                self.tls = Some(facts);
                let wrapper = self.conf.tls.wrapper_mode && self.stage == "CONNECT";
                if let Some(refusal) = self.count_tls(services, ctx) {
                    let input = self.said(refusal, ctx);
                    return self.drive(input, services, ctx);
                }
                self.count(true);
                self.helo = None;
                if wrapper {
                    self.machine.handle(ctx.now, Input::TlsEstablished, &mut Vec::new());
                    return self.decide(Pending::Connect, services, ctx);
                }
                self.drive(Input::TlsEstablished, services, ctx);
            }
            TlsMessage::Alert(_) => {
                let from = &self.peer.namaddr;
                services.log.info(ctx, &self.conf.tag, format_args!("SSL_accept error from {from}: -1"));
                self.lost(services, ctx);
                ctx.close(self.sock);
            }
            TlsMessage::ServerHello { .. } => {}
        }
    }

    /// Feeds the machine and does what it wants.
    fn drive(&mut self, input: Input, services: &mut Services, ctx: &mut Ctx<'_>) {
        let (mut outputs, mut further) = (Vec::with_capacity(4), Vec::with_capacity(4));
        self.machine.handle(ctx.now, input, &mut outputs);
        // Answers bring further outputs.
        while !outputs.is_empty() {
            for output in outputs.drain(..) {
                self.perform(output, &mut further, services, ctx);
            }
            std::mem::swap(&mut outputs, &mut further);
        }
    }

    /// Does what the machine wants; what that leads to is appended.
    fn perform(&mut self, output: Output, further: &mut Vec<Output>, services: &mut Services, ctx: &mut Ctx<'_>) {
        match output {
            Output::Ask(question) => {
                if let Some(answer) = self.question(question, services, ctx) {
                    let input = self.said(answer, ctx);
                    self.machine.handle(ctx.now, input, further);
                }
            }
            Output::Send(bytes) => ctx.send(self.sock, bytes),
            Output::StartTls => {}
            Output::Close => {
                self.finish(services, ctx);
                ctx.close(self.sock);
            }
            Output::WakeAt(time) => ctx.idle_at(self.sock, time, self.token(), "smtpd timeout"),
            Output::Lost => {
                if self.stage == "STARTTLS" && self.counting == Some(Verb::StartTls) {
                    let from = &self.peer.namaddr;
                    services.log.info(
                        ctx,
                        &self.conf.tag,
                        format_args!("SSL_accept error from {from}: lost connection"),
                    );
                }
                self.lost(services, ctx);
                ctx.close(self.sock);
            }
        }
    }

    fn lost(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        // Nothing is lost when a client leaves after its message.
        if self.stage != "END-OF-MESSAGE" {
            let (place, from) = (self.place(), &self.peer.namaddr);
            services.log.info(ctx, &self.conf.tag, format_args!("lost connection after {place} from {from}"));
        }
        self.finish(services, ctx);
    }

    /// Where the session is, as the log says it when it breaks off.
    fn place(&self) -> String {
        match self.stage {
            "DATA" => format!("DATA ({} bytes)", self.machine.data_octets()),
            stage => stage.to_owned(),
        }
    }

    /// Notes a reply, counts the command, and turns the answer into input for the machine.
    fn said(&mut self, mut answer: Answer, ctx: &mut Ctx<'_>) -> Input {
        if let Some(reply) = &mut answer.reply
            && reply.code >= 400
        {
            self.dress(reply, ctx);
        }
        if let Some(reply) = &answer.reply {
            let session = self.sock;
            ctx.note(|| Kind::SmtpReply {
                session,
                code: reply.code,
                enhanced: reply.enhanced.clone(),
                text: reply.lines.join("\n").into(),
            });
            self.transcript.said(reply);
        }
        if matches!(answer.next, Next::Command | Next::Close) {
            self.count(!answer.error);
        }
        Input::Answer(answer)
    }

    /// The present line is no command: it is not counted.
    pub(super) fn uncount(&mut self) {
        self.counting = None;
    }

    /// The present command is counted under another verb.
    pub(super) fn count_as(&mut self, verb: Verb) {
        self.counting = Some(verb);
    }

    pub(super) fn count(&mut self, success: bool) {
        if let Some(verb) = self.counting.take() {
            let counts = self.counts.entry(verb).or_default();
            counts.0 += u32::from(success);
            counts.1 += 1;
        }
    }

    fn question(&mut self, question: Question, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let hostname = self.conf.myhostname.clone();
        match question {
            Question::Command(command) => self.accept_command(command, services, ctx),
            Question::Response(line) => Some(self.auth_response(&line, services, ctx)),
            Question::Message { content, over_limit } => {
                self.stage = "END-OF-MESSAGE";
                self.run(Pending::EndOfData { content, over_limit }, services, ctx)
            }
            Question::Chunk => Some(self.chunk_done()),
            Question::BareNewline => {
                self.errors_seen.push(ErrorClass::Protocol);
                let (stage, from) = (self.stage, &self.peer.namaddr);
                services.log.info(ctx, &self.conf.tag, format_args!("bare <LF> received after {stage} from {from}"));
                let code = self.conf.bare_newline_reject_code;
                Some(Answer::close(Reply::new(code, "5.5.2 Error: bare <LF> received")))
            }
            Question::TimedOut => {
                let (place, from) = (self.place(), &self.peer.namaddr);
                services.log.info(ctx, &self.conf.tag, format_args!("timeout after {place} from {from}"));
                self.count(false);
                Some(Answer::close(Reply::new(421, format!("4.4.2 {hostname} Error: timeout exceeded"))))
            }
            Question::TooManyErrors => {
                self.errors_seen.push(ErrorClass::Protocol);
                let (stage, from) = (self.stage, &self.peer.namaddr);
                services.log.info(ctx, &self.conf.tag, format_args!("too many errors after {stage} from {from}"));
                Some(Answer::close(Reply::new(421, format!("4.7.0 {hostname} Error: too many errors"))))
            }
        }
    }

    fn accept_command(&mut self, command: Command, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let session = self.sock;
        ctx.emit_full(|| Kind::SmtpCmd { session, line: command.text() });
        self.transcript.heard(&command.line);
        if let Some(answer) = self.refused_on_purpose(&command, services, ctx) {
            return Some(answer);
        }
        let command = match self.filter_command(command, services, ctx) {
            Ok(command) => command,
            Err(answer) => return Some(answer),
        };
        self.counting = Some(command.verb);
        self.command(command, services, ctx)
    }

    /// What somebody has armed for practice, before anything is decided.
    fn refused_on_purpose(&mut self, command: &Command, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        if ctx.host.refusals.is_empty() {
            return None;
        }
        let text = command.text();
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let (name, code) = ctx.host.refusals.meet(&verb, &text)?;
        ctx.emit(Kind::Fault { what: name });
        let reply = Reply::new(code, format!("{}.3.0 A fault for practice", code / 100));
        let id = self.queue_id.as_deref().unwrap_or("NOQUEUE");
        let (from, said) = (&self.peer.namaddr, reply.lines.join(" "));
        services.log.info(ctx, &self.conf.tag, format_args!("{id}: reject: {verb} from {from}: {code} {said}"));
        Some(if code == 421 { Answer::close(reply) } else { Answer::error(reply) })
    }

    /// Replaces a command as `smtpd_command_filter` says.
    fn filter_command(
        &mut self,
        command: Command,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Command, Answer> {
        let conf = Arc::clone(&self.conf);
        let Some(table) = &conf.command_filter else { return Ok(command) };
        let text = command.text();
        match table.find(text.trim_start_matches([' ', '\t']), ctx.host) {
            Ok(None) => Ok(command),
            Ok(Some(found)) => {
                let (from, by) = (&self.peer.namaddr, &found.value);
                let line = format!("{from}: replacing command \"{text:.100}\" with \"{by:.100}\"");
                services.log.info(ctx, &conf.tag, format_args!("{line}"));
                Ok(Command::parse(found.value.as_bytes().to_vec().into()))
            }
            Err(error) => {
                for line in error.warnings {
                    services.log.log(ctx, Priority::Warning, &conf.tag, format_args!("{line}"));
                }
                services.log.warn(ctx, &conf.tag, format_args!("{} lookup error for \"{text:.100}\"", table.name()));
                self.errors_seen.push(ErrorClass::Data);
                let reply = Reply::new(421, format!("4.3.0 {} Server local data error", conf.myhostname));
                let id = self.queue_id.as_deref().unwrap_or("NOQUEUE");
                let (stage, from, text) = (self.stage, &self.peer.namaddr, reply.lines.join(" "));
                services.log.info(ctx, &conf.tag, format_args!("{id}: reject: {stage} from {from}: 421 {text}"));
                Err(Answer::close(reply))
            }
        }
    }

    /// Decides a command; if that takes time, the session waits.
    fn decide(&mut self, pending: Pending, services: &mut Services, ctx: &mut Ctx<'_>) {
        if let Some(answer) = self.run(pending, services, ctx) {
            let input = self.said(answer, ctx);
            self.drive(input, services, ctx);
        }
    }

    fn resume(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if let Some(pending) = self.pending.take() {
            self.decide(pending, services, ctx);
        }
    }

    pub(super) fn run(&mut self, pending: Pending, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        match self.complete(&pending, services, ctx) {
            Ok(answer) => {
                self.answers.clear();
                Some(answer)
            }
            Err(need) => {
                self.pending = Some(pending);
                self.need(need, services, ctx);
                None
            }
        }
    }

    fn need(&mut self, need: Need, services: &mut Services, ctx: &mut Ctx<'_>) {
        match need {
            Need::Dns(name, qtype) => ctx.resolve(self.token(), name, qtype),
            // The session waits for a daemon that never comes up.
            Need::Daemon => self.stalled = true,
            Need::Sleep(secs) => {
                self.wait(std::time::Duration::from_secs(secs), need, ctx);
            }
            Need::Policy(service) => self.ask_policy(service, services, ctx),
            Need::Again => self.wait(std::time::Duration::ZERO, need, ctx),
            Need::Verify(address) => {
                self.polls = 0;
                self.poll(address, services, ctx);
            }
        }
    }

    pub(super) fn wait(&mut self, span: std::time::Duration, need: Need, ctx: &mut Ctx<'_>) {
        let time = ctx.now + span;
        self.wake = Some((time, need));
        ctx.wake_at(time, self.token(), "smtpd waits");
    }

    fn poll(&mut self, address: SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        let answer = crate::mta::postfix::verify::query(&address, services, ctx);
        self.polls += 1;
        let done = answer.status != crate::mta::postfix::verify::Status::Unknown;
        let (delay, last) = (services.verify.poll_delay, self.polls > services.verify.poll_count);
        if done || last {
            self.answers.add_verified(address.clone(), answer.status, answer.text);
            // Not within this call: the machine is busy with the question.
            return self.wait(std::time::Duration::ZERO, Need::Again, ctx);
        }
        self.wait(delay, Need::Verify(address), ctx);
    }

    fn waited(&mut self, need: Need, services: &mut Services, ctx: &mut Ctx<'_>) {
        match need {
            Need::Verify(address) => self.poll(address, services, ctx),
            Need::Daemon => {}
            Need::Sleep(_) => {
                self.answers.slept();
                self.resume(services, ctx);
            }
            Need::Policy(_) => self.policy_waited(services, ctx),
            Need::Dns(..) | Need::Again => self.resume(services, ctx),
        }
    }

    /// Evaluates restriction lists for the present command. The refusal is logged.
    pub(super) fn check(
        &mut self,
        which: &[List],
        subjects: Subjects<'_>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Result<Run, Rejection>, Need> {
        let conf = Arc::clone(&self.conf);
        let facts = Facts {
            peer: &self.peer,
            helo: subjects.helo,
            sender: subjects.sender,
            recipient: subjects.recipient,
            recipients: self.transaction.as_ref().map_or(0, |transaction| transaction.recipients.len() as u64),
            login: self.login.as_ref().map(|(_, login)| login.as_str()),
            mechanism: self.login.as_ref().map(|(mechanism, _)| mechanism.as_str()),
            held: self.transaction.as_ref().is_some_and(|transaction| transaction.actions.hold),
            encrypted: self.tls.is_some(),
            bad_pipelining: self.bad_pipelining,
            etrn: subjects.etrn,
            early: !conf.checks.delay_reject && matches!(which, [List::Client | List::Helo | List::Sender]),
            carried: self.carried.before(which),
            stage: self.stage,
        };
        let mut run = Run::default();
        let lookups = Lookups { answers: &mut self.answers, services, ctx };
        let flow = conf.checks.evaluate(which, facts, lookups, &mut run);
        if let Flow::Need(need) = flow {
            return Err(need);
        }
        if facts.early {
            self.carried.keep(which, run.defer_if_permit.clone());
        }
        let steps = run.looked.clone();
        for looked in std::mem::take(&mut run.looked) {
            ctx.note(|| looked.event());
        }
        for note in std::mem::take(&mut run.notes) {
            match note {
                Note::Happened(what, text) => self.whatsup(what, &text, subjects, services, ctx),
                Note::Info(line) => services.log.info(ctx, &conf.tag, format_args!("{line}")),
                Note::Line(line) => services.log.log(ctx, Priority::Warning, &conf.tag, format_args!("{line}")),
            }
        }
        let deciding = steps.iter().rev().find(|looked| looked.matched);
        let (list, restriction) = match deciding {
            Some(looked) => (looked.list.parameter(), looked.rule.clone()),
            None => (which.last().map_or("", |list| list.parameter()), SmolStr::default()),
        };
        let (action, text) = match &flow {
            Flow::Reject(rejection) => ("reject", SmolStr::from(rejection.line())),
            _ => ("permit", SmolStr::default()),
        };
        if ctx.trace.is_full() || action == "reject" {
            let question = format!("is {} from {} permitted?", self.stage, self.peer.namaddr);
            ctx.emit_why(Kind::PolicyVerdict { list: list.into(), restriction, action: action.into(), text }, || {
                let mut decision = Decision::about(question);
                for looked in steps {
                    decision.step(looked.rule, looked.input, looked.matched, looked.result);
                    decision.at(looked.source);
                }
                decision.verdict(action)
            });
        }
        match flow {
            Flow::Reject(rejection) => {
                self.whatsup("reject", &rejection.line(), subjects, services, ctx);
                self.errors_seen.push(rejection.class);
                // What tables asked for before the refusal holds for the message nevertheless.
                if let Some(transaction) = &mut self.transaction {
                    transaction.actions.merge(run.actions);
                }
                Ok(Err(*rejection))
            }
            _ => Ok(Ok(run)),
        }
    }

    /// `QUEUEID: what: RCPT from client: text; from=<…> to=<…> proto=… helo=<…>`.
    pub(super) fn whatsup(
        &self,
        what: &str,
        text: &str,
        subjects: Subjects<'_>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        use crate::smtp::path::quote_address;
        if !ctx.trace.is_full() {
            return;
        }
        let id = self.queue_id.as_deref().unwrap_or("NOQUEUE");
        let mut line = format!("{id}: {what}: {} from {}: {text};", self.stage, self.peer.namaddr);
        // Writing to a string does not fail.
        if let Some(sender) = subjects.sender {
            let _ = write!(line, " from=<{}>", quote_address(sender));
        }
        if let Some(recipient) = subjects.recipient {
            let _ = write!(line, " to=<{}>", quote_address(recipient));
        }
        let _ = write!(line, " proto={}", if self.esmtp { "ESMTP" } else { "SMTP" });
        if let Some(helo) = subjects.helo {
            let _ = write!(line, " helo=<{helo}>");
        }
        services.log.info(ctx, &self.conf.tag, format_args!("{line}"));
    }

    /// The end: what is unfinished is forgotten, and the counts are logged.
    fn finish(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        // A command that never got its answer did not succeed.
        self.count(false);
        self.reset(services, ctx);
        self.notify_postmaster(services, ctx);
        self.uncount_connection(services, ctx);
        self.drop_policy(ctx);
        if !ctx.trace.is_full() {
            return;
        }
        let mut line = format!("disconnect from {}", self.peer.namaddr);
        let (mut done, mut all) = (0, 0);
        for (verb, (success, total)) in &self.counts {
            let _ = write!(line, " {}={success}", verb.as_str().to_ascii_lowercase());
            if success != total {
                let _ = write!(line, "/{total}");
            }
            done += success;
            all += total;
        }
        let _ = write!(line, " commands={done}");
        if done != all || all == 0 {
            let _ = write!(line, "/{all}");
        }
        services.log.info(ctx, &self.conf.tag, format_args!("{line}"));
    }

    /// Forgets the transaction.
    pub(super) fn reset(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if let Some(id) = self.queue_id.take() {
            services.queue.release(&id, ctx);
        }
        if self.transaction.take().is_some() {
            self.forwarded = None;
        }
        self.chunks = Chunks::None;
        self.stale_recipients = 0;
        self.carried.sender = None;
    }
}
