//! The dialogue with one server: what each reply means for the request (`smtp_proto.c`,
//! `smtp_trouble.c`).

use smol_str::{SmolStr, format_smolstr};

use super::checks::{self, Remark};
use super::connection::{Phase, TlsState};
use super::sasl::{self, NoExchange};
use super::trouble::{Trouble, status};
use super::{Report, SmtpClient, WAKE_DIALOGUE, WAKE_IDLE, output};
use crate::host::Ctx;
use crate::mta::postfix::maps::LookupError;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::tls::{self, Verdict};
use crate::sim::{Socket, TlsMessage};
use crate::smtp::client::{Client, Fact, Hello, Input, Order, Output, Stage, Timeouts, Transaction};
use crate::smtp::reply::Reply;
use crate::trace::{DeliveryStatus, Kind};

/// The time limits in the dialogue machine's form.
pub(super) fn timeouts(conf: &super::conf::SmtpConf) -> Timeouts {
    let limits = &conf.timeouts;
    Timeouts {
        helo: limits.helo,
        starttls: limits.starttls,
        mail: limits.mail,
        rcpt: limits.rcpt,
        data_init: limits.data_init,
        data_done: limits.data_done,
        rset: limits.rset,
        quit: limits.quit,
    }
}

/// `while ...` in the log line about a lost connection.
fn activity(stage: Stage) -> &'static str {
    match stage {
        Stage::Greeting => "receiving the initial server greeting",
        Stage::Ehlo => "performing the EHLO handshake",
        Stage::Helo => "performing the HELO handshake",
        Stage::Lhlo => "performing the LHLO handshake",
        Stage::StartTls => "performing the STARTTLS handshake",
        Stage::Auth => "performing SASL authentication",
        Stage::Mail => "sending MAIL FROM",
        Stage::Rcpt => "sending RCPT TO",
        Stage::Data => "sending DATA command",
        Stage::EndOfData => "sending end of data -- message may be sent more than once",
        Stage::Rset => "sending final RSET",
        Stage::Quit => "sending QUIT",
    }
}

/// EHLO keywords that can be discarded, in the order in which they are logged.
const DISCARDABLE: [&str; 11] = [
    "8BITMIME",
    "AUTH",
    "STARTTLS",
    "PIPELINING",
    "SIZE",
    "VRFY",
    "ETRN",
    "XFORWARD",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "SMTPUTF8",
];

/// The first word of a reply: the name by which a server calls itself.
fn first_word(reply: &Reply) -> &str {
    reply.first().split_ascii_whitespace().next().unwrap_or_default()
}

impl SmtpClient {
    /// Gives the dialogue machine an input and carries out what follows.
    pub(super) fn feed(&mut self, sock: Socket, input: Input, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(client) = self.connections.get_mut(&sock).and_then(|connection| connection.client.as_mut()) else {
            return;
        };
        let mut out = Vec::new();
        client.handle(ctx.now, input, &mut out);
        self.carry_out(sock, out, services, ctx);
    }

    pub(super) fn carry_out(&mut self, sock: Socket, out: Vec<Output>, services: &mut Services, ctx: &mut Ctx<'_>) {
        for output in out {
            match output {
                Output::Send(bytes) => ctx.send(sock, bytes),
                Output::StartTls => self.start_tls(sock, ctx),
                Output::WakeAt(time) => ctx.wake_at(time, self.base | WAKE_DIALOGUE | sock.0, "SMTP time-out"),
                Output::Close => {
                    ctx.close(sock);
                    self.connections.remove(&sock);
                }
                Output::Fact(fact) => self.fact(sock, fact, services, ctx),
            }
        }
    }

    fn order(&mut self, sock: Socket, order: Order, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.feed(sock, Input::Order(order), services, ctx);
    }

