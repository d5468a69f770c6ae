//! The dialogue with one server: what each reply means for the request (`smtp_proto.c`,
//! `smtp_trouble.c`).

use super::connection::{Phase, TlsState};
use super::trouble::Trouble;
use super::{SmtpClient, WAKE_DIALOGUE};
use crate::host::Ctx;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::tls;
use crate::sim::Socket;
use crate::smtp::client::{Fact, Hello, Input, Order, Output, Timeouts};
use crate::smtp::reply::Reply;

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

/// The code of a reply that refuses what was asked for.
fn refusal(fact: &Fact, mail_refused: bool) -> Option<u16> {
    let (reply, wanted) = match fact {
        Fact::Greeting(reply) | Fact::Hello { reply, .. } | Fact::Mail(reply) | Fact::EndOfData { reply, .. } => {
            (reply, 2)
        }
        Fact::Auth(reply) => (reply, 2),
        Fact::Rcpt { reply, .. } if !mail_refused => (reply, 2),
        Fact::Data(reply) if !mail_refused => (reply, 3),
        _ => return None,
    };
    (reply.code / 100 != wanted).then_some(reply.code)
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
        // What follows the answer to DATA is a message's content.
        let mut content = false;
        for output in out {
            if let Some(transcript) =
                self.connections.get_mut(&sock).and_then(|connection| connection.transcript.as_mut())
            {
                match &output {
                    Output::Send(_) if std::mem::take(&mut content) => transcript.said(b"."),
                    Output::Send(bytes) => transcript.said(bytes),
                    Output::Fact(Fact::Data(reply)) => content = reply.code / 100 == 3,
                    _ => {}
                }
            }
            match output {
                Output::Send(bytes) => ctx.send(sock, bytes),
                Output::StartTls => self.start_tls(sock, services, ctx),
                Output::WakeAt(time) => ctx.wake_at(time, self.base | WAKE_DIALOGUE | sock.0, "SMTP time-out"),
                Output::Close => {
                    ctx.close(sock);
                    self.notify_postmaster(sock, services, ctx);
                    self.connections.remove(&sock);
                }
                Output::Fact(fact) => self.fact(sock, fact, services, ctx),
            }
        }
    }

    pub(super) fn order(&mut self, sock: Socket, order: Order, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.feed(sock, Input::Order(order), services, ctx);
    }

    pub(super) fn fact(&mut self, sock: Socket, fact: Fact, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        if let (Some(transcript), Some(code)) = (&mut connection.transcript, refusal(&fact, connection.mail_refused)) {
            transcript.refused(code);
        }
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
            Fact::StartTls(_) => {}
            Fact::AuthMalformed { problem, .. } => self.not_authenticated(sock, problem.into(), services, ctx),
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

    pub(super) fn greeting(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
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

    pub(super) fn hello(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
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
    pub(super) fn idle(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
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
    pub(super) fn secure(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
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
        if connection.conf.sasl.enabled && offered.auth_announced && !connection.authenticated {
            return self.authenticate(sock, services, ctx);
        }
        self.transact(sock, services, ctx);
    }
}
