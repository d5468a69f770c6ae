//! Where local(8) meets the rest of Postfix: configuration, tables, routing, cleanup(8).

use smol_str::{SmolStr, format_smolstr};

use super::forward::{self, Forward};
use super::lookups::{Alias, Lookups, Route, Table, Unavailable};
use super::settings::Settings;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Host};
use crate::mail::{address, date};
use crate::mta::postfix::cleanup::{self, Flags, Submission};
use crate::mta::postfix::delivery::Request;
use crate::mta::postfix::maps::{LookupError, Maps, hash};
use crate::mta::postfix::mbox_open::Failure;
use crate::mta::postfix::queue_file::Attributes;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::trivial_rewrite::{Context, TrivialRewrite};
use crate::trace::Via;

/// Configuration and tables of local(8).
#[derive(Clone, Debug)]
pub struct LocalConf {
    /// Plain parameters.
    pub settings: Settings,
    pub(super) tables: Tables,
}

#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub alias: Maps,
    pub mailbox_transport: Maps,
    pub mailbox_command: Maps,
    pub fallback_transport: Maps,
}

impl LocalConf {
    /// What the program logs when it opens its tables.
    pub(super) fn problems(&self, host: &Host) -> Vec<String> {
        let Tables { alias, mailbox_transport, mailbox_command, fallback_transport } = &self.tables;
        let tables = [alias, mailbox_transport, mailbox_command, fallback_transport];
        tables.iter().flat_map(|maps| maps.problems(host)).collect()
    }

    pub(super) fn view<'a>(&'a self, services: &'a mut Services, host: &'a Host, transport: &'a str) -> View<'a> {
        View { conf: self, rewrite: &mut services.rewrite, host, transport }
    }
}

/// The tables and the routing, as they are now.
pub(super) struct View<'a> {
    conf: &'a LocalConf,
    rewrite: &'a mut TrivialRewrite,
    host: &'a Host,
    transport: &'a str,
}

impl Lookups for View<'_> {
    fn alias(&mut self, name: &str) -> Result<Option<Alias>, Unavailable> {
        // The tables are asked directly: a failing one is local(8)'s own matter.
        let mut answers = self.conf.tables.alias.tables().iter().map(|table| table.find(name, self.host));
        let found = loop {
            match answers.next() {
                Some(Ok(None)) => {}
                Some(Ok(Some(found))) => break found,
                Some(Err(error)) => return Err(unavailable(error)),
                None => return Ok(None),
            }
        };
        let owner = owner(&found.table, self.host);
        Ok(Some(Alias { value: found.value, table: found.table, source: found.source, owner }))
    }

    fn find(&mut self, table: Table, user: &str) -> Result<Option<SmolStr>, Unavailable> {
        let tables = &self.conf.tables;
        let maps = match table {
            Table::MailboxTransport => &tables.mailbox_transport,
            Table::MailboxCommand => &tables.mailbox_command,
            Table::FallbackTransport => &tables.fallback_transport,
        };
        if maps.is_empty() {
            return Ok(None);
        }
        maps.find(user, self.host).map(|found| found.map(|found| found.value)).map_err(unavailable)
    }

    fn route(&mut self, sender: &str, address: &str) -> Route {
        let complete = SmolStr::from(address::unquote(&self.rewrite.rewrite(Context::Local, address)));
        let resolved = self.rewrite.resolve(sender, &complete, self.host, false);
        if resolved.failed {
            Route::Unavailable
        } else if resolved.bad_address {
            Route::BadSyntax(resolved.recipient)
        } else if resolved.transport == self.transport {
            Route::Here(resolved.recipient)
        } else {
            Route::Elsewhere(resolved.recipient)
        }
    }

    fn canonical(&mut self, address: &str) -> SmolStr {
        let external = self.rewrite.rewrite(Context::Local, &address::quote(address));
        address::unquote(&external).into()
    }
}

fn unavailable(error: LookupError) -> Unavailable {
    let plain = |line: String| line.strip_prefix("warning: ").map(str::to_owned).unwrap_or(line);
    Unavailable { table: error.table, warnings: error.warnings.into_iter().map(plain).collect() }
}

/// Who owns the file of a table; tables without one belong to root.
fn owner(table: &str, host: &Host) -> u32 {
    let Some((kind, name)) = table.split_once(':') else { return 0 };
    let path = format_smolstr!("{name}{}", hash::suffix(kind).unwrap_or_default());
    if !path.starts_with('/') {
        return 0;
    }
    host.vfs.stat(&path, &Cred::ROOT).map_or(0, |inode| inode.uid)
}

/// Submits mail that is sent on; returns its queue id.
pub(super) fn resubmit(
    forward: Forward,
    request: &Request,
    settings: &Settings,
    services: &mut Services,
    ctx: &mut Ctx<'_>,
) -> Result<SmolStr, Failure> {
    let failed = || Failure::new("4.3.0", "unable to forward message");
    let id = services.queue.allocate(ctx).map_err(|_| failed())?;
    let from = &request.file.attributes;
    let same_sender = forward.sender.eq_ignore_ascii_case(&request.file.sender);
    let attributes = Attributes {
        rewrite_context: from.rewrite_context.clone(),
        client_name: from.client_name.clone(),
        client_address: from.client_address.clone(),
        helo_name: from.helo_name.clone(),
        protocol_name: from.protocol_name.clone(),
        sasl_method: from.sasl_method.clone(),
        sasl_username: from.sasl_username.clone(),
        dsn_envid: if same_sender { from.dsn_envid.clone() } else { SmolStr::default() },
        dsn_ret: from.dsn_ret.filter(|_| same_sender),
        ..Attributes::default()
    };
    let date = date::rfc5322(ctx.now, &ctx.host.zone);
    let content = forward::content(&forward, &request.file.message, &id, &date, settings);
    let submission = Submission {
        id,
        arrival: ctx.now,
        sender: forward.sender,
        full_name: SmolStr::default(),
        recipients: forward.recipients,
        attributes,
        content,
        via: Via::Forward,
        flags: Flags { bounce: true, ..Flags::INTERNAL },
    };
    cleanup::submit(submission, services, ctx).map_err(|_| failed())
}