    fn fact(&mut self, sock: Socket, fact: Fact, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        match fact {
            Fact::Greeting(reply) => self.greeting(sock, &reply, services, ctx),
            Fact::Hello { reply, .. } => self.hello(sock, &reply, services, ctx),
            Fact::StartTls(reply) if !reply.is_positive() => {
                connection.starttls_refused = true;
                if connection.policy.level.is_required() {
                    let text = format!(
                        "TLS is required, but host {} refused to start TLS: {}",
                        connection.peer.name,
                        reply.joined()
                    );
                    let trouble = Trouble::said(&connection.peer.host, &reply, text);
                    self.site_fail(sock, trouble, services, ctx);
                }
            }
            Fact::StartTls(_) | Fact::AuthMalformed(_) => {}
            Fact::Auth(reply) => self.authenticated(sock, &reply, services, ctx),
            Fact::Mail(reply) => {
                connection.mail_refused = reply.code / 100 != 2;
                if connection.mail_refused {
                    self.message_refused(sock, &reply, "MAIL FROM command", services, ctx);
                }
            }
            Fact::Rcpt { index, reply } => self.recipient(sock, index, &reply, services, ctx),
            Fact::Data(reply) => {
                if reply.code / 100 != 3 && connection.accepted > 0 {
                    self.message_refused(sock, &reply, "DATA command", services, ctx);
                }
            }
            Fact::EndOfData { index, reply } => self.end_of_data(sock, index, &reply, services, ctx),
            Fact::Reset(reply) => {
                if connection.phase == Phase::Probing {
                    self.probed(sock, &reply, services, ctx);
                } else {
                    self.order(sock, Order::Quit, services, ctx);
                }
            }
            Fact::Quit(_) => {}
            Fact::Idle => self.idle(sock, services, ctx),
            Fact::Lost(stage) => {
                self.stream_failed(sock, "lost connection with", "", stage, services, ctx);
            }
            Fact::TimedOut(stage) => {
                self.stream_failed(sock, "conversation with", " timed out", stage, services, ctx);
            }
        }
    }

    fn greeting(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let mut words = reply.lines.iter().flat_map(|line| line.split([' ', '\t']));
        connection.esmtp = words.any(|word| word.eq_ignore_ascii_case("ESMTP"));
        let (conf, peer) = (&connection.conf, &connection.peer);
        if reply.code / 100 != 2 {
            let text = format!("host {} refused to talk to me: {}", peer.name, reply.joined());
            let mut trouble = Trouble::said(&peer.host, reply, text);
            if conf.skip_5xx_greeting {
                trouble.soften();
            }
            return self.site_fail(sock, trouble, services, ctx);
        }
        if peer.loop_detect && first_word(reply).eq_ignore_ascii_case(&conf.myhostname) {
            services.log.warn(
                ctx,
                &conf.tag,
                format_args!("host {} greeted me with my own hostname {}", peer.name_port, conf.myhostname),
            );
        }
    }

    fn hello(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.greeted = true;
        let (conf, peer) = (&connection.conf, &connection.peer);
        if reply.code / 100 != 2 {
            let text = format!("host {} refused to talk to me: {}", peer.name, reply.joined());
            let trouble = Trouble::said(&peer.host, reply, text);
            return self.site_fail(sock, trouble, services, ctx);
        }
        if !conf.discard_ehlo.is_empty() {
            let offered = |keyword: &&str| {
                let rest = reply.lines.iter().skip(1);
                let mut names = rest.filter_map(|line| line.split([' ', '=']).next());
                conf.discard_ehlo.iter().any(|name| name == keyword)
                    && names.any(|name| name.eq_ignore_ascii_case(keyword))
            };
            let discarded: Vec<&str> = DISCARDABLE.iter().filter(|keyword| offered(keyword)).copied().collect();
            if !discarded.is_empty() {
                let text = discarded.join(" ");
                services.log.info(ctx, &conf.tag, format_args!("discarding EHLO keywords: {text}"));
            }
        }
        if peer.loop_detect && first_word(reply).eq_ignore_ascii_case(&conf.myhostname) {
            services.log.warn(
                ctx,
                &conf.tag,
                format_args!("host {} replied to HELO/EHLO with my own hostname {}", peer.name_port, conf.myhostname),
            );
            let dsn = if peer.best_mx { "5.4.6" } else { "4.4.6" };
            let nexthop = connection.job.and_then(|id| self.jobs.get(&id)).map(|job| job.request.nexthop.clone());
            let text = format!("mail for {} loops back to myself", nexthop.unwrap_or_default());
            self.site_fail(sock, Trouble::new(dsn, text), services, ctx);
        }
    }

