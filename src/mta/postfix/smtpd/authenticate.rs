//! AUTH (RFC 4954).

use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::commands::{error, ok};
use super::sasl::Progress;
use super::session::Session;
use crate::host::Ctx;
use crate::mta::postfix::anvil::Rate;
use crate::mta::postfix::services::Services;
use crate::smtp::command::Word;
use crate::smtp::reply::Reply;
use crate::smtp::server::{Answer, Next};
use crate::trace::Kind;

impl Session {
    pub(super) fn sasl_active(&self) -> bool {
        let conf = &self.conf;
        let encrypted = self.tls.is_some();
        conf.sasl.enabled && (encrypted || !conf.tls.auth_only) && !conf.sasl.mechanisms(encrypted).is_empty()
    }

    /// AUTH.
    pub(super) fn auth(&mut self, words: &[Word<'_>], services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        let conf = Arc::clone(&self.conf);
        if conf.helo_required && self.helo.is_none() {
            return error(503, "5.5.1 Error: send HELO/EHLO first");
        }
        if !self.sasl_active() || self.discards("AUTH") {
            return error(503, "5.5.1 Error: authentication not enabled");
        }
        if self.transaction.is_some() {
            return error(503, "5.5.1 Error: MAIL transaction in progress");
        }
        if self.login.is_some() {
            return error(503, "5.5.1 Error: already authenticated");
        }
        let (Some(mechanism), true) = (words.get(1), words.len() <= 3) else {
            return error(501, "5.5.4 Syntax: AUTH mechanism");
        };
        if let Some(refusal) = self.count_command(Rate::Auth, services, ctx) {
            return refusal;
        }
        let initial = words.get(2).map(|word| word.text);
        let random = u64::from(ctx.now.subsec_micros()) << 20 | self.sock.0;
        let challenge = || format_smolstr!("<{random}.{}@{}>", ctx.now.secs(), conf.myhostname);
        let (exchange, progress) = conf.sasl.start(mechanism.text, initial, self.tls.is_some(), ctx.host, challenge);
        self.exchange = exchange;
        self.auth_progress(mechanism.text.into(), progress, services, ctx)
    }

    /// Takes a response to a challenge.
    pub(super) fn auth_response(&mut self, line: &[u8], services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        let conf = Arc::clone(&self.conf);
        let Some(mut exchange) = self.exchange.take() else {
            return error(503, "5.5.1 Error: authentication not enabled");
        };
        let name = exchange.name.clone();
        let response = String::from_utf8_lossy(line);
        if line.len() >= conf.sasl.response_limit {
            let (from, start) = (&self.peer.namaddr, response.chars().take(30).collect::<String>());
            let limit = conf.sasl.response_limit;
            services.log.warn(ctx, &conf.tag, format_args!("{from}: request longer than {limit}: {start}..."));
            return error(500, "5.5.6 SASL response limit exceeded");
        }
        if response == "*" {
            let from = &self.peer.namaddr;
            services.log.warn(ctx, &conf.tag, format_args!("{from}: SASL {name} authentication aborted"));
            return error(501, "5.7.0 Authentication aborted");
        }
        let progress = conf.sasl.respond(&mut exchange, &response, ctx.host);
        self.exchange = Some(exchange);
        self.auth_progress(name, progress, services, ctx)
    }

    fn auth_progress(
        &mut self,
        mechanism: SmolStr,
        progress: Progress,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        let tag = self.conf.tag.clone();
        let (session, encrypted) = (self.sock, self.tls.is_some());
        match progress {
            Progress::Challenge(text) => {
                Answer { reply: Some(Reply::new(334, text)), error: false, next: Next::Response }
            }
            Progress::Success(login) => {
                self.exchange = None;
                let name = SmolStr::from(mechanism.to_ascii_uppercase());
                ctx.emit(Kind::SmtpAuth { session, mechanism: name, user: login.clone(), ok: true, encrypted });
                self.login = Some((mechanism, login));
                ok(235, "2.7.0 Authentication successful")
            }
            Progress::Failed { problem, logged, reason, login, temporary } => {
                self.exchange = None;
                if let Some(problem) = problem {
                    services.log.warn(ctx, &tag, format_args!("SASL authentication problem: {problem}"));
                }
                if let Some(logged) = logged {
                    services.log.warn(ctx, &tag, format_args!("SASL authentication failure: {logged}"));
                }
                let from = &self.peer.namaddr;
                let user = login.unwrap_or(SmolStr::new_static("(unavailable)"));
                services.log.warn(
                    ctx,
                    &tag,
                    format_args!("{from}: SASL {mechanism} authentication failed: {reason}, sasl_username={user}"),
                );
                ctx.emit(Kind::SmtpAuth { session, mechanism, user, ok: false, encrypted });
                if temporary {
                    return error(454, format!("4.7.0 Temporary authentication failure: {reason}"));
                }
                error(535, format!("5.7.8 Error: authentication failed: {reason}"))
            }
        }
    }
}
