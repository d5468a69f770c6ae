//! How much one client may do (`smtpd_client_*_limit`), as anvil(8) counts it.

use smol_str::SmolStr;

use super::commands::error;
use super::lists;
use super::restrictions::ErrorClass;
use super::session::Session;
use crate::host::{Ctx, Priority};
use crate::mta::postfix::anvil::Rate;
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::maps::MatchList;
use crate::mta::postfix::services::Services;
use crate::smtp::reply::Reply;
use crate::smtp::server::Answer;

/// The limits of a service; 0 for none.
#[derive(Clone, Debug)]
pub struct LimitsConf {
    /// The service's name in `master.cf`.
    pub service: SmolStr,
    /// Connections at a time.
    pub connections: u64,
    /// `smtpd_client_connection_rate_limit`.
    pub connection_rate: u64,
    /// `smtpd_client_message_rate_limit`.
    pub message_rate: u64,
    /// `smtpd_client_recipient_rate_limit`.
    pub recipient_rate: u64,
    /// `smtpd_client_new_tls_session_rate_limit`.
    pub new_tls_rate: u64,
    /// `smtpd_client_auth_rate_limit`.
    pub auth_rate: u64,
    /// Clients that may do as they like.
    pub exceptions: MatchList,
}

impl LimitsConf {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>, service: &SmolStr) -> Result<LimitsConf, Fatal> {
        Ok(LimitsConf {
            service: service.clone(),
            connections: params.int("smtpd_client_connection_count_limit")?,
            connection_rate: params.int("smtpd_client_connection_rate_limit")?,
            message_rate: params.int("smtpd_client_message_rate_limit")?,
            recipient_rate: params.int("smtpd_client_recipient_rate_limit")?,
            new_tls_rate: params.int("smtpd_client_new_tls_session_rate_limit")?,
            auth_rate: params.int("smtpd_client_auth_rate_limit")?,
            exceptions: params.match_list("smtpd_client_event_limit_exceptions")?,
        })
    }

    /// Whether anvil(8) is asked at all.
    fn any(&self) -> bool {
        let limits = [
            self.connections,
            self.connection_rate,
            self.message_rate,
            self.recipient_rate,
            self.new_tls_rate,
            self.auth_rate,
        ];
        limits.iter().any(|limit| *limit > 0)
    }
}

impl Session {
    /// Whether the present client's doings are limited. A list of exceptions that cannot be read is
    /// complained about, and nothing is counted.
    fn is_limited(&self, services: &mut Services, ctx: &mut Ctx<'_>) -> bool {
        let conf = &self.conf;
        if !conf.limits.any() || self.authorized.xclient || self.submitter.is_some() {
            return false;
        }
        match lists::client_matches(&conf.limits.exceptions, &self.peer.name, &self.peer.addr, ctx.host) {
            Ok(Some(_)) => false,
            Ok(None) => {
                services.log.start(ctx, "postfix/anvil");
                true
            }
            Err(error) => {
                for line in error.warnings {
                    services.log.log(ctx, Priority::Warning, &conf.tag, format_args!("{line}"));
                }
                false
            }
        }
    }

    /// Counts a new connection; the refusal if there are too many.
    pub(super) fn count_connection(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        if !self.is_limited(services, ctx) {
            return None;
        }
        let conf = self.conf.clone();
        let (count, rate) = services.anvil.connect(&conf.limits.service, self.peer.ip, ctx);
        self.counted = Some(self.peer.ip);
        let (what, number) = if conf.limits.connections > 0 && count > conf.limits.connections {
            ("Connection concurrency", count)
        } else if conf.limits.connection_rate > 0 && rate > conf.limits.connection_rate {
            ("Connection rate", rate)
        } else {
            return None;
        };
        self.limit_exceeded(what, number, services, ctx);
        let text = format!("4.7.0 {} Error: too many connections from {}", conf.myhostname, self.peer.addr);
        Some(Answer::close(Reply::new(421, text)))
    }

    /// The end of the session.
    pub(super) fn uncount_connection(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        match self.counted.take() {
            Some(addr) => services.anvil.disconnect(&self.conf.limits.service, addr, ctx.now),
            // The list is looked at once more, with its complaints.
            None => drop(self.is_limited(services, ctx)),
        }
    }

    /// Counts a MAIL, RCPT or AUTH command; the refusal if there were too many.
    pub(super) fn count_command(&mut self, rate: Rate, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let limits = &self.conf.limits;
        let (limit, what, complaint) = match rate {
            Rate::Message => (limits.message_rate, "Message delivery request rate", "too much mail"),
            Rate::Recipient => (limits.recipient_rate, "Recipient address rate", "too many recipients"),
            Rate::Auth => (limits.auth_rate, "AUTH command rate", "too many AUTH commands"),
            Rate::Connection | Rate::NewTls => return None,
        };
        if limit == 0 || !self.is_limited(services, ctx) {
            return None;
        }
        let number = services.anvil.event(rate, &self.conf.limits.service, self.peer.ip, ctx.now);
        if number <= limit {
            return None;
        }
        self.limit_exceeded(what, number, services, ctx);
        Some(error(450, format!("4.7.1 Error: {complaint} from {}", self.peer.addr)))
    }

    /// Whether STARTTLS is refused, since the client has made too many new TLS sessions.
    pub(super) fn refuse_tls(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let limit = self.conf.limits.new_tls_rate;
        if limit == 0 || !self.is_limited(services, ctx) {
            return None;
        }
        let number = services.anvil.current(Rate::NewTls, &self.conf.limits.service, self.peer.ip, ctx.now);
        if number <= limit {
            return None;
        }
        self.limit_exceeded("New TLS session rate", number, services, ctx);
        Some(error(454, format!("4.7.0 Error: too many new TLS sessions from {}", self.peer.namaddr)))
    }

    /// Counts a new TLS session; the refusal if there were too many.
    pub(super) fn count_tls(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let limit = self.conf.limits.new_tls_rate;
        if limit == 0 || !self.is_limited(services, ctx) {
            return None;
        }
        let number = services.anvil.event(Rate::NewTls, &self.conf.limits.service, self.peer.ip, ctx.now);
        if number <= limit {
            return None;
        }
        self.limit_exceeded("New TLS session rate", number, services, ctx);
        let (own, from) = (&self.conf.myhostname, &self.peer.namaddr);
        let text = format!("4.7.0 {own} Error: too many new TLS sessions from {from}");
        Some(Answer { error: true, ..Answer::close(Reply::new(421, text)) })
    }

    fn limit_exceeded(&mut self, what: &str, number: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.errors_seen.push(ErrorClass::Policy);
        let (from, service) = (&self.peer.namaddr, &self.conf.limits.service);
        services.log.warn(
            ctx,
            &self.conf.tag,
            format_args!("{what} limit exceeded: {number} from {from} for service {service}"),
        );
    }
}