    /// The machine waits for orders: the next step of the session.
    fn idle(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get(&sock) else { return };
        // A fact before this one may have led to an order already.
        let Some(client) = connection.client.as_ref().filter(|client| client.is_idle()) else { return };
        let conf = &connection.conf;
        match connection.phase {
            Phase::Opening => {
                if !connection.greeted {
                    let how = match (conf.lmtp, conf.says_ehlo(connection.esmtp)) {
                        (true, _) => Hello::Lhlo,
                        (false, true) => Hello::EhloOrHelo,
                        (false, false) => Hello::Helo,
                    };
                    let name = conf.helo_name.clone();
                    return self.order(sock, Order::Hello { how, name }, services, ctx);
                }
                self.secure(sock, services, ctx);
            }
            Phase::Sending => self.transaction_over(sock, services, ctx),
            Phase::Leaving => {
                let order = if client.in_transaction() { Order::Reset } else { Order::Quit };
                self.order(sock, order, services, ctx);
            }
            Phase::Connecting | Phase::Probing | Phase::Idle => {}
        }
    }

    /// After EHLO: TLS, SASL, then the message.
    fn secure(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get(&sock) else { return };
        let Some(client) = &connection.client else { return };
        let offered = client.extensions();
        let level = connection.policy.level;
        if connection.tls == TlsState::Plain
            && level == tls::Level::None
            && offered.starttls
            && connection.conf.tls.note_offer
        {
            let (tag, host) = (&connection.conf.tag, &connection.peer.host);
            services.log.info(ctx, tag, format_args!("Host offered STARTTLS: [{host}]"));
        }
        if connection.tls == TlsState::Plain && level > tls::Level::None {
            if offered.starttls && !connection.starttls_refused {
                return self.order(sock, Order::StartTls, services, ctx);
            }
            if level.is_required() {
                let text = format!("TLS is required, but was not offered by host {}", connection.peer.name);
                return self.site_fail(sock, Trouble::new("4.7.4", text), services, ctx);
            }
        }
        if connection.conf.sasl.enabled && !offered.auth.is_empty() && !connection.authenticated {
            return self.authenticate(sock, services, ctx);
        }
        self.transact(sock, services, ctx);
    }

    fn authenticate(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let Some(job) = connection.job.and_then(|id| self.jobs.get(&id)) else { return };
        let (conf, peer) = (connection.conf.clone(), connection.peer.clone());
        let file = &job.request.file;
        let login = match sasl::login(&conf, &file.sender, &peer.host, job.site_name(), ctx.host) {
            Err(error) => {
                let parameter = if conf.lmtp { "lmtp_sasl_password_maps" } else { "smtp_sasl_password_maps" };
                let id = file.id.clone();
                return self.local_error(sock, &error, Some((id, parameter)), services, ctx);
            }
            // Without a login both sides talk like strangers.
            Ok(None) => {
                connection.authenticated = true;
                return self.transact(sock, services, ctx);
            }
            Ok(Some(login)) => login,
        };
        let offered = connection.client.as_ref().map(|client| client.extensions().auth.clone()).unwrap_or_default();
        let encrypted = connection.tls == TlsState::Encrypted;
        match sasl::exchange(&conf, &login, &offered, encrypted) {
            Ok((exchange, mechanism)) => {
                connection.login = Some((mechanism, login.user.clone()));
                self.order(sock, Order::Auth(exchange), services, ctx);
            }
            Err(NoExchange::NothingOffered) => {
                let text = format!(
                    "SASL authentication failed: server {} offered no compatible authentication mechanisms for this type of connection security",
                    peer.name
                );
                self.site_fail(sock, Trouble::new("4.7.0", text), services, ctx);
            }
            Err(NoExchange::NoMechanism) => {
                services.log.warn(ctx, &conf.tag, format_args!("SASL authentication failure: No worthy mechs found"));
                let text = format!(
                    "SASL authentication failed; cannot authenticate to server {}: no mechanism available",
                    peer.name
                );
                self.site_fail(sock, Trouble::new("4.7.0", text), services, ctx);
            }
        }
    }

