//! What becomes of a message when a server or a connection fails (`smtp_trouble.c`).

use smol_str::SmolStr;

use super::connection::Phase;
use super::trouble::Trouble;
use super::{Report, SmtpClient};
use crate::host::Ctx;
use crate::mta::postfix::maps::LookupError;
use crate::mta::postfix::services::Services;
use crate::sim::Socket;
use crate::smtp::client::{Client, Stage};
use crate::smtp::reply::Reply;

/// `while ...` in the log line about a lost connection.
fn activity(stage: Stage) -> &'static str {
    match stage {
        Stage::Greeting => "receiving the initial server greeting",
        // The state is still that of the greeting: logging in has none of its own (`smtp_sasl_helo_login`).
        Stage::Ehlo | Stage::Auth => "performing the EHLO handshake",
        Stage::Helo => "performing the HELO handshake",
        Stage::Lhlo => "performing the LHLO handshake",
        Stage::StartTls => "performing the STARTTLS handshake",
        Stage::Mail => "sending MAIL FROM",
        Stage::Rcpt => "sending RCPT TO",
        Stage::Data => "sending DATA command",
        Stage::EndOfData => "sending end of data -- message may be sent more than once",
        Stage::Rset => "sending final RSET",
        Stage::Quit => "sending QUIT",
    }
}

impl SmtpClient {
    /// `host X said: Y (in reply to Z)` about the message as a whole.
    pub(super) fn message_refused(
        &mut self,
        sock: Socket,
        reply: &Reply,
        what: &str,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
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
    pub(super) fn message_fail(&mut self, sock: Socket, trouble: Trouble, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.bulk_fail(sock, &trouble, false, services, ctx);
        self.leave(sock, services, ctx);
    }

    /// The server does not take mail, or not from us.
    pub(super) fn site_fail(&mut self, sock: Socket, trouble: Trouble, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.bulk_fail(sock, &trouble, true, services, ctx);
        self.leave(sock, services, ctx);
    }

    /// A table on this host failed.
    pub(super) fn local_error(
        &mut self,
        sock: Socket,
        error: &LookupError,
        parameter: Option<(SmolStr, &str)>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(connection) = self.connections.get(&sock) else { return };
        let tag = connection.conf.tag.clone();
        let dies = error.warnings.iter().any(|line| line.starts_with("fatal: "));
        for line in &error.warnings {
            let priority =
                if line.starts_with("warning") { crate::host::Priority::Warning } else { crate::host::Priority::Error };
            services.log.log(ctx, priority, &tag, format_args!("{line}"));
        }
        if dies {
            let service = connection.conf.service.clone();
            ctx.close(sock);
            if let Some(job) = self.connections.remove(&sock).and_then(|connection| connection.job) {
                self.jobs.remove(&job);
                self.reports.push_back(Report::Fatal { job, service });
            }
            return;
        }
        if let Some((id, parameter)) = parameter {
            services.log.warn(ctx, &tag, format_args!("{id}: {parameter} lookup error"));
        }
        let text = format!("local data error while talking to {}", connection.peer.name);
        self.site_fail(sock, Trouble::new("4.3.0", text), services, ctx);
    }

    /// Leaves the server; its job goes on elsewhere or ends.
    pub(super) fn leave(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
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
    pub(super) fn bulk_fail(
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
    pub(super) fn stream_failed(
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

    /// Closes a connection without goodbye; its job goes on elsewhere or ends.
    pub(super) fn abandon(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        ctx.close(sock);
        self.notify_postmaster(sock, services, ctx);
        let job = self.connections.remove(&sock).and_then(|connection| connection.job);
        if let Some(id) = job {
            self.finish(id, services, ctx);
        }
    }
}
