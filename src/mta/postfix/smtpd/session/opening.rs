//! How a session begins: who the client is, what it may do, and TLS.

use std::sync::Arc;

use smol_str::format_smolstr;

use super::{Pending, Session, Subjects};
use crate::host::Ctx;
use crate::host::vfs::Cred;
use crate::mta::postfix::milter::{Fallback, HOLD, Refusal};
use crate::mta::postfix::services::Services;
use crate::mta::postfix::smtpd::conf::LocalClients;
use crate::mta::postfix::smtpd::lists;
use crate::mta::postfix::smtpd::peer::{Naming, Peer, Step};
use crate::mta::postfix::smtpd::tls::{Level, TlsFacts};
use crate::sim::TlsMessage;
use crate::smtp::framing::BareNewline;
use crate::smtp::server::{Answer, Input, Next};
use crate::trace::Kind;

impl Session {
    /// Finds out who the client is.
    pub(in crate::mta::postfix::smtpd) fn start(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let (naming, step) = Naming::start(self.remote, self.conf.peername_lookup, ctx.host);
        self.naming = Some(naming);
        self.name_step(step, services, ctx);
    }

    /// Begins a session on standard input and output.
    pub(in crate::mta::postfix::smtpd) fn start_alone(
        &mut self,
        peer: Peer,
        submitter: Cred,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        self.peer = peer;
        self.submitter = Some(submitter);
        self.machine.set_bare_newline(BareNewline::Accept);
        self.connected(services, ctx);
    }

    pub(super) fn name_step(&mut self, step: Step, services: &mut Services, ctx: &mut Ctx<'_>) {
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

    pub(super) fn connected(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if self.conf.client_port_logging {
            self.peer.namaddr = format_smolstr!("{}:{}", self.peer.namaddr, self.peer.port);
        }
        services.log.info(ctx, &self.conf.tag, format_args!("connect from {}", self.peer.namaddr));
        self.find_discarded(services, ctx);
        self.authorize(ctx.host);
        if let Some(refusal) = self.count_connection(services, ctx) {
            let input = self.said(refusal, ctx);
            return self.drive(input, services, ctx);
        }
        let unknown = self.conf.local_rewrite_clients.iter().find_map(|clients| match clients {
            LocalClients::Unknown(word) => Some(word),
            _ => None,
        });
        if let Some(word) = unknown {
            let text = format!("parameter local_header_rewrite_clients: invalid request: {word}");
            services.log.warn(ctx, &self.conf.tag, format_args!("{text}"));
        }
        let exceptions = &self.conf.sasl.exceptions;
        let excepted = lists::client_matches(exceptions, &self.peer.name, &self.peer.addr, ctx.host);
        self.sasl_excepted = matches!(excepted, Ok(Some(_)));
        let conf = Arc::clone(&self.conf);
        if let Some(problem) = &conf.sasl.problem
            && conf.sasl.enabled
            && !(conf.tls.auth_only && conf.tls.level > Level::None)
        {
            for warning in &problem.warnings {
                services.log.warn(ctx, &conf.tag, format_args!("{warning}"));
            }
            crate::mta::postfix::smtpd::fail(&conf.tag, services, ctx, problem.fatal);
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
        self.call_milters(services, ctx);
        self.decide(Pending::Connect, services, ctx);
    }

    /// Calls the mail filters (`smtpd_milters`).
    pub(super) fn call_milters(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let (warnings, fallback) = self.conf.milters.call(ctx.host);
        for warning in warnings {
            services.log.warn(ctx, &self.conf.tag, format_args!("{warning}"));
        }
        self.milter = fallback;
        self.milter_refusal(Subjects::default(), services, ctx);
    }

    /// What a mail filter's silence means for the present command. It is logged.
    pub(in crate::mta::postfix::smtpd) fn milter_refusal(
        &self,
        subjects: Subjects<'_>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Option<Refusal> {
        match self.milter.clone()? {
            Fallback::Refuse(refusal) => {
                self.whatsup("milter-reject", &refusal.line(), subjects, services, ctx);
                Some(refusal)
            }
            Fallback::Hold => {
                self.whatsup("milter-hold", HOLD, subjects, services, ctx);
                None
            }
        }
    }

    /// The client began to talk without TLS where TLS was due.
    pub(super) fn not_tls(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let from = &self.peer.namaddr;
        services.log.info(ctx, &self.conf.tag, format_args!("SSL_accept error from {from}: -1"));
        let text =
            "TLS library problem: error:0A00010B:SSL routines::wrong version number:../ssl/record/ssl3_record.c:350:";
        services.log.warn(ctx, &self.conf.tag, format_args!("{text}"));
        self.lost(services, ctx);
        ctx.close(self.sock);
    }

    pub(super) fn handshake(&mut self, message: &TlsMessage, services: &mut Services, ctx: &mut Ctx<'_>) {
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
}
