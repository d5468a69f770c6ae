//! Is an address known here? (`reject_unlisted_recipient`, `reject_unlisted_sender`)

use super::evaluate::{Evaluation, Note};
use super::lookup::or_retry;
use super::{ErrorClass, Flow, Rejection, Subject};
use crate::mta::postfix::maps::Maps;
use crate::mta::postfix::smtpd::lists;
use crate::mta::postfix::trivial_rewrite::Class;

impl Evaluation<'_, '_, '_> {
    pub(super) fn unlisted_recipient(&mut self) -> Result<Flow, Flow> {
        if self.run.recipient_listed {
            return Ok(Flow::Dunno);
        }
        // What only warned is looked up again at the end.
        self.run.recipient_listed = !self.run.warn_if_reject;
        let recipient = self.facts.recipient.unwrap_or_default();
        self.unlisted(self.facts.sender.unwrap_or_default(), recipient, Subject::Recipient)
    }

    pub(super) fn unlisted_sender(&mut self) -> Result<Flow, Flow> {
        self.unlisted("", self.facts.sender.unwrap_or_default(), Subject::Sender)
    }

    fn unlisted(&mut self, sender: &str, address: &str, subject: Subject) -> Result<Flow, Flow> {
        let checks = self.checks;
        let resolved = self.lookups.resolve_or_retry(sender, address)?;
        let key = resolved.recipient.as_str();
        let is_sender = subject == Subject::Sender;
        // An address that is rewritten or expanded first is taken for good.
        let rewriting = [
            Some(&checks.recipient_canonical_maps),
            Some(&checks.sender_canonical_maps).filter(|_| is_sender),
            Some(&checks.canonical_maps),
            Some(&checks.virtual_alias_maps),
        ];
        for maps in rewriting.into_iter().flatten() {
            if self.listed(maps, key, address)? {
                return Ok(Flow::Dunno);
            }
        }
        let default_dsn = if is_sender { "5.1.0" } else { "5.1.1" };
        let codes = &checks.codes;
        if matches!(resolved.transport.as_str(), "error" | "retry") {
            let (dsn, text) = match resolved.nexthop.split_once(' ') {
                Some((dsn, text)) if crate::smtp::reply::enhanced_prefix(&resolved.nexthop).is_some() => (dsn, text),
                _ => (default_dsn, resolved.nexthop.as_str()),
            };
            let code = match (resolved.transport.as_str(), resolved.class) {
                ("retry", _) => 450,
                (_, Class::VirtualAlias) => codes.unknown_virtual_alias,
                _ => 550,
            };
            let dsn = self.dsn_about(dsn, subject);
            let text = format!("<{address}>: {} rejected: {text}", subject.class());
            return Ok(Rejection::new(ErrorClass::Bounce, code, &dsn, text).into());
        }
        let (maps, code, table) = match resolved.class {
            Class::Local => (&checks.local_recipient_maps, codes.unknown_local_recipient, "local recipient"),
            Class::VirtualAlias => (&checks.virtual_alias_maps, codes.unknown_virtual_alias, "virtual alias"),
            Class::VirtualMailbox => (&checks.virtual_mailbox_maps, codes.unknown_virtual_mailbox, "virtual mailbox"),
            Class::Relay => (&checks.relay_recipient_maps, codes.unknown_relay_recipient, "relay recipient"),
            Class::Default => return Ok(Flow::Dunno),
        };
        if resolved.class != Class::VirtualAlias {
            let local_part = key.rsplit_once('@').map_or(key, |(local, _)| local);
            // Names that Postfix itself sends from or takes care of.
            let is = |name: &str| local_part.eq_ignore_ascii_case(name);
            let internal = is(&checks.double_bounce_sender)
                || resolved.class == Class::Local && (is("postmaster") || is("mailer-daemon"));
            if maps.is_empty() || internal || address.starts_with('@') || self.listed(maps, key, address)? {
                return Ok(Flow::Dunno);
            }
        }
        let table = if checks.show_table { format!(" in {table} table") } else { String::new() };
        let dsn = self.dsn_about(default_dsn, subject);
        let text = format!("<{address}>: {} rejected: User unknown{table}", subject.class());
        Ok(Rejection::new(ErrorClass::Bounce, code, &dsn, text).into())
    }

    /// [`for_subject`], which is logged when it changes the code.
    pub(super) fn dsn_about(&mut self, dsn: &str, subject: Subject) -> String {
        let mapped = for_subject(dsn, subject);
        if mapped != dsn {
            let line = format!("mapping DSN status {dsn} into {} status {mapped}", subject.class());
            self.run.notes.push(Note::Info(line));
        }
        mapped
    }

    fn listed(&mut self, maps: &Maps, key: &str, name: &str) -> Result<bool, Flow> {
        if maps.is_empty() {
            return Ok(false);
        }
        let host = &*self.lookups.ctx.host;
        let found = lists::find_address(maps, key, &self.checks.finder, host);
        let found = or_retry(found, name, self.run)?;
        if let Some(found) = &found {
            self.run.entry = found.source.clone();
        }
        Ok(found.is_some())
    }
}

/// Turns codes about mailboxes into those for senders, and the other way round; about anything
/// else they say nothing (`smtpd_dsn_fix`).
fn for_subject(dsn: &str, subject: Subject) -> String {
    let Some((class, detail)) = dsn.split_at_checked(1) else { return dsn.to_owned() };
    let detail = match (subject, detail) {
        (Subject::Sender, ".1.1" | ".1.3" | ".1.6") => ".1.7",
        (Subject::Sender, ".1.2") => ".1.8",
        (Subject::Sender, ".1.4" | ".1.5") => ".1.0",
        (Subject::Recipient, ".1.7") => ".1.3",
        (Subject::Recipient, ".1.8") => ".1.2",
        (Subject::Sender | Subject::Recipient, detail) => detail,
        (_, detail) if detail.starts_with(".1.") => ".0.0",
        (_, detail) => detail,
    };
    format!("{class}{detail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_what_they_are_about() {
        for (dsn, subject, expected) in [
            ("5.1.1", Subject::Sender, "5.1.7"),
            ("5.1.8", Subject::Recipient, "5.1.2"),
            ("5.1.1", Subject::Recipient, "5.1.1"),
            ("5.1.1", Subject::Client, "5.0.0"),
            ("5.7.1", Subject::Client, "5.7.1"),
        ] {
            assert_eq!(for_subject(dsn, subject), expected);
        }
    }
}
