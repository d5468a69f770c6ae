//! One message on a connection: what it needs, and what the replies mean for its recipients.

use super::checks::{self, Remark};
use super::connection::{Phase, TlsState};
use super::trouble::{Trouble, status};
use super::{Report, SmtpClient, WAKE_IDLE, output};
use crate::host::Ctx;
use crate::mta::postfix::maps::LookupError;
use crate::mta::postfix::services::Services;
use crate::sim::Socket;
use crate::smtp::client::{Client, Order, Transaction};
use crate::smtp::reply::Reply;
use crate::trace::DeliveryStatus;

impl SmtpClient {
    /// Sends the message of the connection's job.
    pub(super) fn transact(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
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

    pub(super) fn recipient(
        &mut self,
        sock: Socket,
        index: usize,
        reply: &Reply,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
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

    pub(super) fn end_of_data(
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
    pub(super) fn transaction_over(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
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
    pub(super) fn probed(&mut self, sock: Socket, reply: &Reply, services: &mut Services, ctx: &mut Ctx<'_>) {
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
    pub(super) fn finish(&mut self, id: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
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
}