    fn authenticated(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.authenticated = true;
        let ok = reply.code / 100 == 2;
        if let Some((mechanism, user)) = connection.login.take() {
            let encrypted = connection.tls == TlsState::Encrypted;
            ctx.note(|| Kind::SmtpAuth { session: sock, mechanism: mechanism.as_str().into(), user, ok, encrypted });
        }
        if ok {
            return;
        }
        let peer = &connection.peer;
        let text = format!("SASL authentication failed; server {} said: {}", peer.name, reply.joined());
        let mut trouble = Trouble::said(&peer.host, reply, text);
        if connection.conf.sasl.soft_bounce {
            trouble.soften();
        }
        self.site_fail(sock, trouble, services, ctx);
    }

    /// Sends the message of the connection's job.
    fn transact(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let Some(job) = connection.job.and_then(|id| self.jobs.get_mut(&id)) else { return };
        let Some(client) = &connection.client else { return };
        let (conf, offered) = (connection.conf.clone(), client.extensions());
        job.connected = ctx.now;
        job.dsn_passed = offered.dsn;
        job.sessions += 1;
        if job.sessions == conf.session_limit {
            job.targets.clear();
        }
        let request = job.request.clone();
        let size = request.file.size;
        if let Some(limit) = offered.size.filter(|limit| *limit > 0 && *limit < size) {
            let text = format!("message size {size} exceeds size limit {limit} of server {}", connection.peer.name);
            self.bulk_fail(sock, &Trouble::new("5.3.4", text), false, services, ctx);
            return self.abandon(sock, services, ctx);
        }
        if request.file.attributes.smtputf8 && !offered.smtputf8 {
            let text = format!("SMTPUTF8 is required, but was not offered by host {}", connection.peer.name);
            return self.message_fail(sock, Trouble::new("5.6.7", text), services, ctx);
        }
        let at = job.open();
        let built = (|| -> Result<(Transaction, bool, Vec<Remark>), LookupError> {
            let sender = output::generic(&request.file.sender, &conf, ctx.host)?;
            let auth = conf.sasl.enabled && !offered.auth.is_empty();
            let mail = output::mail(&request, &sender, &conf, offered, auth);
            let recipients = at
                .iter()
                .filter_map(|at| request.recipients.get(*at))
                .map(|(index, address)| {
                    let address = output::generic(address, &conf, ctx.host)?;
                    Ok(output::recipient(&address, request.file.recipients.get(*index), offered))
                })
                .collect::<Result<_, LookupError>>()?;
            let downgraded = output::is_downgraded(&request, &conf, offered);
            let checked = checks::apply(&request.file.message, &conf, ctx.host)?;
            let (message, remarks) = match &checked {
                Some((message, remarks)) => (message, remarks.clone()),
                None => (&request.file.message, Vec::new()),
            };
            let (content, folded) = output::content(message, downgraded, &conf, ctx.host)?;
            Ok((Transaction { mail, recipients, content }, folded, remarks))
        })();
        let (transaction, folded, remarks) = match built {
            Ok(built) => built,
            Err(error) => return self.local_error(sock, &error, None, services, ctx),
        };
        for remark in remarks {
            let id = &request.file.id;
            match remark {
                Remark::Done(text) => services.log.info(ctx, &conf.tag, format_args!("{id}: {text}")),
                Remark::Warning(text) => services.log.warn(ctx, &conf.tag, format_args!("{text}")),
            }
        }
        if folded {
            let id = &request.file.id;
            let text = format!("{id}: breaking line > {} bytes with <CR><LF>SPACE", conf.line_limit);
            services.log.info(ctx, &conf.tag, format_args!("{text}"));
        }
        connection.phase = Phase::Sending;
        connection.offered = at;
        connection.accepted = 0;
        connection.mail_refused = false;
        connection.uses += 1;
        let order =
            if request.file.attributes.is_probe() { Order::Probe(transaction) } else { Order::Send(transaction) };
        self.order(sock, order, services, ctx);
    }

