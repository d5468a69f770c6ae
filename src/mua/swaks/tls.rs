//! STARTTLS and TLS on connect.

use super::options::{Point, Want};
use super::transcript::Line;
use super::{Step, Swaks, status};
use crate::host::tls::{Certificate, TrustStore};
use crate::host::{Env, Progress};
use crate::sim::{Socket, TlsMessage};

impl Swaks {
    pub(super) fn secure(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.options.tls == Want::No || self.has_tls {
            return self.without_tls(env);
        }
        if self.offers("STARTTLS") {
            return self.command("STARTTLS".into(), Step::StartTls, false, env);
        }
        self.say(Line::Error, "Host did not advertise STARTTLS", env);
        match self.options.tls {
            Want::Required => self.quit(status::TLS, env),
            _ => self.without_tls(env),
        }
    }

    pub(super) fn without_tls(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match self.stops(Point::Tls, env) {
            Some(progress) => progress,
            None => self.after(Step::Helo, env),
        }
    }

    pub(super) fn tls_failed(&mut self, reason: Option<&str>, env: &mut Env<'_, '_>) -> Progress {
        self.in_handshake = false;
        if let Some(reason) = reason {
            self.say(Line::Error, &format!("TLS startup failed (connect(): {reason})"), env);
        }
        if self.options.tls_on_connect {
            self.hang_up(env);
            return Progress::Exit(status::TLS);
        }
        self.say(Line::Error, "STARTTLS attempted but failed", env);
        if self.options.tls == Want::Optional && reason.is_none() {
            return self.without_tls(env);
        }
        self.hang_up(env);
        Progress::Exit(status::TLS)
    }

    pub(super) fn shake_hands(&mut self, sock: Socket, message: &TlsMessage, env: &mut Env<'_, '_>) -> Progress {
        let (version, cipher, bits, chain) = match message {
            TlsMessage::ServerHello { version, cipher, bits, chain } => (version, cipher, bits, chain),
            TlsMessage::Alert(text) => {
                return self.tls_failed(Some(&format!("error:0A000410:SSL routines::{text}")), env);
            }
            _ => return Progress::Wait,
        };
        if self.options.tls_verify {
            let store = match &self.options.tls_ca_path {
                Some(path) => {
                    let path = env.path(path);
                    let mut store = TrustStore::default();
                    let is_directory = env.ctx.host.vfs.list(&path, env.cred).is_ok();
                    store.load(
                        if is_directory { "" } else { &path },
                        if is_directory { &path } else { "" },
                        env.ctx.host,
                    );
                    store
                }
                None => TrustStore::with_system(None, env.ctx.host),
            };
            if store.first_problem(chain, None, env.ctx.now).is_some() {
                env.ctx.send_tls(sock, TlsMessage::Alert("tlsv1 alert unknown ca".into()));
                return self.tls_failed(Some("error:0A000086:SSL routines::certificate verify failed"), env);
            }
        }
        env.ctx.send_tls(sock, TlsMessage::Finished);
        self.in_handshake = false;
        self.has_tls = true;
        let leaf = chain.first().and_then(|der| Certificate::parse(der).ok());
        let subject = leaf.map(|leaf| leaf.subject).unwrap_or_default();
        self.say(Line::Info, &format!("TLS started with cipher {version}:{cipher}:{bits}"), env);
        self.say(Line::Info, "TLS no local certificate set", env);
        self.say(Line::Info, &format!("TLS peer DN=\"{subject}\""), env);
        self.out.tls = true;
        if let Some(progress) = self.stops(Point::Tls, env) {
            return progress;
        }
        if self.options.tls_on_connect {
            self.await_reply(Step::Banner, env);
            return Progress::Wait;
        }
        self.helo(Step::Helo, env)
    }

    pub(super) fn claim(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.options.xclient.is_empty() {
            return self.authenticate(env);
        }
        if self.offers("XCLIENT") {
            return self.after(Step::Xclient, env);
        }
        self.say(Line::Error, "Host did not advertise XCLIENT", env);
        if self.options.xclient_optional { self.authenticate(env) } else { self.quit(status::XCLIENT, env) }
    }
}
