//! A mail transaction: its envelope, and its end.

use bytes::Bytes;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::chunk::Chunks;
use super::conf::LocalClients;
use super::lists;
use super::received::Received;
use super::restrictions::{Actions, ErrorClass};
use super::session::Session;
use crate::host::Ctx;
use crate::host::vfs::Cred;
use crate::mta::postfix::cleanup::{self, Flags, Status, Submission};
use crate::mta::postfix::commands::postdrop;
use crate::mta::postfix::milter::Fallback;
use crate::mta::postfix::queue_file::{Attributes, QueueName, Recipient, Ret};
use crate::mta::postfix::services::Services;
use crate::sim::Time;
use crate::smtp::reply::Reply;
use crate::smtp::server::Answer;
use crate::trace::Via;

/// What MAIL and RCPT have said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Transaction {
    pub sender: SmolStr,
    pub arrival: Time,
    pub size: u64,
    /// `8bit`, `7bit` or empty.
    pub encoding: SmolStr,
    pub smtputf8: bool,
    pub envid: SmolStr,
    pub ret: Option<Ret>,
    pub recipients: Vec<Recipient>,
    pub overshoot: u64,
    /// The `AUTH` parameter (RFC 4954, section 5).
    pub sasl_sender: SmolStr,
    /// The delimiters of `XVERP`.
    pub verp: SmolStr,
    pub actions: Actions,
    /// `DISCARD`, when the content was seen already.
    pub discard_at_end: bool,
}