    fn recipient(&mut self, sock: Socket, index: usize, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let Some(job) = connection.job.and_then(|id| self.jobs.get_mut(&id)) else { return };
        let Some(at) = connection.offered.get(index).copied() else { return };
        if connection.mail_refused {
            return;
        }
        let peer = &connection.peer;
        if reply.code / 100 == 2 {
            connection.accepted += 1;
            if job.request.file.attributes.is_probe() {
                let accepted = Trouble {
                    dsn: status(reply),
                    reason: reply.joined(),
                    remote_mta: peer.host.clone(),
                    remote_reply: reply.joined(),
                };
                job.report(at, DeliveryStatus::Sent, &accepted, &peer.name_port, ctx.now, &mut self.reports);
            }
            return;
        }
        let text = format!("host {} said: {} (in reply to RCPT TO command)", peer.name, reply.joined());
        let trouble = Trouble::said(&peer.host, reply, text);
        if trouble.is_soft() && !job.is_final_server() {
            let id = job.request.file.id.clone();
            services.log.info(ctx, &connection.conf.tag, format_args!("{id}: {}", trouble.reason));
            job.trouble = Some(trouble);
            job.keep(at);
        } else {
            job.fail(at, &trouble, &peer.name_port, ctx.now, &mut self.reports);
        }
    }

    fn end_of_data(
        &mut self,
        sock: Socket,
        index: Option<usize>,
        reply: &Reply,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        if reply.code / 100 != 2 && index.is_none() {
            return self.message_refused(sock, reply, "end of DATA command", services, ctx);
        }
        let Some(job) = connection.job.and_then(|id| self.jobs.get_mut(&id)) else { return };
        let peer = &connection.peer;
        let delivered = Trouble {
            dsn: status(reply),
            reason: reply.joined(),
            remote_mta: peer.host.clone(),
            remote_reply: reply.joined(),
        };
        let listed = match index {
            Some(index) => connection.offered.get(index).copied().into_iter().collect(),
            None => connection.offered.clone(),
        };
        for at in listed {
            if !job.is_open(at) {
                continue;
            }
            if reply.code / 100 == 2 {
                job.report(at, DeliveryStatus::Sent, &delivered, &peer.name_port, ctx.now, &mut self.reports);
            } else {
                let text = format!("host {} said: {} (in reply to end of DATA command)", peer.name, reply.joined());
                let trouble = Trouble::said(&peer.host, reply, text);
                job.fail(at, &trouble, &peer.name_port, ctx.now, &mut self.reports);
            }
        }
    }

    /// The transaction has ended one way or another.
    fn transaction_over(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let id = connection.job.take();
        let reuse = id.and_then(|id| self.jobs.get(&id)).is_some_and(|job| job.request.reuse && !job.has_recipients());
        let in_transaction = connection.client.as_ref().is_some_and(Client::in_transaction);
        let fresh = ctx.now < connection.opened + connection.conf.reuse_time;
        if reuse && fresh && !connection.bad && !in_transaction && connection.tls == TlsState::Plain {
            connection.phase = Phase::Idle;
            connection.idle_until = ctx.now + connection.conf.cache_time;
            if !std::mem::replace(&mut connection.idle_armed, true) {
                ctx.wake_at(connection.idle_until, self.base | WAKE_IDLE | sock.0, "idle connection");
            }
            self.idle.entry(connection.key.clone()).or_default().push(sock);
        } else {
            connection.phase = Phase::Leaving;
            self.idle(sock, services, ctx);
        }
        if let Some(id) = id {
            self.finish(id, services, ctx);
        }
    }

    /// The answer to RSET on a connection that was kept.
    fn probed(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        if reply.code / 100 == 2 {
            return self.transact(sock, services, ctx);
        }
        let id = connection.job.take();
        connection.phase = Phase::Leaving;
        self.order(sock, Order::Quit, services, ctx);
        if let Some(id) = id {
            self.open_site(id, services, ctx);
        }
    }

