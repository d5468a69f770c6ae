//! The events of the trace: a public, versioned format. Names follow the course's list.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use smol_str::SmolStr;

use super::decision::{Decision, Source};
use crate::sim::{ConnectError, HostId, ProcId, Socket, Time};

/// Version of the event format in JSON lines; raised when a field changes its meaning.
pub const FORMAT_VERSION: u32 = 1;

/// Number of an event, counted from 1 in order of happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

/// On whose behalf something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The scenario's script.
    Scenario,
    /// A person at the shell, the window or a real socket.
    Student,
    /// A probe of the grader.
    Grader,
    /// A daemon of a host.
    Daemon,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its number.
    pub id: EventId,
    /// When.
    pub time: Time,
    /// Where; `None` for the world as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostId>,
    /// The process, if one did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proc: Option<ProcId>,
    /// On whose behalf.
    pub actor: Actor,
    /// The event that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    /// What.
    #[serde(flatten)]
    pub kind: Kind,
    /// The decision behind it, with its steps; only in a full trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<Decision>>,
}

/// How a TCP connection attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectResult {
    /// It is open.
    Open,
    /// RST.
    Refused,
    /// Silence.
    Timeout,
    /// No route or no such host.
    Unreachable,
}

impl From<ConnectError> for ConnectResult {
    fn from(error: ConnectError) -> ConnectResult {
        match error {
            ConnectError::Refused | ConnectError::NoSuchFile => ConnectResult::Refused,
            ConnectError::Timeout => ConnectResult::Timeout,
            ConnectError::Unreachable | ConnectError::NetworkUnreachable => ConnectResult::Unreachable,
        }
    }
}

/// Which of the programs that deliver did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agent {
    /// local(8) into a mailbox.
    Local,
    /// virtual(8).
    Virtual,
    /// lmtp client.
    Lmtp,
    /// pipe(8).
    Pipe,
    /// A file named by an alias or forward file.
    File,
    /// A command named by an alias, a forward file or `mailbox_command`.
    Command,
    /// smtp client: handed to the next hop.
    Smtp,
    /// error(8) or retry(8).
    Error,
    /// discard(8).
    Discard,
    /// Anything else that stores mail (an LMTP or IMAP server).
    Mailbox,
}

/// The outcome of one delivery attempt, in the log's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Done.
    Sent,
    /// To be tried again.
    Deferred,
    /// Refused for good.
    Bounced,
    /// Given up after the queue lifetime.
    Expired,
    /// Probe: would be delivered.
    Deliverable,
    /// Probe: would not be delivered.
    Undeliverable,
}

/// How mail came into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// By SMTP.
    Smtpd,
    /// By the `sendmail` command.
    Pickup,
    /// Forwarded by local(8).
    Forward,
    /// A report that this host makes itself.
    Bounce,
}

/// What a server's certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateFacts {
    /// Common name and DNS names.
    pub names: Vec<SmolStr>,
    /// Who signed it.
    pub issuer: SmolStr,
    /// Valid from.
    pub not_before: Time,
    /// Valid until.
    pub not_after: Time,
    /// Kind of the public key.
    pub key: SmolStr,
}