impl Session {
    /// Hands a complete message to cleanup(8).
    pub(super) fn submit(
        &mut self,
        content: &Bytes,
        over_limit: bool,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        let conf = self.conf.clone();
        let (Some(transaction), Some(id)) = (self.transaction.take(), self.queue_id.clone()) else {
            return Answer::error(Reply::new(503, "5.5.1 Error: need RCPT command"));
        };
        if over_limit {
            services.log.warn(ctx, &conf.tag, format_args!("{id}: queue file size limit exceeded"));
            self.abandon(content.clone(), id, services, ctx);
            self.reset(services, ctx);
            self.errors_seen.push(ErrorClass::Bounce);
            return Answer::error(Reply::new(552, "5.3.4 Error: message file too big"));
        }
        let mut transaction = *transaction;
        let date = services.cleanup.date(transaction.arrival, &ctx.host.zone);
        let mut text = Vec::with_capacity(content.len() + 512);
        for line in &transaction.actions.prepend {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        let recipients = std::mem::take(&mut transaction.recipients);
        let login = self.login.as_ref().map(|(_, login)| login.as_str());
        let received = Received {
            peer: &self.peer,
            helo: self.helo.as_deref(),
            tls_shown: self.tls.as_ref().filter(|_| conf.tls.received_header),
            asked_certificate: conf.tls.asks_certificate,
            encrypted: self.tls.is_some(),
            login,
            login_shown: conf.authenticated_header,
            myhostname: &conf.myhostname,
            mail_name: &conf.mail_name,
            esmtp: self.esmtp,
            smtputf8: transaction.smtputf8,
            id: &id,
            only_recipient: match &recipients[..] {
                [only] if self.stale_recipients == 0 => Some(&only.address),
                _ => None,
            },
            date: &date,
        };
        received.write(&mut text);
        match content.first() {
            // This is no continuation of the line above.
            Some(b' ' | b'\t') => text.push(b'\n'),
            _ if is_mailbox_line(content) => text.extend_from_slice(b"X-Mailbox-Line: "),
            _ => {}
        }
        text.extend_from_slice(content);
        if self.submitter.is_some() {
            let attributes = Attributes {
                encoding: transaction.encoding,
                smtputf8: transaction.smtputf8,
                dsn_envid: transaction.envid,
                dsn_ret: transaction.ret,
                verp: transaction.verp,
                uid: self.submitter.as_ref().map(|user| user.uid),
                ..Attributes::default()
            };
            let (sender, content) = (transaction.sender, text.into());
            let mut recipients = recipients;
            for recipient in &mut recipients {
                if recipient.orcpt.is_empty() {
                    recipient.orcpt = format_smolstr!("rfc822;{}", recipient.original);
                }
            }
            return self.post(&id, postdrop::Submission { sender, recipients, attributes, content }, services, ctx);
        }
        let peer = &self.peer;
        let forwarded = self.forwarded.take();
        let local = match forwarded.as_ref().and_then(|forwarded| forwarded.local) {
            Some(local) => local,
            None => self.is_local_client(ctx),
        };
        let actions = transaction.actions;
        let mut attributes = Attributes {
            rewrite_context: SmolStr::new_static(if local { "local" } else { "remote" }),
            client_name: peer.name.clone(),
            client_address: peer.addr.clone(),
            client_port: peer.port.to_smolstr(),
            helo_name: self.helo.clone().unwrap_or_default(),
            protocol_name: SmolStr::new_static(if self.esmtp { "ESMTP" } else { "SMTP" }),
            sasl_method: self.login.as_ref().map(|(method, _)| method.clone()).unwrap_or_default(),
            sasl_username: self.login.as_ref().map(|(_, login)| login.clone()).unwrap_or_default(),
            encoding: transaction.encoding,
            smtputf8: transaction.smtputf8,
            dsn_envid: transaction.envid,
            dsn_ret: transaction.ret,
            verp: transaction.verp,
            filter: actions.filter.unwrap_or_else(|| conf.content_filter.clone()),
            redirect: actions.redirect.unwrap_or_default(),
            ..Attributes::default()
        };
        if let Some(forwarded) = forwarded {
            attributes.log_ident = forwarded.ident;
            if forwarded.about_client {
                attributes.client_name = forwarded.name;
                attributes.client_address = forwarded.addr;
                attributes.client_port = forwarded.port;
                attributes.helo_name = forwarded.helo;
                attributes.protocol_name = forwarded.protocol;
            }
        }
        let mut recipients = recipients;
        recipients.extend(actions.bcc.into_iter().map(|address| Recipient {
            address: address.clone(),
            original: address,
            orcpt: SmolStr::default(),
            notify: Default::default(),
            done: false,
        }));
        let submission = Submission {
            id: id.clone(),
            arrival: transaction.arrival,
            sender: transaction.sender,
            full_name: SmolStr::default(),
            recipients,
            attributes,
            content: text.into(),
            via: Via::Smtpd,
            flags: Flags {
                hold: actions.hold || self.milter == Some(Fallback::Hold),
                discard: actions.discard,
                discard_at_end: transaction.discard_at_end,
                filter: !conf.no_header_body_checks,
                map: !conf.no_address_mappings,
                bcc: !conf.no_address_mappings,
                milters: !conf.milters.is_empty(),
                ..Flags::EXTERNAL
            },
        };
        self.queue_id = None;
        let chunks = std::mem::take(&mut self.chunks);
        self.stale_recipients = 0;
        match cleanup::submit(submission, services, ctx) {
            Ok(id) => {
                self.machine.forgive();
                self.errors_seen.clear();
                self.junk = 0;
                Answer::ok(Reply::new(
                    250,
                    match chunks {
                        Chunks::Taken { .. } => format!("2.0.0 Ok: {} bytes queued as {id}", wire_size(content)),
                        Chunks::None | Chunks::Refused => format!("2.0.0 Ok: queued as {id}"),
                    },
                ))
            }
            Err(error) => {
                self.errors_seen.push(match error.status {
                    status if status.has(Status::SIZE) || status.has(Status::HOPS) => ErrorClass::Bounce,
                    status if status.has(Status::CONT) || status.has(Status::DEFER) => ErrorClass::Policy,
                    status if status.has(Status::WRITE) => ErrorClass::Resource,
                    _ => ErrorClass::Software,
                });
                let line = error.smtp_reply();
                let reply = Reply::from_text(&line).unwrap_or_else(|| Reply::new(451, "4.3.0 Error: internal error 0"));
                Answer::error(reply)
            }
        }
    }

    /// Puts a message into the `maildrop` queue, under the id that was reserved there.
    fn post(
        &mut self,
        id: &SmolStr,
        submission: postdrop::Submission,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        self.queue_id = None;
        self.chunks = Chunks::None;
        self.stale_recipients = 0;
        let params = services.config.global();
        let path = format!("{}/{}/{id}", params.get("queue_directory"), QueueName::Maildrop.as_str());
        let ino = ctx.host.vfs.resolve(&path, &Cred::ROOT);
        match ino.and_then(|ino| postdrop::fill(id, ino, submission, &params, ctx)) {
            Ok(_) => Answer::ok(Reply::new(250, format!("2.0.0 Ok: queued as {id}"))),
            Err(_) => Answer::error(Reply::new(451, "4.3.0 Error: queue file write error")),
        }
    }

    /// Content is refused at its end. The transaction goes on, without the recipients so far.
    pub(super) fn refuse_content(&mut self, content: &Bytes, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.chunks = Chunks::None;
        if let Some(transaction) = &mut self.transaction {
            self.stale_recipients += std::mem::take(&mut transaction.recipients).len() as u64;
        }
        if let Some(id) = self.queue_id.take() {
            self.abandon(content.clone(), id, services, ctx);
        }
    }

    /// cleanup(8) has seen the content, logs about it, and throws it away.
    pub(super) fn abandon(&mut self, content: Bytes, id: SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.queue_id = None;
        let submission = Submission {
            id,
            arrival: ctx.now,
            sender: SmolStr::default(),
            full_name: SmolStr::default(),
            recipients: Vec::new(),
            attributes: Attributes { rewrite_context: SmolStr::new_static("remote"), ..Attributes::default() },
            content,
            via: Via::Smtpd,
            flags: Flags::EXTERNAL,
        };
        // Without recipients it is not taken, as is intended.
        let _ = cleanup::submit(submission, services, ctx);
    }

    /// Whether addresses in the header are completed with this host's domain
    /// (`local_header_rewrite_clients`).
    fn is_local_client(&self, ctx: &Ctx<'_>) -> bool {
        let (conf, peer) = (&self.conf, &self.peer);
        conf.local_rewrite_clients.iter().any(|clients| match clients {
            LocalClients::PermitInetInterfaces => ctx.host.owns(peer.ip),
            LocalClients::PermitMynetworks => {
                matches!(lists::client_matches(&conf.checks.mynetworks, &peer.name, &peer.addr, ctx.host), Ok(Some(_)))
            }
            LocalClients::PermitSaslAuthenticated => self.login.is_some(),
            LocalClients::Unknown(_) => false,
            LocalClients::CheckAddressMap(table) => matches!(table.find(&peer.addr, ctx.host), Ok(Some(_))),
        })
    }
}

/// Whether content begins with the line that separates messages of a mailbox, as clients that feed
/// a mailbox file to SMTP send it.
fn is_mailbox_line(content: &[u8]) -> bool {
    let quotes = content.iter().take_while(|octet| **octet == b'>').count();
    content.get(quotes..).is_some_and(|rest| rest.starts_with(b"From "))
}

/// Octets of content with line ends of two octets.
pub(super) fn wire_size(content: &[u8]) -> usize {
    content.len() + content.iter().filter(|octet| **octet == b'\n').count()
}
