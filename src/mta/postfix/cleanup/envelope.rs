//! Envelope addresses (`cleanup_addr.c`, `cleanup_out_recipient.c`).

use smol_str::SmolStr;

use super::conf::{Classes, Conf, Table};
use super::state::State;
use crate::mail::address;
use crate::mta::postfix::bounce::{self, LogKind};
use crate::mta::postfix::maps::{Strategy, mail_addr_find};
use crate::mta::postfix::queue_file::{Notify, Recipient};
use crate::mta::postfix::trivial_rewrite::Context;
use crate::trace::Kind;

/// The sender of reports, which stands for the null sender.
pub const MAILER_DAEMON: &str = "MAILER-DAEMON";

impl State<'_, '_> {
    /// Takes the envelope sender.
    pub(super) fn take_sender(&mut self, sender: &SmolStr) {
        let conf = self.conf.clone();
        self.sender = sender.clone();
        if sender.is_empty() {
            return;
        }
        let mut clean = self.complete(sender, "envelope sender");
        if self.flags.map {
            clean = self.canonical(
                clean,
                "envelope sender",
                (&conf.sender_canonical, conf.sender_canonical_classes),
                |classes| classes.envelope_sender,
            );
        }
        self.sender = clean;
        if self.flags.bcc
            && !conf.sender_bcc.maps.is_empty()
            && let Some(bcc) = self.find(&conf.sender_bcc, &self.sender.clone())
        {
            self.add_bcc(&bcc);
        }
    }

    /// Takes an envelope recipient.
    pub(super) fn take_recipient(&mut self, recipient: Recipient) {
        let conf = self.conf.clone();
        let address = if recipient.address.is_empty() { &conf.empty_address_recipient } else { &recipient.address };
        let mut clean = self.complete(address, "envelope recipient");
        if self.flags.map {
            clean = self.canonical_recipient(&conf, clean, "envelope recipient");
        }
        self.add_recipient(Recipient { address: clean.clone(), ..recipient });
        self.last_recipient = Some(clean.clone());
        if self.flags.bcc
            && !conf.recipient_bcc.maps.is_empty()
            && let Some(bcc) = self.find(&conf.recipient_bcc, &clean)
        {
            self.add_bcc(&bcc);
        }
    }

    /// Adds a recipient that nobody named: no reports about it.
    pub(super) fn add_bcc(&mut self, address: &SmolStr) {
        let conf = self.conf.clone();
        let mut clean = self.complete(address, "bcc");
        if self.flags.map {
            clean = self.canonical_recipient(&conf, clean, "bcc");
        }
        let notify = Notify { never: true, ..Notify::default() };
        let original = clean.clone();
        self.add_recipient(Recipient { address: clean, original, orcpt: SmolStr::default(), notify, done: false });
    }

    /// Completes an envelope address; this is done as for local mail whoever sent it.
    fn complete(&mut self, address: &str, field: &'static str) -> SmolStr {
        let complete = self.conf.rewriter.internal(Context::Local, address);
        if complete != address {
            let (from, to) = (address.into(), complete.clone());
            self.ctx.note(|| Kind::Rewrite { kind: "trivial-rewrite".into(), field: field.into(), from, to });
        }
        complete
    }

    fn canonical_recipient(&mut self, conf: &Conf, address: SmolStr, field: &'static str) -> SmolStr {
        let own = (&conf.recipient_canonical, conf.recipient_canonical_classes);
        self.canonical(address, field, own, |classes| classes.envelope_recipient)
    }

    /// Applies the canonical tables and masquerading that are for this class of addresses.
    pub(super) fn canonical(
        &mut self,
        address: SmolStr,
        field: &'static str,
        (own, own_classes): (&Table, Classes),
        applies: impl Fn(Classes) -> bool,
    ) -> SmolStr {
        let conf = self.conf.clone();
        let mut address = address;
        for (table, classes) in [(own, own_classes), (&conf.canonical, conf.canonical_classes)] {
            if !table.maps.is_empty() && applies(classes) {
                address = self.map_one(table, address, field);
            }
        }
        if applies(conf.masquerade_classes)
            && let Some(masked) = conf.masquerade.apply(&address, self.ctx.host)
        {
            let (from, to) = (address, masked.clone());
            self.ctx.note(|| Kind::Rewrite { kind: "masquerade_domains".into(), field: field.into(), from, to });
            address = masked;
        }
        address
    }

    fn find(&mut self, table: &Table, address: &str) -> Option<SmolStr> {
        match mail_addr_find(&table.maps, address, &self.conf.finder, Strategy::DEFAULT, self.ctx.host) {
            Ok(hit) => hit.map(|hit| hit.found.value),
            Err(error) => {
                self.lookup_problem(table, None, error);
                None
            }
        }
    }

    /// Expands virtual aliases, drops duplicates and adds what is left.
    fn add_recipient(&mut self, recipient: Recipient) {
        let Recipient { address, original, orcpt, mut notify, .. } = recipient;
        let orcpt = if orcpt.is_empty() { ["rfc822;", &address::quote(&address)].concat().into() } else { orcpt };
        if self.conf.virtual_alias.maps.is_empty() || !self.flags.map {
            return self.add_unique(Recipient { address, original, orcpt, notify, done: false });
        }
        let results = self.map_many(&address);
        if results.len() > 1 && notify.success {
            let expanded = Recipient { address, original: original.clone(), orcpt: orcpt.clone(), notify, done: false };
            let entry = bounce::Entry::expanded(&expanded);
            // A report of success that cannot be made harms nobody.
            let _ = bounce::append_entry(self.services, LogKind::Trace, &self.id, entry, self.ctx);
            notify.success = false;
            notify.never = !notify.failure && !notify.delay;
        }
        for address in results {
            self.add_unique(Recipient {
                address,
                original: original.clone(),
                orcpt: orcpt.clone(),
                notify,
                done: false,
            });
        }
    }

    fn add_unique(&mut self, recipient: Recipient) {
        // A single recipient, the usual case, needs no comparing.
        if !self.recipients.is_empty() {
            if self.seen_recipients.is_empty() {
                let first = self.identity(&self.recipients[0]);
                self.seen_recipients.insert(first);
            }
            let identity = self.identity(&recipient);
            if self.seen_recipients.contains(&identity) {
                return;
            }
            if (self.seen_recipients.len() as u64) < self.conf.duplicate_filter_limit {
                self.seen_recipients.insert(identity);
            }
        }
        self.recipients.push(recipient);
    }

    /// What makes two recipients the same: the address, and with `enable_original_recipient` also
    /// original address, ORCPT and NOTIFY.
    fn identity(&self, recipient: &Recipient) -> String {
        if self.conf.enable_original_recipient { full_identity(recipient) } else { recipient.address.to_lowercase() }
    }
}

fn full_identity(recipient: &Recipient) -> String {
    let Notify { never, success, failure, delay } = recipient.notify;
    format!(
        "{}\n{:?}\n{}\n{}",
        recipient.orcpt,
        (never, success, failure, delay),
        recipient.original,
        recipient.address
    )
    .to_lowercase()
}
