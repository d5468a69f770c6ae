//! From a recipient to targets: aliases, then `.forward`, then the mailbox (`recipient.c`,
//! `alias.c`, `token.c`, `resolve.c`, `mailbox.c`, `unknown.c` of Postfix).

use std::collections::BTreeSet;

use smol_str::{SmolStr, StrExt as _, format_smolstr};

use super::attributes::{Attributes, Rights};
use super::lookups::{Alias, Lookups, Route, Table, Unavailable};
use super::plan::{Action, Expanded, Plan, Target};
use super::settings::{Expansion, Filter, Settings};
use super::template::Template;
use crate::host::accounts::Accounts;
use crate::host::vfs::Vfs;
use crate::mail::address::{self, Token};
use crate::mail::report::Action as DsnAction;
use crate::trace::{DeliveryStatus, Source};

/// Depth at which an alias is taken for a loop.
const MAX_LEVEL: u32 = 100;

/// Marks of what was done already for one recipient (`been_here(3)`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    Recipient(u32, SmolStr),
    Mailbox(SmolStr),
    Unknown(SmolStr),
    Indirect(SmolStr),
    File(u32, SmolStr),
    Command(SmolStr, u32, SmolStr),
    Include(u32, SmolStr),
    Forward(SmolStr),
    ForwardDone(SmolStr),
}

/// What stays the same while a recipient is expanded, and what has been found so far.
pub(super) struct Expander<'a> {
    pub settings: &'a Settings,
    pub lookups: &'a mut dyn Lookups,
    pub vfs: &'a Vfs,
    pub accounts: &'a Accounts,
    /// Addresses in the message's `Delivered-To:` lines, lower case.
    pub delivered_to: &'a [SmolStr],
    /// Whether it is only asked whether the recipient could be delivered to.
    pub probe: bool,
    /// Whether verify(8) asks, who takes an alias or a forward file for an answer.
    pub verify: bool,
    /// Whether the sender wants to know of success.
    pub success: bool,
    pub queue_id: &'a str,
    pub seen: BTreeSet<Seen>,
    pub plan: Plan,
    /// Whether steps and expansions are recorded.
    pub full: bool,
}

