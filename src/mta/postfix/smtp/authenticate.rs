//! Logging in at a server (`smtp_sasl_proto.c`).

use super::SmtpClient;
use super::connection::TlsState;
use super::sasl::{self, NoExchange};
use super::trouble::Trouble;
use crate::host::Ctx;
use crate::mta::postfix::services::Services;
use crate::sim::Socket;
use crate::smtp::client::Order;
use crate::smtp::reply::Reply;
use crate::trace::Kind;

impl SmtpClient {
    pub(super) fn authenticate(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
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

    pub(super) fn authenticated(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
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
}