/// What happened. Field names are those of the JSON lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type")]
#[allow(missing_docs, reason = "the fields are the documented trace format; see the book's reference")]
pub enum Kind {
    #[serde(rename = "dns.query")]
    DnsQuery { from: IpAddr, resolver: IpAddr, qname: SmolStr, qtype: SmolStr },
    #[serde(rename = "dns.answer")]
    DnsAnswer {
        from: IpAddr,
        to: IpAddr,
        qname: SmolStr,
        qtype: SmolStr,
        rcode: SmolStr,
        records: Arc<[SmolStr]>,
        cached: bool,
    },
    #[serde(rename = "tcp.connect")]
    TcpConnect { from: SocketAddr, to: SocketAddr, port: u16, result: ConnectResult, sock: Socket },
    #[serde(rename = "smtp.session")]
    SmtpSession { session: Socket, client: SocketAddr, server: SocketAddr, port: u16 },
    #[serde(rename = "smtp.cmd")]
    SmtpCmd { session: Socket, line: SmolStr },
    #[serde(rename = "smtp.reply")]
    SmtpReply { session: Socket, code: u16, enhanced: Option<SmolStr>, text: SmolStr },
    #[serde(rename = "smtp.data")]
    SmtpData { session: Socket, bytes: Bytes },
    #[serde(rename = "smtp.tls")]
    SmtpTls {
        session: Socket,
        version: SmolStr,
        cipher: SmolStr,
        peer_name: SmolStr,
        verified: bool,
        verdict: SmolStr,
        certificate: Option<Box<CertificateFacts>>,
    },
    #[serde(rename = "smtp.auth")]
    SmtpAuth { session: Socket, mechanism: SmolStr, user: SmolStr, ok: bool, encrypted: bool },
    #[serde(rename = "policy.step")]
    PolicyStep {
        list: SmolStr,
        restriction: SmolStr,
        input: SmolStr,
        matched: bool,
        result: SmolStr,
        source: Option<Source>,
    },
    #[serde(rename = "policy.verdict")]
    PolicyVerdict { list: SmolStr, restriction: SmolStr, action: SmolStr, text: SmolStr },
    #[serde(rename = "mua.compose")]
    MuaCompose { user: SmolStr, account: SmolStr, subject: SmolStr, rcpts: Vec<SmolStr> },
    #[serde(rename = "mua.send")]
    MuaSend { user: SmolStr, account: SmolStr, server: SmolStr, ok: bool, text: SmolStr },
    #[serde(rename = "mua.fetch")]
    MuaFetch { user: SmolStr, account: SmolStr, protocol: SmolStr, count: u64 },
    #[serde(rename = "queue.enter")]
    QueueEnter { queue_id: SmolStr, queue: SmolStr, sender: SmolStr, rcpts: Arc<[SmolStr]>, via: Via },
    #[serde(rename = "queue.move")]
    QueueMove { queue_id: SmolStr, from: SmolStr, queue: SmolStr, reason: SmolStr },
    #[serde(rename = "queue.leave")]
    QueueLeave { queue_id: SmolStr, queue: SmolStr, reason: SmolStr },
    #[serde(rename = "route.decide")]
    RouteDecide { rcpt: SmolStr, class: SmolStr, transport: SmolStr, nexthop: SmolStr },
    #[serde(rename = "mx.choose")]
    MxChoose { queue_id: SmolStr, nexthop: SmolStr, candidates: Vec<SmolStr> },
    #[serde(rename = "rewrite")]
    Rewrite { kind: SmolStr, field: SmolStr, from: SmolStr, to: SmolStr },
    #[serde(rename = "alias.expand")]
    AliasExpand { name: SmolStr, source: SmolStr, results: Vec<SmolStr> },
    #[serde(rename = "deliver")]
    Deliver {
        queue_id: SmolStr,
        rcpt: SmolStr,
        orig_to: SmolStr,
        agent: Agent,
        target: SmolStr,
        uid: u32,
        dsn: SmolStr,
        status: DeliveryStatus,
        text: SmolStr,
    },
    #[serde(rename = "bounce")]
    Bounce { queue_id: SmolStr, report_id: SmolStr, to: SmolStr, dsn: SmolStr, reason: SmolStr },
    #[serde(rename = "delay.warn")]
    DelayWarn { queue_id: SmolStr, report_id: SmolStr, to: SmolStr, dsn: SmolStr, reason: SmolStr },
    #[serde(rename = "map.build")]
    MapBuild { file: SmolStr, entries: u64, duplicates: u64 },
    #[serde(rename = "config.load")]
    ConfigLoad { how: SmolStr, changed: Vec<SmolStr> },
    #[serde(rename = "filter.verdict")]
    FilterVerdict { queue_id: SmolStr, result: SmolStr },
    #[serde(rename = "spf.eval")]
    SpfEval { queue_id: SmolStr, result: SmolStr },
    #[serde(rename = "dnsbl.query")]
    DnsblQuery { zone: SmolStr, name: SmolStr, result: SmolStr },
    #[serde(rename = "pop.cmd")]
    PopCmd { session: Socket, user: SmolStr, line: SmolStr, reply: SmolStr },
    #[serde(rename = "imap.cmd")]
    ImapCmd { session: Socket, user: SmolStr, line: SmolStr, reply: SmolStr },
    #[serde(rename = "mra.poll")]
    MraPoll { user: SmolStr, server: SmolStr, count: u64 },
    #[serde(rename = "sieve.action")]
    SieveAction { user: SmolStr, action: SmolStr },
    #[serde(rename = "file.write")]
    FileWrite { path: SmolStr, by: SmolStr },
    #[serde(rename = "log.line")]
    LogLine { file: SmolStr, text: SmolStr },
    #[serde(rename = "shell.command")]
    ShellCommand { user: SmolStr, line: SmolStr },
    #[serde(rename = "shell.exit")]
    ShellExit { status: u8 },
    #[serde(rename = "shell.output")]
    ShellOutput { text: SmolStr },
    #[serde(rename = "service")]
    Service { name: SmolStr, state: SmolStr },
    #[serde(rename = "fault")]
    Fault { what: SmolStr },
    #[serde(rename = "narrate")]
    Narrate { en: SmolStr, de: SmolStr },
    #[serde(rename = "expect")]
    Expect { what: SmolStr, ok: bool, found: SmolStr },
    #[serde(rename = "clock.jump")]
    ClockJump { to: Time },
}