    /// A job is done with its present server.
    fn finish(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(job) = self.jobs.get(&id) else { return };
        if job.has_recipients() {
            return self.next_target(id, services, ctx);
        }
        if let Some(job) = self.jobs.remove(&id) {
            self.reports.push_back(Report::Done { job: id, hop: job.hop });
        }
    }

    /// Says goodbye to a connection that no job needs.
    pub(super) fn quit(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        if let Some(connection) = self.connections.get_mut(&sock) {
            connection.phase = Phase::Leaving;
            self.order(sock, Order::Quit, services, ctx);
        }
    }

    /// `host X said: Y (in reply to Z)` about the message as a whole.
    fn message_refused(&mut self, sock: Socket, reply: &Reply, what: &str, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        if reply.code == 421 {
            connection.bad = true;
        }
        let peer = &connection.peer;
        let text = format!("host {} said: {} (in reply to {what})", peer.name, reply.joined());
        let trouble = Trouble::said(&peer.host, reply, text);
        self.bulk_fail(sock, &trouble, false, services, ctx);
    }

    /// The message can not go to this server: no fault of the server's.
    fn message_fail(&mut self, sock: Socket, trouble: Trouble, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.bulk_fail(sock, &trouble, false, services, ctx);
        self.leave(sock, services, ctx);
    }

    /// The server does not take mail, or not from us.
    fn site_fail(&mut self, sock: Socket, trouble: Trouble, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.bulk_fail(sock, &trouble, true, services, ctx);
        self.leave(sock, services, ctx);
    }

    /// A table on this host failed.
    fn local_error(
        &mut self,
        sock: Socket,
        error: &LookupError,
        parameter: Option<(SmolStr, &str)>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(connection) = self.connections.get(&sock) else { return };
        let tag = connection.conf.tag.clone();
        for line in &error.warnings {
            let priority =
                if line.starts_with("warning") { crate::host::Priority::Warning } else { crate::host::Priority::Error };
            services.log.log(ctx, priority, &tag, format_args!("{line}"));
        }
        if let Some((id, parameter)) = parameter {
            services.log.warn(ctx, &tag, format_args!("{id}: {parameter} lookup error"));
        }
        let text = format!("local data error while talking to {}", connection.peer.name);
        self.site_fail(sock, Trouble::new("4.3.0", text), services, ctx);
    }

    /// Leaves the server; its job goes on elsewhere or ends.
    fn leave(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.phase = Phase::Leaving;
        let id = connection.job.take();
        let idle = connection.client.as_ref().is_some_and(Client::is_idle);
        if idle {
            self.idle(sock, services, ctx);
        }
        if let Some(id) = id {
            self.finish(id, services, ctx);
        }
    }

    /// All recipients about which this server has said nothing: kept for the next server if the
    /// trouble may be the server's own and there is one, else deferred or bounced.
    fn bulk_fail(
        &mut self,
        sock: Socket,
        trouble: &Trouble,
        throttle: bool,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(connection) = self.connections.get(&sock) else { return };
        let Some(job) = connection.job.and_then(|id| self.jobs.get_mut(&id)) else { return };
        let soft = trouble.is_soft() || connection.conf.soft_bounce;
        let open = job.open();
        if soft && !job.is_final_server() {
            let id = &job.request.file.id;
            services.log.info(ctx, &connection.conf.tag, format_args!("{id}: {}", trouble.reason));
            open.into_iter().for_each(|at| job.keep(at));
            job.trouble = Some(trouble.clone());
            return;
        }
        for at in open {
            job.fail(at, trouble, &connection.peer.name_port, ctx.now, &mut self.reports);
        }
        if throttle {
            job.blame(trouble);
        }
    }

    /// The connection broke, or no reply came in time.
    fn stream_failed(
        &mut self,
        sock: Socket,
        what: &str,
        how: &str,
        stage: Stage,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.bad = true;
        let Some(id) = connection.job else { return };
        if connection.phase == Phase::Probing {
            connection.job = None;
            connection.phase = Phase::Leaving;
            return self.open_site(id, services, ctx);
        }
        let text = format!("{what} {}{how} while {}", connection.peer.name, activity(stage));
        self.bulk_fail(sock, &Trouble::new("4.4.2", text), true, services, ctx);
        if let Some(connection) = self.connections.get_mut(&sock) {
            connection.job = None;
            connection.phase = Phase::Leaving;
        }
        self.finish(id, services, ctx);
    }

