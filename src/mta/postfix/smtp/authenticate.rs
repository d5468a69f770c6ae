//! Logging in at a server (`smtp_sasl_proto.c`).

use super::SmtpClient;
use super::auth_cache::Refused;
use super::connection::TlsState;
use super::sasl::{self, NoExchange};
use super::trouble::Trouble;
use crate::host::Ctx;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::xsasl;
use crate::sim::Socket;
use crate::smtp::auth::{ClientProblem, Mechanism};
use crate::smtp::client::Order;
use crate::smtp::reply::Reply;
use crate::trace::Kind;

/// Why there is no login.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// What the server offers is forbidden by the security options.
    NoMechanism,
    /// The table has a login without a name.
    BlankUser,
    /// The server's challenge makes no sense.
    Exchange(ClientProblem),
}

impl From<ClientProblem> for Stop {
    fn from(problem: ClientProblem) -> Stop {
        Stop::Exchange(problem)
    }
}

impl SmtpClient {
    pub(super) fn authenticate(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let Some(job) = connection.job.and_then(|id| self.jobs.get(&id)) else { return };
        let (conf, peer) = (connection.conf.clone(), connection.peer.clone());
        let offered = connection.client.as_ref().map(|client| client.extensions().auth.clone()).unwrap_or_default();
        let allowed = match sasl::filter(&conf, &offered, ctx.host) {
            Ok(allowed) => allowed,
            Err(error) => return self.local_error(sock, &error, None, services, ctx),
        };
        if allowed.is_empty() {
            let list = match offered.is_empty() {
                true => "null AUTH mechanism list".to_owned(),
                false => format!("no supported AUTH mechanisms: '{}'", offered.join(" ")),
            };
            services.log.warn(ctx, &conf.tag, format_args!("{} offered {list}", peer.name_port));
        }
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
        let encrypted = connection.tls == TlsState::Encrypted;
        if let Some(refused) = self.refused_logins.find(&peer.host, &login, &conf, ctx.now) {
            let (host, reply) = (&peer.host, &refused.reply);
            let text = format!("SASL [CACHED] authentication failed; server {host} said: {reply}");
            let mut trouble = Trouble {
                dsn: refused.dsn.clone(),
                reason: text,
                remote_mta: host.clone(),
                remote_reply: reply.clone(),
            };
            if conf.sasl.soft_bounce {
                trouble.soften();
            }
            return self.site_fail(sock, trouble, services, ctx);
        }
        match sasl::exchange(&conf, &login, &allowed, encrypted) {
            Ok((_, Mechanism::Plain)) if login.user.trim_ascii().is_empty() => {
                self.not_authenticated(sock, Stop::BlankUser, services, ctx);
            }
            Ok((exchange, mechanism)) => {
                connection.login = Some((mechanism, login));
                self.order(sock, Order::Auth(exchange), services, ctx);
            }
            Err(NoExchange::NothingOffered) => {
                let text = format!(
                    "SASL authentication failed: server {} offered no compatible authentication mechanisms for this type of connection security",
                    peer.name
                );
                self.site_fail(sock, Trouble::new("4.7.0", text), services, ctx);
            }
            Err(NoExchange::NoMechanism) => self.not_authenticated(sock, Stop::NoMechanism, services, ctx),
        }
    }

    /// Cyrus SASL can not begin an exchange, or not go on with it.
    pub(super) fn not_authenticated(&mut self, sock: Socket, stop: Stop, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get(&sock) else { return };
        let tag = connection.conf.tag.clone();
        let (logged, reason) = match stop {
            Stop::NoMechanism => (Some("failure: No worthy mechs found".to_owned()), "no mechanism available"),
            Stop::BlankUser => (Some(format!("failure: {}", xsasl::BLANK_USER)), "generic failure"),
            Stop::Exchange(ClientProblem::NotBase64(error)) => (None, xsasl::base64_error(error)),
            Stop::Exchange(ClientProblem::NotText) => (None, "bad protocol / cancel"),
            Stop::Exchange(ClientProblem::Done) => {
                (Some("problem: attempting client step after doneflag".to_owned()), "generic failure")
            }
        };
        if let Some(logged) = logged {
            services.log.warn(ctx, &tag, format_args!("SASL authentication {logged}"));
        }
        let name = &connection.peer.name;
        let text = format!("SASL authentication failed; cannot authenticate to server {name}: {reason}");
        self.site_fail(sock, Trouble::new("4.7.0", text), services, ctx);
    }

    pub(super) fn authenticated(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.authenticated = true;
        let ok = reply.code / 100 == 2;
        let login = connection.login.take();
        if let Some((mechanism, login)) = &login {
            let (mechanism, user) = (*mechanism, login.user.clone());
            let encrypted = connection.tls == TlsState::Encrypted;
            ctx.note(|| Kind::SmtpAuth { session: sock, mechanism: mechanism.as_str().into(), user, ok, encrypted });
        }
        if ok {
            return;
        }
        let peer = &connection.peer;
        // The reply is quoted as it is; the line ends are then no printable characters.
        let quoted = reply.joined_by('?');
        let text = format!("SASL authentication failed; server {} said: {quoted}", peer.name);
        let mut trouble = Trouble::said(&peer.host, reply, text);
        if let Some((_, login)) = login
            && connection.conf.sasl.cached
            && reply.code / 100 == 5
        {
            let refused = Refused { password: login.password, dsn: trouble.dsn.clone(), reply: quoted, at: ctx.now };
            self.refused_logins.keep(&peer.host, login.user, refused);
        }
        if connection.conf.sasl.soft_bounce {
            trouble.soften();
        }
        self.site_fail(sock, trouble, services, ctx);
    }
}
