//! smtp(8) and lmtp(8): the agent that hands mail to other hosts.
//!
//! One [`SmtpClient`] serves all services of master.cf with these programs. A request
//! ([`SmtpClient::start`]) becomes a job that asks the DNS for addresses, goes from server to
//! server, and reports what becomes of each recipient ([`SmtpClient::take_report`]).

pub mod address;
mod auth_cache;
mod authenticate;
mod checks;
pub mod conf;
mod connection;
mod dialogue;
mod downgrade;
mod failure;
mod handshake;
mod job;
pub mod nexthop;
mod notice;
mod output;
mod sasl;
mod transaction;
pub mod trouble;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use crate::dns::Lookup;
use crate::host::{Ctx, Priority};
use crate::mta::postfix::delivery::Request;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::tls::{Policy, TrustStore};
use crate::sim::net::NetInput;
use crate::sim::{ConnectError, Payload, Socket};
use crate::smtp::client::{Client, Input as ClientInput};
use crate::trace::{Decision, Kind};
use address::{Advance, Search};
use auth_cache::RefusedLogins;
use conf::SmtpConf;
use connection::{Connection, Peer, Phase, TlsState};
use job::Job;
pub use job::Report;
use nexthop::Nexthop;
use trouble::Trouble;

/// Kinds of timers in the tokens this agent asks to be woken with.
const WAKE_CONNECT: u64 = 1 << 52;
const WAKE_DIALOGUE: u64 = 2 << 52;
const WAKE_IDLE: u64 = 3 << 52;
const KIND: u64 = 3 << 52;
const NUMBER: u64 = (1 << 52) - 1;

/// The SMTP and LMTP clients of one instance.
#[derive(Clone, Debug, Default)]
pub struct SmtpClient {
    base: u64,
    services: BTreeMap<SmolStr, Arc<SmtpConf>>,
    jobs: BTreeMap<u64, Job>,
    connections: BTreeMap<Socket, Connection>,
    idle: BTreeMap<(SmolStr, SmolStr), Vec<Socket>>,
    reports: VecDeque<Report>,
    trust: TrustStore,
    refused_logins: RefusedLogins,
    /// Services whose program has said what it has to say at its start.
    announced: BTreeSet<SmolStr>,
}

impl SmtpClient {
    /// Clients for these services. `base` has the owner's bits of all tokens for timers and
    /// questions; the lower 56 bits are the agent's own.
    pub fn new(base: u64, services: impl IntoIterator<Item = SmtpConf>) -> SmtpClient {
        let services = services.into_iter().map(|conf| (conf.service.clone(), Arc::new(conf))).collect();
        SmtpClient { base, services, ..SmtpClient::default() }
    }