impl Expander<'_> {
    /// Whether this was met before; remembers it.
    pub fn been_here(&mut self, mark: Seen) -> bool {
        if self.settings.duplicate_filter_limit > 0 && self.seen.len() as u64 >= self.settings.duplicate_filter_limit {
            return self.seen.contains(&mark);
        }
        !self.seen.insert(mark)
    }

    pub fn target(&mut self, attributes: Attributes, action: Action) {
        self.plan.targets.push(Target { attributes, action });
    }

    fn report(&mut self, attributes: Attributes, status: DeliveryStatus, dsn: &'static str, reason: impl Into<String>) {
        self.target(attributes, Action::Report { status, dsn, reason: reason.into() });
    }

    pub fn bounce(&mut self, attributes: Attributes, dsn: &'static str, reason: impl Into<String>) {
        self.report(attributes, DeliveryStatus::Bounced, dsn, reason);
    }

    pub fn defer(&mut self, attributes: Attributes, dsn: &'static str, reason: impl Into<String>) {
        self.report(attributes, DeliveryStatus::Deferred, dsn, reason);
    }

    pub fn sent(&mut self, attributes: Attributes, reason: impl Into<String>) {
        self.report(attributes, DeliveryStatus::Sent, "2.0.0", reason);
    }

    pub fn warn(&mut self, text: String) {
        self.plan.warnings.push(text);
    }

    fn unavailable(&mut self, error: Unavailable) {
        self.plan.warnings.extend(error.warnings);
    }

    /// One address that belongs to this delivery agent.
    pub fn recipient(&mut self, mut attributes: Attributes, address: SmolStr) {
        attributes.level += 1;
        let folded = address.to_lowercase_smolstr();
        if self.been_here(Seen::Recipient(attributes.level, folded.clone())) {
            return;
        }
        attributes.set_address(address, &self.settings.recipient_delimiter);
        if self.delivered_to.contains(&folded) {
            let reason = format!("mail forwarding loop for {}", attributes.address);
            attributes.note(None, || ("Delivered-To:", folded.clone(), true, "it was here before"));
            return self.bounce(attributes, "5.4.6", reason);
        }
        if attributes.delivered.is_empty() {
            attributes.delivered = attributes.address.clone();
        }
        if attributes.extension.as_ref().is_some_and(|extension| extension.contains('/')) {
            self.warn(format!("{}: address with illegal extension: {}", self.queue_id, attributes.local));
            attributes.extension = None;
        }
        attributes.level += 1;
        if attributes.address.starts_with('\\') {
            let address = SmolStr::from(&attributes.address[1..]);
            attributes.set_address(address, &self.settings.recipient_delimiter);
            return self.mailbox_or_unknown(attributes);
        }
        self.system_then_user(attributes);
    }

    fn system_then_user(&mut self, mut attributes: Attributes) {
        attributes.unmatched = None;
        let name = attributes.local.clone();
        if self.alias(&mut attributes, &name) {
            return;
        }
        if attributes.extension.is_some() {
            if self.settings.propagate_alias {
                attributes.unmatched = attributes.extension.clone();
            }
            let name = attributes.user.clone();
            if self.alias(&mut attributes, &name) {
                return;
            }
            attributes.unmatched = attributes.extension.clone();
        }
        // Mail that somebody forwards to another local user becomes a message of its own.
        let others = attributes.owner.as_ref().is_some_and(|owner| !owner.eq_ignore_ascii_case(&attributes.user));
        if others || attributes.expansion == Expansion::Include {
            return self.indirect(attributes);
        }
        if self.settings.require_home_directory
            && let Some(user) = self.accounts.user(&attributes.user)
            && let Err(error) = self.vfs.stat(&user.home, &Rights::of(user).cred())
        {
            let reason = format!("cannot access home directory {}: {error}", user.home);
            return self.defer(attributes, "4.3.0", reason);
        }
        if !self.forward_file(&mut attributes) {
            self.mailbox_or_unknown(attributes);
        }
    }

    /// Looks a name up in the alias tables; `true` if that settled it.
    fn alias(&mut self, attributes: &mut Attributes, name: &SmolStr) -> bool {
        attributes.level += 1;
        if attributes.expanded_from.as_ref().is_some_and(|from| from.eq_ignore_ascii_case(name)) {
            attributes.note(None, || ("alias_maps", name.clone(), false, "its own expansion: the user is meant"));
            return false;
        }
        if attributes.level > MAX_LEVEL {
            self.warn(format!("alias database loop for {name}"));
            self.bounce(attributes.clone(), "5.4.6", format!("alias database loop for {name}"));
            return true;
        }
        attributes.expanded_from = Some(name.clone());
        match self.lookups.alias(name) {
            Ok(Some(alias)) => self.expand_alias(attributes.clone(), name, alias),
            Ok(None) => {
                attributes.note(None, || ("alias_maps", name.clone(), false, "no such alias"));
                return false;
            }
            Err(error) => {
                let table = error.table.clone();
                self.unavailable(error);
                self.warn(format!("{table}: lookup of '{name}' failed"));
                self.defer(attributes.clone(), "4.3.0", "alias database unavailable");
            }
        }
        true
    }

    fn expand_alias(&mut self, mut attributes: Attributes, name: &SmolStr, alias: Alias) {
        if self.verify {
            return self.sent(attributes, format!("aliased to {}", alias.value));
        }
        attributes.note(alias.source.clone(), || ("alias_maps", name.clone(), true, alias.value.clone()));
        attributes.expansion = Expansion::Alias;
        // The table's owner has to answer for its files and commands; root's means nobody's.
        if alias.owner == 0 {
            attributes.rights = Rights::default();
        } else {
            let Some(owner) = self.accounts.by_uid(alias.owner) else {
                self.warn(format!("cannot find alias database owner for {}", alias.table));
                return self.defer(attributes, "4.3.0", "cannot find alias database owner");
            };
            attributes.rights = Rights::of(owner);
        }
        if self.settings.owner_request_special {
            let owner = format_smolstr!("owner-{name}");
            match self.lookups.alias(&owner) {
                Ok(Some(found)) => {
                    let address = if self.settings.expand_owner_alias { &found.value } else { &owner };
                    let canonical = self.lookups.canonical(address);
                    attributes.note(found.source, || ("owner-alias", owner.clone(), true, canonical.clone()));
                    attributes.sender = canonical.clone();
                    attributes.owner = Some(canonical);
                }
                Ok(None) if self.settings.reset_owner_alias => attributes.owner = None,
                Ok(None) => {}
                Err(error) => {
                    self.unavailable(error);
                    return self.defer(attributes, "4.3.0", "alias database unavailable");
                }
            }
        }
        if self.success {
            let own = if attributes.owner.is_some() { DsnAction::Delivered } else { DsnAction::Expanded };
            self.plan.listed.get_or_insert(own);
        }
        if !self.settings.frozen_delivered_to {
            attributes.delivered = attributes.address.clone();
        }
        if self.full {
            let file = alias.table.split_once(':').map_or(alias.table.as_str(), |(_, file)| file);
            let source = alias.source.clone().unwrap_or(Source { file: file.into(), line: 0 });
            let results = addresses(&alias.value).iter().map(|token| address::internalize(token).into()).collect();
            self.plan.expanded.push(Expanded { name: name.clone(), source, results });
        }
        if self.text(&attributes, &alias.value) == 0 {
            self.warn(format!("no recipient in alias lookup result for {name}"));
            self.defer(attributes, "4.3.0", "alias database unavailable");
        }
    }

    /// Each target in the text of an alias or a line of a file; returns how many there were.
    pub fn text(&mut self, attributes: &Attributes, text: &str) -> u64 {
        let mut count = 0;
        for token in addresses(text) {
            self.token(attributes.clone(), &token);
            count += 1;
        }
        count
    }

    fn token(&mut self, mut attributes: Attributes, token: &[Token]) {
        let text = SmolStr::from(address::internalize(token));
        match text.as_bytes().first() {
            Some(b'/') => self.file(attributes, text),
            Some(b'~') => self.home_file(attributes, &text),
            Some(b'|') if !self.settings.allow_mail_to_commands.allows(attributes.expansion) => {
                attributes.note(None, || ("allow_mail_to_commands", text.clone(), false, "restricted"));
                self.bounce(attributes, "5.7.1", "mail to command is restricted");
            }
            Some(b'|') => self.command(attributes, text[1..].into()),
            _ => match text.get(..INCLUDE.len()) {
                Some(start) if start.eq_ignore_ascii_case(INCLUDE) => {
                    self.include(attributes, text[INCLUDE.len()..].into())
                }
                _ => self.address(attributes, &address::externalize(token)),
            },
        }
    }

    fn home_file(&mut self, attributes: Attributes, text: &SmolStr) {
        const REASON: &str = "mail system configuration error";
        let home = attributes.rights.home.clone();
        match (text.starts_with("~/"), home) {
            (false, _) => self.warn(format!("bad home directory syntax for: {text}")),
            (true, None) => self.warn(format!("unknown home directory for: {text}")),
            (true, Some(home)) if home.starts_with('/') => {
                return self.file(attributes, format_smolstr!("{home}{}", &text[1..]));
            }
            (true, Some(home)) => self.warn(format!("bad home directory: {home}")),
        }
        self.bounce(attributes, "5.3.5", REASON);
    }

    /// An address: to be expanded further, or to be sent on.
    fn address(&mut self, mut attributes: Attributes, text: &str) {
        attributes.level += 1;
        let (recipient, here) = match self.lookups.route(&attributes.sender, text) {
            Route::Here(recipient) => (recipient, true),
            Route::Elsewhere(recipient) => (recipient, false),
            Route::BadSyntax(recipient) => {
                return self.bounce(attributes, "5.1.3", format!("bad recipient address syntax: {recipient}"));
            }
            Route::Unavailable => return self.defer(attributes, "4.3.0", "address resolver failure"),
        };
        let recipient = match (&attributes.unmatched, attributes.delimiter()) {
            (Some(unmatched), Some(delimiter)) => match recipient.rsplit_once('@') {
                Some((local, domain)) => format_smolstr!("{local}{delimiter}{unmatched}@{domain}"),
                None => format_smolstr!("{recipient}{delimiter}{unmatched}"),
            },
            _ => recipient,
        };
        if here {
            return self.recipient(attributes, recipient);
        }
        attributes.address = recipient;
        self.indirect(attributes);
    }

    pub fn file(&mut self, mut attributes: Attributes, path: SmolStr) {
        if self.been_here(Seen::File(attributes.rights.uid, path.clone())) {
            return;
        }
        if !self.settings.allow_mail_to_files.allows(attributes.expansion) {
            attributes.note(None, || ("allow_mail_to_files", path.clone(), false, "restricted"));
            return self.bounce(attributes, "5.7.1", "mail to file is restricted");
        }
        if self.probe {
            return self.sent(attributes, format!("delivers to file: {path}"));
        }
        let action = if path.ends_with('/') { Action::Maildir { path, own: false } } else { Action::File(path) };
        self.target(attributes, action);
    }

    fn command(&mut self, attributes: Attributes, line: SmolStr) {
        if self.been_here(Seen::Command(attributes.user.clone(), attributes.rights.uid, line.clone())) {
            return;
        }
        if self.probe {
            return self.sent(attributes, format!("delivers to command: {line}"));
        }
        self.target(attributes, Action::Command(line));
    }

    /// Submit the message again, to this address.
    pub fn indirect(&mut self, attributes: Attributes) {
        if self.been_here(Seen::Indirect(attributes.address.to_lowercase_smolstr())) {
            return;
        }
        if self.probe {
            let reason = format!("forwards to {}", attributes.address);
            return self.sent(attributes, reason);
        }
        self.target(attributes, Action::Forward);
    }

    fn mailbox_or_unknown(&mut self, mut attributes: Attributes) {
        if !self.mailbox(&mut attributes) {
            self.unknown(attributes);
        }
    }

    /// The user's mailbox, or what stands in for it; `false` if there is no such user.
    fn mailbox(&mut self, attributes: &mut Attributes) -> bool {
        if self.been_here(Seen::Mailbox(attributes.local.clone())) {
            return true;
        }
        let settings = self.settings;
        match self.lookups.find(Table::MailboxTransport, &attributes.user) {
            Ok(Some(transport)) => return self.pass(attributes, "mailbox_transport_maps", transport),
            Ok(None) if settings.mailbox_transport.is_empty() => {}
            Ok(None) => return self.pass(attributes, "mailbox_transport", settings.mailbox_transport.clone()),
            Err(error) => return self.table_failure(attributes, error),
        }
        let Some(user) = self.accounts.user(&attributes.user) else { return false };
        attributes.rights = Rights::of(user);
        let map_command = match self.lookups.find(Table::MailboxCommand, &attributes.user) {
            Ok(found) => found,
            Err(error) => return self.table_failure(attributes, error),
        };
        if let Some(line) =
            map_command.or_else(|| Some(settings.mailbox_command.clone()).filter(|line| !line.is_empty()))
        {
            attributes.note(None, || ("mailbox_command", line.clone(), true, "instead of the mailbox"));
            self.command(attributes.clone(), line);
            return true;
        }
        let home_mailbox = &settings.home_mailbox;
        let spool = home_mailbox.is_empty();
        let path = if spool {
            let spool = &settings.mail_spool_directory;
            let end = if spool.ends_with('/') { "/" } else { "" };
            format_smolstr!("{}/{}{end}", spool.trim_end_matches('/'), attributes.user)
        } else {
            format_smolstr!("{}/{home_mailbox}", user.home)
        };
        let maildir = path.ends_with('/');
        if self.probe {
            self.sent(attributes.clone(), if maildir { "delivers to maildir" } else { "delivers to mailbox" });
            return true;
        }
        let rule = if spool { "mail_spool_directory" } else { "home_mailbox" };
        attributes.note(None, || (rule, path.clone(), true, "the mailbox of the user"));
        let action = if maildir { Action::Maildir { path, own: true } } else { Action::Mailbox { path, spool } };
        self.target(attributes.clone(), action);
        true
    }

    fn pass(&mut self, attributes: &mut Attributes, rule: &'static str, transport: SmolStr) -> bool {
        attributes.note(None, || (rule, transport.clone(), true, "another transport delivers"));
        self.target(attributes.clone(), Action::Pass(transport));
        true
    }

    fn table_failure(&mut self, attributes: &Attributes, error: Unavailable) -> bool {
        self.unavailable(error);
        self.defer(attributes.clone(), "4.3.0", "table lookup failure");
        true
    }

    /// There is neither an alias nor a user of this name.
    fn unknown(&mut self, mut attributes: Attributes) {
        if self.been_here(Seen::Unknown(attributes.local.clone())) {
            return;
        }
        let settings = self.settings;
        match self.lookups.find(Table::FallbackTransport, &attributes.user) {
            Ok(Some(transport)) => {
                self.pass(&mut attributes, "fallback_transport_maps", transport);
                return;
            }
            Ok(None) if settings.fallback_transport.is_empty() => {}
            Ok(None) => {
                self.pass(&mut attributes, "fallback_transport", settings.fallback_transport.clone());
                return;
            }
            Err(error) => {
                self.table_failure(&attributes, error);
                return;
            }
        }
        if !settings.luser_relay.is_empty() {
            attributes.unmatched = None;
            let address = Template::parse(&settings.luser_relay).expand(&attributes, &Filter::default()).text;
            attributes.note(None, || ("luser_relay", settings.luser_relay.clone(), true, address.as_str()));
            return self.address(attributes, &address);
        }
        let user = attributes.user.clone();
        if user.eq_ignore_ascii_case("mailer-daemon") || user.eq_ignore_ascii_case("postmaster") {
            self.warn(format!("required alias not found: {user}"));
            return self.sent(attributes, "discarded");
        }
        attributes.note(None, || ("/etc/passwd", user.clone(), false, "no such user"));
        self.bounce(attributes, "5.1.1", format!("unknown user: \"{user}\""));
    }
}

const INCLUDE: &str = ":include:";

/// The targets in a text: what stands between commas, without comments.
fn addresses(text: &str) -> Vec<Vec<Token>> {
    let parse = |text: &str| {
        address::parse_list(text).into_iter().filter_map(|token| match token {
            Token::Address(tokens) => Some(tokens),
            _ => None,
        })
    };
    if !text.to_ascii_lowercase().contains(INCLUDE) {
        return parse(text).collect();
    }
    // The colons of `:include:` are no group syntax.
    let mut found = Vec::new();
    for element in split_commas(text) {
        let element = element.trim();
        match element.get(..INCLUDE.len()) {
            Some(start) if start.eq_ignore_ascii_case(INCLUDE) => found.push(vec![Token::Atom(element.to_owned())]),
            _ => found.extend(parse(element)),
        }
    }
    found
}

/// Splits at commas outside quotes.
fn split_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
