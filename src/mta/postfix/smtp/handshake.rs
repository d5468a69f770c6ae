//! TLS with a server: the handshake, and what its certificate is worth.

use smol_str::{SmolStr, format_smolstr};

use super::SmtpClient;
use super::connection::TlsState;
use super::dialogue::timeouts;
use super::trouble::Trouble;
use crate::host::Ctx;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::tls::{self, Verdict};
use crate::sim::{Socket, TlsMessage};
use crate::smtp::client::{Client, Input};
use crate::trace::Kind;

/// What OpenSSL says when the server speaks none of the offered versions.
const PROTOCOL_VERSION: &str = "error:0A00042E:SSL routines::tlsv1 alert protocol version:\
                                ../ssl/record/rec_layer_s3.c:1602:SSL alert number 70:";

impl SmtpClient {
    /// Sends ClientHello.
    pub(super) fn start_tls(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        connection.tls = TlsState::Handshake;
        let versions = match connection.policy.versions() {
            Ok(versions) => versions,
            Err(problem) => {
                let (tag, peer) = (connection.conf.tag.clone(), connection.peer.name_port.clone());
                services.log.warn(ctx, &tag, format_args!("{peer}: {problem}"));
                return self.no_handshake(sock, services, ctx);
            }
        };
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
        if let TlsMessage::Alert(alert) = message
            && alert == "protocol version"
        {
            let (tag, peer) = (connection.conf.tag.clone(), connection.peer.name_port.clone());
            services.log.info(ctx, &tag, format_args!("SSL_connect error to {peer}: -1"));
            services.log.warn(ctx, &tag, format_args!("TLS library problem: {PROTOCOL_VERSION}"));
            return self.no_handshake(sock, services, ctx);
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
        self.no_handshake(sock, services, ctx);
    }

    fn no_handshake(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.bulk_fail(sock, &Trouble::new("4.7.5", "Cannot start TLS: handshake failure"), true, services, ctx);
        self.abandon(sock, services, ctx);
    }
}

/// For the `verdict` field of `smtp.tls`.
impl Verdict {
    /// Policy and outcome in a few words: `verify: Trusted`.
    pub fn text(&self, policy: &tls::Policy) -> SmolStr {
        format_smolstr!("{}: {}", policy.level.as_str(), self.word())
    }
}