    /// Whether a service of master.cf is one of these.
    pub fn serves(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// The parameters of a service.
    pub fn conf(&self, service: &str) -> Option<&Arc<SmtpConf>> {
        self.services.get(service)
    }

    /// Takes over the services of another one after a reload; jobs under way keep theirs.
    pub fn take_over(&mut self, fresh: &SmtpClient) {
        self.services.clone_from(&fresh.services);
        self.trust = TrustStore::default();
        self.announced.clear();
    }

    /// The next thing to tell the queue manager. To be called until `None` after every input.
    pub fn take_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    /// Whether a socket belongs to this agent.
    pub fn owns(&self, sock: Socket) -> bool {
        self.connections.contains_key(&sock)
    }

    /// Begins a delivery. `reuse` allows to use a connection again, and to keep it afterwards.
    pub fn start(&mut self, request: Arc<Request>, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(conf) = self.services.get(&request.transport).cloned() else { return };
        let id = request.job;
        if self.announced.insert(conf.service.clone()) {
            services.log.opened(ctx, &conf.tag, &conf.problems(ctx.host));
        }
        let job = Job::new(conf, request, ctx.now);
        self.jobs.insert(id, job);
        if !self.reuse(id, services, ctx) {
            self.open_site(id, services, ctx);
        }
    }

    /// A DNS answer; `token` is what the agent asked with.
    pub fn resolved(&mut self, token: u64, lookup: Arc<Lookup>, services: &mut Services, ctx: &mut Ctx<'_>) {
        let id = token & NUMBER;
        let Some(search) = self.jobs.get_mut(&id).and_then(|job| job.search.as_mut()) else { return };
        search.answer(lookup);
        self.search(id, services, ctx);
    }

    /// A timer; `token` is what the agent asked with.
    pub fn wake(&mut self, token: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let sock = Socket(token & NUMBER);
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        match token & KIND {
            WAKE_CONNECT if connection.phase == Phase::Connecting => {
                ctx.abort(sock);
                self.connect_failed(sock, ConnectError::Timeout, services, ctx);
            }
            WAKE_DIALOGUE => self.feed(sock, ClientInput::Wake, services, ctx),
            WAKE_IDLE if connection.phase == Phase::Idle => {
                if ctx.now >= connection.idle_until {
                    self.forget_idle(sock);
                    self.quit(sock, services, ctx);
                } else {
                    ctx.wake_at(connection.idle_until, self.base | WAKE_IDLE | sock.0, "idle connection");
                }
            }
            WAKE_IDLE => connection.idle_armed = false,
            _ => {}
        }
    }

    /// Something on one of the agent's sockets.
    pub fn net(&mut self, input: NetInput, services: &mut Services, ctx: &mut Ctx<'_>) {
        match input {
            NetInput::Connected { sock, .. } => self.connected(sock, services, ctx),
            NetInput::ConnectFailed { sock, error, .. } => self.connect_failed(sock, error, services, ctx),
            NetInput::Data { sock, payload: Payload::Bytes(bytes) } => {
                let bytes = self.filter_replies(sock, bytes, services, ctx);
                let transcript = self.connections.get_mut(&sock).and_then(|connection| connection.transcript.as_mut());
                if let Some(transcript) = transcript {
                    transcript.heard(&bytes);
                }
                self.feed(sock, ClientInput::Bytes(bytes), services, ctx);
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => self.tls_message(sock, &message, services, ctx),
            NetInput::Eof { sock } => {
                ctx.close(sock);
                self.lost(sock, services, ctx);
            }
            NetInput::Reset { sock, .. } => self.lost(sock, services, ctx),
            NetInput::Accepted { .. } | NetInput::Writable { .. } | NetInput::Datagram { .. } => {}
        }
    }

    /// `smtp_reply_filter`: complete lines of replies, each as the table wants it.
    fn filter_replies(&mut self, sock: Socket, bytes: Bytes, services: &mut Services, ctx: &mut Ctx<'_>) -> Bytes {
        let Some(connection) = self.connections.get_mut(&sock) else { return bytes };
        let conf = Arc::clone(&connection.conf);
        if conf.reply_filter.is_empty() {
            return bytes;
        }
        connection.partial.extend_from_slice(&bytes);
        let end = memchr::memrchr(b'\n', &connection.partial).map_or(0, |at| at + 1);
        let rest = connection.partial.split_off(end);
        let lines = std::mem::replace(&mut connection.partial, rest);
        let peer = &connection.peer.name_port;
        let mut out = Vec::with_capacity(lines.len());
        for line in String::from_utf8_lossy(&lines).lines() {
            match conf.reply_filter.find(line, ctx.host) {
                Ok(None) => out.extend_from_slice(line.as_bytes()),
                Ok(Some(found)) => {
                    let text = format!("{peer}: replacing server reply \"{line}\" with \"{}\"", found.value);
                    services.log.info(ctx, &conf.tag, format_args!("{text}"));
                    out.extend_from_slice(found.value.as_bytes());
                }
                Err(error) => {
                    let table = &error.table;
                    services.log.warn(ctx, &conf.tag, format_args!("{peer}: table {table} lookup error for {line}"));
                    out.extend_from_slice(b"450 4.3.0 Local error");
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        out.into()
    }

    fn lost(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.forget_idle(sock);
        if self.connections.get(&sock).is_some_and(|connection| connection.tls == TlsState::Handshake) {
            return self.tls_failed(sock, services, ctx);
        }
        self.feed(sock, ClientInput::Lost, services, ctx);
        self.notify_postmaster(sock, services, ctx);
        self.connections.remove(&sock);
    }

    /// Takes the next hop apart and begins the search for its addresses.
    fn open_site(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.site >= job.sites.len() || !job.has_recipients() {
            return self.leftovers(id, services, ctx);
        }
        let conf = Arc::clone(&job.conf);
        match nexthop::parse(job.site_name(), conf.lmtp, conf.default_port) {
            Err(text) => {
                services.log.log(ctx, Priority::Error, &conf.tag, format_args!("fatal: {text}"));
                self.jobs.remove(&id);
                self.reports.push_back(Report::Fatal { job: id, service: conf.service.clone() });
            }
            Ok(Nexthop::Unix(path)) => {
                let full = if path.starts_with('/') {
                    path.clone()
                } else {
                    format_smolstr!("{}/{path}", conf.queue_directory)
                };
                job.targets.clear();
                let peer = Peer::unix(&conf.myhostname, &path);
                let nexthop = job.site_name().clone();
                let sock = ctx.connect_unix(full);
                job.socket = Some(sock);
                let connection = Connection::new(conf, id, peer, Policy::none(), &nexthop, ctx.now);
                self.connections.insert(sock, connection);
            }
            Ok(Nexthop::Inet { name, port, mx }) => {
                job.port = port;
                job.search = Some(Search::new(&name, mx && !conf.no_mx, port == 25 && !conf.lmtp));
                self.search(id, services, ctx);
            }
        }
    }

    /// Goes on with the search for addresses.
    fn search(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let Some(search) = &job.search else { return };
        let full = ctx.trace.is_full();
        let mut why =
            full.then(|| Decision::about(format_smolstr!("which servers take mail for {}?", job.site_name())));
        let found = match search.advance(&job.conf, ctx.host, why.as_mut()) {
            Advance::Need(questions) => {
                for (name, qtype) in questions {
                    ctx.resolve(self.base | id, name, qtype);
                }
                return;
            }
            Advance::Done(found) => *found,
        };
        job.search = None;
        for warning in &found.warnings {
            services.log.warn(ctx, &job.conf.tag, format_args!("{warning}"));
        }
        let verdict = match (&found.trouble, found.targets.first()) {
            (Some(trouble), _) => SmolStr::from(&trouble.reason),
            (None, Some(first)) => format_smolstr!("{}[{}] first", first.host, first.addr),
            (None, None) => SmolStr::default(),
        };
        let candidates = if found.candidates.is_empty() {
            found.targets.iter().map(|target| format_smolstr!("0 {}", target.host)).collect()
        } else {
            found.candidates
        };
        let event =
            Kind::MxChoose { queue_id: job.request.file.id.clone(), nexthop: job.site_name().clone(), candidates };
        ctx.emit_why(event, || why.unwrap_or_default().verdict(verdict));
        job.best = found.best;
        job.targets = found.targets.into();
        if let Some(trouble) = found.trouble {
            job.trouble = Some(trouble);
        }
        self.next_target(id, services, ctx);
    }

    /// Connects to the next address, or goes on to the next site.
    fn next_target(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.next_server();
        job.socket = None;
        let target = if job.has_recipients() { job.targets.pop_front() } else { None };
        let Some(target) = target else {
            job.targets.clear();
            job.addresses_tried = 0;
            job.sessions = 0;
            // The search's own trouble stands until another server says something.
            job.site += 1;
            if job.site < job.sites.len() && job.has_recipients() && !is_final(job) {
                return self.open_site(id, services, ctx);
            }
            return self.leftovers(id, services, ctx);
        };
        job.addresses_tried += 1;
        if job.addresses_tried == job.conf.address_limit {
            job.targets.clear();
        }
        let conf = Arc::clone(&job.conf);
        let mut peer = Peer::inet(&target.host, target.addr, job.port);
        peer.best_mx = target.preference == job.best;
        let nexthop = job.site_name().clone();
        let policy = match Policy::of(&conf.tls, &nexthop, &target.host, ctx.host) {
            Ok(policy) => policy,
            Err(trouble) => {
                for warning in &trouble.warnings {
                    services.log.warn(ctx, &conf.tag, format_args!("{warning}"));
                }
                job.trouble = Some(match trouble.reason {
                    Some(reason) => Trouble::new("4.7.5", reason),
                    None => Trouble::unavailable(),
                });
                return self.next_target(id, services, ctx);
            }
        };
        for warning in &policy.warnings {
            services.log.warn(ctx, &conf.tag, format_args!("{warning}"));
        }
        let mut from = conf.bind.iter().copied().find(|addr| addr.is_ipv4() == target.addr.is_ipv4());
        if let Some(addr) = from.take_if(|addr| !ctx.host.owns(*addr)) {
            let text = format!("smtp_connect_addr: bind {addr}: Cannot assign requested address");
            services.log.warn(ctx, &conf.tag, format_args!("{text}"));
        }
        let sock = ctx.connect(from, SocketAddr::new(target.addr, job.port));
        job.socket = Some(sock);
        // Zero leaves it to the operating system.
        if !conf.timeouts.connect.is_zero() {
            ctx.wake_at(ctx.now + conf.timeouts.connect, self.base | WAKE_CONNECT | sock.0, "SMTP connect time-out");
        }
        self.connections.insert(sock, Connection::new(conf, id, peer, policy, &nexthop, ctx.now));
    }

    fn connected(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.phase = Phase::Opening;
        connection.opened = ctx.now;
        let conf = Arc::clone(&connection.conf);
        if connection.policy.wrapper {
            return self.start_tls(sock, services, ctx);
        }
        let mut out = Vec::new();
        let mut client = Client::new(dialogue::timeouts(&conf), ctx.now, &mut out);
        client.discard_keywords(conf.discard_ehlo.clone());
        connection.client = Some(client);
        self.carry_out(sock, out, services, ctx);
    }

    fn connect_failed(&mut self, sock: Socket, error: ConnectError, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.remove(&sock) else { return };
        let Some(id) = connection.job else { return };
        let trouble = Trouble::new("4.4.1", format!("connect to {}: {}", connection.peer.name_port, error.text()));
        if connection.peer.name_port != connection.peer.name {
            services.log.info(ctx, &connection.conf.tag, format_args!("{}", trouble.reason));
        }
        if let Some(job) = self.jobs.get_mut(&id) {
            job.trouble = Some(trouble);
        }
        self.next_target(id, services, ctx);
    }

    /// No server remains: what to do with the recipients that are left.
    fn leftovers(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(mut job) = self.jobs.remove(&id) else { return };
        let open: Vec<usize> = job.open();
        if !open.is_empty() {
            let mut trouble = job.trouble.take().unwrap_or_else(Trouble::unavailable);
            let last = job.sites.get(job.site.saturating_sub(1)).cloned().unwrap_or_default();
            let fallback = job.site > job.fallback_from;
            if !trouble.is_soft() {
                if fallback || (!job.conf.relayhost.is_empty() && last == job.conf.relayhost) {
                    let name = if fallback { "smtp_fallback_relay" } else { "relayhost" };
                    services.log.warn(ctx, &job.conf.tag, format_args!("{name} configuration problem"));
                    trouble.dsn = "4.3.5".into();
                } else if trouble.dsn == "5.4.6" && !job.conf.best_mx_transport.is_empty() {
                    self.pass(&job, &open, services, ctx);
                    self.reports.push_back(Report::Done { job: id, hop: None });
                    return;
                }
            }
            let none = SmolStr::new_static("none");
            for at in open {
                job.fail(at, &trouble, &none, ctx.now, &mut self.reports);
            }
            job.blame(&trouble);
        }
        self.reports.push_back(Report::Done { job: id, hop: job.hop });
    }

    /// `best_mx_transport`: this host is the best exchanger of a domain it does not know.
    fn pass(&mut self, job: &Job, open: &[usize], services: &mut Services, ctx: &mut Ctx<'_>) {
        let spec = &job.conf.best_mx_transport;
        let (transport, nexthop) = match spec.split_once(':') {
            Some((transport, nexthop)) => (SmolStr::from(transport), SmolStr::from(nexthop)),
            None => (spec.clone(), SmolStr::default()),
        };
        let mut request = (*job.request).clone();
        request.recipients = open.iter().filter_map(|at| job.request.recipients.get(*at).cloned()).collect();
        for (_, address) in &request.recipients {
            services.log.info(
                ctx,
                &job.conf.tag,
                format_args!("{}: passing <{address}> to transport={transport}", request.file.id),
            );
        }
        request.transport = transport;
        if !nexthop.is_empty() {
            request.nexthop = nexthop;
        }
        self.reports.push_back(Report::Passed(request));
    }

    /// Uses a kept connection to the request's next hop again, if there is one.
    fn reuse(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) -> bool {
        let Some(job) = self.jobs.get_mut(&id) else { return false };
        if !job.request.reuse || self.idle.is_empty() {
            return false;
        }
        let key = (job.conf.service.clone(), job.request.nexthop.clone());
        let Some(sock) = self.idle.get_mut(&key).and_then(Vec::pop) else { return false };
        let Some(connection) = self.connections.get_mut(&sock) else { return false };
        connection.job = Some(id);
        connection.phase = Phase::Probing;
        job.socket = Some(sock);
        job.connected = ctx.now;
        self.feed(sock, ClientInput::Order(crate::smtp::client::Order::Reset), services, ctx);
        true
    }

    fn forget_idle(&mut self, sock: Socket) {
        let Some(connection) = self.connections.get(&sock) else { return };
        if connection.phase == Phase::Idle
            && let Some(kept) = self.idle.get_mut(&connection.key)
        {
            kept.retain(|other| *other != sock);
        }
    }
}

/// A trouble for which no other site may be tried: the mail loops.
fn is_final(job: &Job) -> bool {
    job.trouble.as_ref().is_some_and(|trouble| trouble.dsn == "5.4.6")
}