    /// Sends ClientHello.
    pub(super) fn start_tls(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.tls = TlsState::Handshake;
        let versions = vec![SmolStr::new_static("TLSv1.3"), SmolStr::new_static("TLSv1.2")];
        ctx.send_tls(sock, TlsMessage::ClientHello { server_name: None, versions });
    }

    /// The server's part of a handshake.
    pub(super) fn tls_message(
        &mut self,
        sock: Socket,
        message: &TlsMessage,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        if connection.tls != TlsState::Handshake {
            return;
        }
        let TlsMessage::ServerHello { version, cipher, bits, chain } = message else {
            return self.tls_failed(sock, services, ctx);
        };
        let (conf, policy) = (connection.conf.clone(), &connection.policy);
        let peer = connection.peer.clone();
        self.trust.load(&conf.tls.ca_file, &conf.tls.ca_path, ctx.host);
        let verdict = tls::verify(chain, policy, &self.trust, ctx.now);
        if policy.level.must_match()
            && let Some(text) = &verdict.complaint
        {
            services.log.info(ctx, &conf.tag, format_args!("{}", text.replace("%s", &peer.name_port)));
        }
        if conf.tls.loglevel > 0 {
            services.log.info(
                ctx,
                &conf.tag,
                format_args!(
                    "{} TLS connection established to {}: {}",
                    verdict.word(),
                    peer.name_port,
                    tls::summary(version, cipher, *bits, verdict.key.as_deref())
                ),
            );
        }
        let session = sock;
        let event = Kind::SmtpTls {
            session,
            version: version.clone(),
            cipher: cipher.clone(),
            peer_name: verdict.peer_name.clone(),
            verified: verdict.matched,
            verdict: verdict.text(policy),
            certificate: verdict.facts.clone(),
        };
        let steps = verdict.clone();
        ctx.emit_why(event, || steps.decision());
        connection.tls = TlsState::Encrypted;
        connection.greeted = false;
        let matched = verdict.matched;
        ctx.send_tls(sock, TlsMessage::Finished);
        if connection.client.is_none() {
            let mut out = Vec::new();
            let mut client = Client::new(timeouts(&conf), ctx.now, &mut out);
            client.discard_keywords(conf.discard_ehlo.clone());
            connection.client = Some(client);
            self.carry_out(sock, out, services, ctx);
        } else {
            self.feed(sock, Input::TlsEstablished, services, ctx);
        }
        let Some(connection) = self.connections.get(&sock) else { return };
        if connection.policy.level.must_match() && !matched {
            return self.site_fail(sock, Trouble::new("4.7.5", "Server certificate not verified"), services, ctx);
        }
        if connection.client.as_ref().is_some_and(Client::is_idle) {
            self.idle(sock, services, ctx);
        }
    }

    /// The handshake failed: nothing more can be said on this connection.
    pub(super) fn tls_failed(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get(&sock) else { return };
        let (tag, peer) = (connection.conf.tag.clone(), connection.peer.name_port.clone());
        services.log.info(ctx, &tag, format_args!("SSL_connect error to {peer}: lost connection"));
        self.bulk_fail(sock, &Trouble::new("4.7.5", "Cannot start TLS: handshake failure"), true, services, ctx);
        self.abandon(sock, services, ctx);
    }

    /// Closes a connection without goodbye; its job goes on elsewhere or ends.
    fn abandon(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        ctx.close(sock);
        let job = self.connections.remove(&sock).and_then(|connection| connection.job);
        if let Some(id) = job {
            self.finish(id, services, ctx);
        }
    }
}

/// For the `verdict` field of `smtp.tls`.
impl Verdict {
    /// Policy and outcome in a few words: `verify: Trusted`.
    pub fn text(&self, policy: &tls::Policy) -> SmolStr {
        format_smolstr!("{}: {}", policy.level.as_str(), self.word())
    }
}
