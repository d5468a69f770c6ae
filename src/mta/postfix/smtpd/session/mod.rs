//! One client's session: the protocol machine, what it waits for, and what is logged about it.

mod opening;
mod verdict;
mod waiting;

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
use super::restrictions::{Answers, ErrorClass, List, Need, Rejection};
use super::sasl::Exchange;
use super::tls::TlsFacts;
use super::xclient::{Authorized, Forwarded};
use super::{Event, OWNER};
use crate::host::vfs::Cred;
use crate::host::{Ctx, Priority};
use crate::mta::postfix::milter::Fallback;
use crate::mta::postfix::queue_file::QueueName;
use crate::mta::postfix::services::Services;
use crate::sim::{Payload, Socket, Time, TlsMessage};
use crate::smtp::command::{Command, Verb};
use crate::smtp::reply::Reply;
use crate::smtp::server::{Answer, Input, Next, Output, Question, Server};
use crate::trace::{EventId, Kind};

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
    /// What a mail filter's silence means for the client.
    pub(super) milter: Option<Fallback>,
    /// Whose session it is, if it is one on standard input and output: nothing restricts it.
    pub(super) submitter: Option<Cred>,
    polls: u64,
    wake: Option<(Time, Need)>,
    /// It waits for a daemon that does not answer.
    stalled: bool,
    over: bool,
    /// Room for what the machine wants, empty between inputs.
    outputs: (Vec<Output>, Vec<Output>),
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
            milter: None,
            submitter: None,
            polls: 0,
            wake: None,
            stalled: false,
            over: false,
            outputs: Default::default(),
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

    /// Feeds the machine and does what it wants.
    fn drive(&mut self, input: Input, services: &mut Services, ctx: &mut Ctx<'_>) {
        let (mut outputs, mut further) = std::mem::take(&mut self.outputs);
        self.machine.handle(ctx.now, input, &mut outputs);
        // Answers bring further outputs.
        while !outputs.is_empty() {
            for output in outputs.drain(..) {
                self.perform(output, &mut further, services, ctx);
            }
            std::mem::swap(&mut outputs, &mut further);
        }
        self.outputs = (outputs, further);
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
                let wrapped = self.conf.tls.wrapper_mode && self.tls.is_none();
                if wrapped || self.stage == "STARTTLS" && self.counting == Some(Verb::StartTls) {
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
                enhanced: reply.enhanced().map(SmolStr::from),
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
            let queue = if self.submitter.is_some() { QueueName::Maildrop } else { QueueName::Incoming };
            services.queue.release_from(queue, &id, ctx);
        }
        if self.transaction.take().is_some() {
            self.forwarded = None;
        }
        self.chunks = Chunks::None;
        self.stale_recipients = 0;
        self.carried.sender = None;
    }
}