impl Kind {
    /// The name of the event's type, as in the JSON lines.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::DnsQuery { .. } => "dns.query",
            Kind::DnsAnswer { .. } => "dns.answer",
            Kind::TcpConnect { .. } => "tcp.connect",
            Kind::SmtpSession { .. } => "smtp.session",
            Kind::SmtpCmd { .. } => "smtp.cmd",
            Kind::SmtpReply { .. } => "smtp.reply",
            Kind::SmtpData { .. } => "smtp.data",
            Kind::SmtpTls { .. } => "smtp.tls",
            Kind::SmtpAuth { .. } => "smtp.auth",
            Kind::PolicyStep { .. } => "policy.step",
            Kind::PolicyVerdict { .. } => "policy.verdict",
            Kind::MuaCompose { .. } => "mua.compose",
            Kind::MuaSend { .. } => "mua.send",
            Kind::MuaFetch { .. } => "mua.fetch",
            Kind::QueueEnter { .. } => "queue.enter",
            Kind::QueueMove { .. } => "queue.move",
            Kind::QueueLeave { .. } => "queue.leave",
            Kind::RouteDecide { .. } => "route.decide",
            Kind::MxChoose { .. } => "mx.choose",
            Kind::Rewrite { .. } => "rewrite",
            Kind::AliasExpand { .. } => "alias.expand",
            Kind::Deliver { .. } => "deliver",
            Kind::Bounce { .. } => "bounce",
            Kind::DelayWarn { .. } => "delay.warn",
            Kind::MapBuild { .. } => "map.build",
            Kind::ConfigLoad { .. } => "config.load",
            Kind::FilterVerdict { .. } => "filter.verdict",
            Kind::SpfEval { .. } => "spf.eval",
            Kind::DnsblQuery { .. } => "dnsbl.query",
            Kind::PopCmd { .. } => "pop.cmd",
            Kind::ImapCmd { .. } => "imap.cmd",
            Kind::MraPoll { .. } => "mra.poll",
            Kind::SieveAction { .. } => "sieve.action",
            Kind::FileWrite { .. } => "file.write",
            Kind::LogLine { .. } => "log.line",
            Kind::ShellCommand { .. } => "shell.command",
            Kind::ShellExit { .. } => "shell.exit",
            Kind::ShellOutput { .. } => "shell.output",
            Kind::Service { .. } => "service",
            Kind::Fault { .. } => "fault",
            Kind::Narrate { .. } => "narrate",
            Kind::Expect { .. } => "expect",
            Kind::ClockJump { .. } => "clock.jump",
        }
    }
}
