//! The address resolver (`resolve.c`): class, transport and next hop of a recipient.

use smol_str::{SmolStr, format_smolstr};

use super::destination::{OwnAddresses, is_hostname, literal};
use super::probes::for_probes;
use super::rewrite::{last, scan, strip_trailing_dot};
use super::transport::Route;
use super::{Class, Context, Resolved, Rewriter};
use crate::host::Host;
use crate::mail::address::{self, Token};
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::maps::address::Parents;
use crate::mta::postfix::maps::{AddressFinder, LookupError, Maps, MatchList, Strategy, Subject, mail_addr_find};
use crate::trace::{Decision, Source};

/// A domain list, with its name for decisions and warnings.
#[derive(Clone, Debug)]
struct Domains {
    name: &'static str,
    list: MatchList,
    source: Option<Source>,
}

/// Tables by whole address, with their name.
#[derive(Clone, Debug)]
struct Table {
    name: &'static str,
    maps: Maps,
}

/// A `transport:nexthop` parameter.
#[derive(Clone, Debug)]
struct Setting {
    name: &'static str,
    value: SmolStr,
    source: Option<Source>,
}

/// What the resolver looks at.
#[derive(Clone, Debug)]
pub struct Resolver {
    rewriter: Rewriter,
    own: OwnAddresses,
    mydestination: Domains,
    virtual_alias_domains: Domains,
    virtual_mailbox_domains: Domains,
    relay_domains: Domains,
    transport_maps: Table,
    relocated_maps: Table,
    relayhost_maps: Table,
    default_transport_maps: Table,
    local_transport: Setting,
    virtual_transport: Setting,
    relay_transport: Setting,
    default_transport: Setting,
    relayhost: Setting,
    null_relayhost_key: SmolStr,
    null_transport_key: SmolStr,
    myhostname: SmolStr,
    empty_address: SmolStr,
    finder: AddressFinder,
    transport_strategy: Strategy,
    resolve_dequoted_address: bool,
    resolve_null_domain: bool,
    resolve_numeric_domain: bool,
    helpful_warnings: bool,
    show_table: bool,
    allow_min_user: bool,
    /// Whether the result depends on nothing but the recipient's domain.
    pub by_domain_only: bool,
}

/// A table could not be read; the name is that of the parameter.
struct Failed(&'static str, LookupError);

type Log<'a> = &'a mut Vec<String>;
type Why<'a> = Option<&'a mut Decision>;

impl Resolver {
    /// Reads the parameters, for mail or for the probes of verify(8).
    pub fn load(params: &Params<'_>, rewriter: Rewriter, probes: bool, host: &Host) -> Result<Resolver, Fatal> {
        let own = |name: &'static str| if probes { for_probes(name) } else { name };
        let domains = |name: &'static str| -> Result<Domains, Fatal> {
            Ok(Domains { name, list: params.match_list(name)?, source: params.source(name) })
        };
        let table = |name: &'static str| -> Result<Table, Fatal> { Ok(Table { name, maps: params.maps(name)? }) };
        let setting = |name: &'static str| Setting { name, value: params.get(name), source: params.source(name) };
        let lists = ["mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"];
        let fixed = |name: &&str| !params.list(name).iter().any(|word| word.contains([':', '/']));
        let tables = [
            "transport_maps",
            "relocated_maps",
            "sender_dependent_relayhost_maps",
            "sender_dependent_default_transport_maps",
        ];
        Ok(Resolver {
            own: OwnAddresses::load(&params.list("inet_interfaces"), &params.list("proxy_interfaces"), host),
            mydestination: domains("mydestination")?,
            virtual_alias_domains: domains("virtual_alias_domains")?,
            virtual_mailbox_domains: domains("virtual_mailbox_domains")?,
            relay_domains: domains("relay_domains")?,
            transport_maps: table(own("transport_maps"))?,
            relocated_maps: table("relocated_maps")?,
            relayhost_maps: table(own("sender_dependent_relayhost_maps"))?,
            default_transport_maps: table(own("sender_dependent_default_transport_maps"))?,
            local_transport: setting(own("local_transport")),
            virtual_transport: setting(own("virtual_transport")),
            relay_transport: setting(own("relay_transport")),
            default_transport: setting(own("default_transport")),
            relayhost: setting(own("relayhost")),
            null_relayhost_key: params.get("empty_address_relayhost_maps_lookup_key"),
            null_transport_key: params.get("empty_address_default_transport_maps_lookup_key"),
            myhostname: params.get("myhostname"),
            empty_address: params.get("empty_address_recipient"),
            finder: AddressFinder::load(params)?,
            transport_strategy: transport_strategy(params),
            resolve_dequoted_address: params.bool("resolve_dequoted_address")?,
            resolve_null_domain: params.bool("resolve_null_domain")?,
            resolve_numeric_domain: params.bool("resolve_numeric_domain")?,
            helpful_warnings: params.bool("helpful_warnings")?,
            show_table: params.bool("show_user_unknown_table_name")?,
            allow_min_user: params.bool("allow_min_user")?,
            by_domain_only: lists.iter().all(fixed) && tables.iter().all(|name| params.get(name).is_empty()),
            rewriter,
        })
    }

    /// What the service does when it starts: opens its tables, each once, and looks up the wildcard
    /// entry, for mail and for probes.
    pub fn start(&self, host: &Host, log: Log<'_>) {
        let lists =
            [&self.mydestination, &self.virtual_alias_domains, &self.virtual_mailbox_domains, &self.relay_domains];
        let tables = [&self.transport_maps, &self.relocated_maps, &self.relayhost_maps, &self.default_transport_maps];
        let problems = lists.iter().flat_map(|list| list.list.problems(host));
        for line in problems.chain(tables.iter().flat_map(|table| table.maps.problems(host))) {
            if !log.contains(&line) {
                log.push(line);
            }
        }
        if !self.transport_maps.maps.is_empty() {
            for _ in 0..2 {
                if let Err(error) = self.transport_maps.maps.find("*", host) {
                    log.extend(error.warnings);
                }
            }
        }
    }

    /// Decides about one recipient.
    pub fn resolve(&self, sender: &str, recipient: &str, host: &Host, log: Log<'_>, mut why: Why<'_>) -> Resolved {
        let mut resolved = Resolved { recipient: recipient.into(), ..Resolved::default() };
        if let Err(Failed(name, error)) = self.decide(&mut resolved, sender, host, log, why.as_deref_mut()) {
            log.extend(error.warnings);
            // A failure while own domains are stripped goes unmentioned.
            if name != self.mydestination.name {
                log.push(format!("warning: {name} lookup failure"));
            }
            if let Some(why) = why {
                why.step(name, recipient, false, "table lookup failure: try again later");
            }
            resolved.failed = true;
        }
        resolved
    }

    fn decide(
        &self,
        resolved: &mut Resolved,
        sender: &str,
        host: &Host,
        log: Log<'_>,
        mut why: Why<'_>,
    ) -> Result<(), Failed> {
        let is_local = self.strip_local_domains(resolved, host, why.as_deref_mut())?;
        if resolved.bad_address {
            if let Some(why) = why {
                why.step("domain syntax", resolved.recipient.clone(), true, "malformed address");
            }
            return Ok(());
        }
        let recipient = resolved.recipient.clone();
        let domain = address::split(&recipient).1.unwrap_or_default();
        let first_operator = recipient.find(['@', '!', '%']).map_or("", |at| &recipient[at + 1..]);
        resolved.routed = first_operator != domain;

        let mut route = Route { transport: SmolStr::default(), nexthop: domain.into() };
        if is_local {
            resolved.class = Class::Local;
            self.warn_both(
                domain,
                &self.mydestination,
                &[&self.virtual_alias_domains, &self.virtual_mailbox_domains],
                host,
                log,
            );
            use_setting(&mut route, &self.local_transport, why.as_deref_mut());
        } else {
            self.class_of(resolved, &mut route, sender, domain, host, log, why.as_deref_mut())?;
        }
        if let Some((transport, nexthop)) = route.transport.clone().split_once(':') {
            if !nexthop.is_empty() {
                route.nexthop = nexthop.into();
            }
            route.transport = transport.into();
        }
        if resolved.class != Class::VirtualAlias && !self.transport_maps.maps.is_empty() {
            self.transport_map(&mut route, &recipient, domain, host, why.as_deref_mut())?;
        }
        if let Some(found) = self.relocated_maps.find(&recipient, &self.finder, host)? {
            route.transport = "error".into();
            route.nexthop = format_smolstr!("5.1.6 User has moved to {}", found.value);
            if let Some(why) = why {
                why.step(self.relocated_maps.name, recipient.clone(), true, route.nexthop.clone());
                why.at(found.source);
            }
        }
        resolved.transport = route.transport;
        resolved.nexthop = route.nexthop;
        resolved.bad_address = !self.allow_min_user && recipient.starts_with('-');
        Ok(())
    }

    /// Strips own domains and resolves routing operators in the local part until a foreign domain or
    /// none is left. Tells whether the recipient is local.
    fn strip_local_domains(&self, resolved: &mut Resolved, host: &Host, mut why: Why<'_>) -> Result<bool, Failed> {
        let mut tree = scan(&address::quote(&resolved.recipient));
        let mut saved: Option<Vec<Token>> = None;
        let mut is_local = true;
        for _ in 0..resolved.recipient.len() + 100 {
            if last(&tree, '@').is_some() {
                strip_trailing_dot(&mut tree);
            }
            if self.resolve_null_domain && tree.last().is_some_and(|token| token.is('@')) {
                tree.pop();
            }
            if let Some(at) = last(&tree, '@') {
                if at + 1 < tree.len()
                    && !self.is_local(&address::internalize(&tree[at + 1..]), host, why.as_deref_mut())?
                {
                    is_local = false;
                    break;
                }
                saved = Some(tree.split_off(at));
            }
            let routed = |tree: &[Token], operator: char| last(tree, operator).is_some();
            if routed(&tree, '@')
                || (self.rewriter.swap_bangpath && routed(&tree, '!'))
                || (self.rewriter.allow_percent_hack && routed(&tree, '%'))
            {
                self.rewriter.tokens(Context::Local, &mut tree);
                continue;
            }
            if self.crack_quoted(&mut tree) {
                self.rewriter.tokens(Context::Local, &mut tree);
                continue;
            }
            if matches!(tree.as_slice(), [Token::Quoted(text)] if text.is_empty()) {
                tree.clear();
            }
            if tree.is_empty() {
                tree = address::scan(&self.empty_address);
            }
            break;
        }
        if is_local {
            match saved {
                Some(domain) if domain.len() > 1 => tree.extend(domain),
                _ => {
                    tree.push(Token::Operator('@'));
                    tree.extend(address::scan(&self.myhostname));
                }
            }
        }
        let mut recipient = address::internalize(&tree);
        let domain = address::split(&recipient).1.unwrap_or_default().to_owned();
        if domain.starts_with('[') {
            resolved.bad_address = literal(&domain).is_none();
        } else if !is_hostname(&domain) {
            if self.resolve_numeric_domain && domain.parse::<std::net::IpAddr>().is_ok() {
                let bracketed = format!("[{domain}]");
                recipient.truncate(recipient.len() - domain.len());
                recipient.push_str(&bracketed);
                is_local = self.is_local(&bracketed, host, why)?;
            } else {
                resolved.bad_address = true;
            }
        }
        resolved.recipient = recipient.into();
        Ok(is_local)
    }

    /// Opens a quoted local part that hides a routing operator. Wrong by RFC 822, but it keeps other
    /// hosts from being used as a relay.
    fn crack_quoted(&self, tree: &mut Vec<Token>) -> bool {
        let [Token::Quoted(local)] = tree.as_slice() else { return false };
        if !self.resolve_dequoted_address {
            return false;
        }
        let percent = local.rfind('%').filter(|_| self.rewriter.allow_percent_hack);
        let bang = local.rfind('!').filter(|_| self.rewriter.swap_bangpath);
        let mut text = local.clone();
        if local.contains('@') {
            text = address::quote(local).into_owned();
        } else if let Some(percent) = percent {
            text.replace_range(percent..=percent, "@");
            text = address::quote(&text).into_owned();
        } else if bang.is_none() {
            return false;
        }
        *tree = address::scan(&text);
        true
    }

    fn is_local(&self, domain: &str, host: &Host, mut why: Why<'_>) -> Result<bool, Failed> {
        let domain = domain.strip_suffix('.').filter(|rest| !rest.ends_with('.')).unwrap_or(domain);
        if self.mydestination.contains(domain, host, why.as_deref_mut())? {
            return Ok(true);
        }
        let own = literal(domain).is_some_and(|address| self.own.contains(address, host));
        if let Some(why) = why.filter(|_| domain.starts_with('[')) {
            why.step(
                "inet_interfaces, proxy_interfaces",
                domain,
                own,
                if own { "an address of this system" } else { "" },
            );
        }
        Ok(own)
    }

    /// Class, transport and next hop of a domain that is not local.
    #[allow(clippy::too_many_arguments, reason = "the state of one decision")]
    fn class_of(
        &self,
        resolved: &mut Resolved,
        route: &mut Route,
        sender: &str,
        domain: &str,
        host: &Host,
        log: Log<'_>,
        mut why: Why<'_>,
    ) -> Result<(), Failed> {
        if self.virtual_alias_domains.contains(domain, host, why.as_deref_mut())? {
            let others = [&self.virtual_mailbox_domains, &self.relay_domains];
            self.warn_both(domain, &self.virtual_alias_domains, &others, host, log);
            resolved.class = Class::VirtualAlias;
            route.transport = "error".into();
            let table = if self.show_table { " in virtual alias table" } else { "" };
            route.nexthop = format_smolstr!("5.1.1 User unknown{table}");
            return Ok(());
        }
        if self.virtual_mailbox_domains.contains(domain, host, why.as_deref_mut())? {
            self.warn_both(domain, &self.virtual_mailbox_domains, &[&self.relay_domains], host, log);
            resolved.class = Class::VirtualMailbox;
            use_setting(route, &self.virtual_transport, why);
            return Ok(());
        }
        if self.relay_domains.contains(domain, host, why.as_deref_mut())? {
            resolved.class = Class::Relay;
            use_setting(route, &self.relay_transport, why.as_deref_mut());
        } else {
            resolved.class = Class::Default;
            let table = &self.default_transport_maps;
            match self.by_sender(table, sender, &self.null_transport_key, host, log, why.as_deref_mut())? {
                Some(transport) => route.transport = transport,
                None => use_setting(route, &self.default_transport, why.as_deref_mut()),
            }
        }
        match self.by_sender(&self.relayhost_maps, sender, &self.null_relayhost_key, host, log, why.as_deref_mut())? {
            Some(relay) => route.nexthop = relay,
            None if !self.relayhost.value.is_empty() => {
                route.nexthop = self.relayhost.value.clone();
                if let Some(why) = why {
                    why.step(self.relayhost.name, domain, true, self.relayhost.value.clone());
                    why.at(self.relayhost.source.clone());
                }
            }
            None => {}
        }
        Ok(())
    }

    /// What a sender-dependent table says; `None` also for `DUNNO`.
    fn by_sender(
        &self,
        table: &Table,
        sender: &str,
        null_key: &str,
        host: &Host,
        log: Log<'_>,
        why: Why<'_>,
    ) -> Result<Option<SmolStr>, Failed> {
        let key = if sender.is_empty() { null_key } else { sender };
        let Some(found) = table.find(key, &self.finder, host)? else { return Ok(None) };
        if let Some(why) = why {
            why.step(table.name, key, true, found.value.clone());
            why.at(found.source);
        }
        if found.value.is_empty() {
            log.push(format!("warning: {}: ignoring null lookup result for {key}", table.name));
            return Ok(None);
        }
        Ok(Some(found.value).filter(|value| !value.eq_ignore_ascii_case("dunno")))
    }

    fn transport_map(
        &self,
        route: &mut Route,
        recipient: &str,
        domain: &str,
        host: &Host,
        why: Why<'_>,
    ) -> Result<(), Failed> {
        let table = &self.transport_maps;
        let failed = |error| Failed(table.name, error);
        let found =
            mail_addr_find(&table.maps, recipient, &self.finder, self.transport_strategy, host).map_err(failed)?;
        let (found, key) = match found {
            Some(hit) => (Some(hit.found), hit.key),
            None => (table.maps.find("*", host).map_err(failed)?, SmolStr::new_static("*")),
        };
        let before = route.clone();
        if let Some(found) = &found {
            route.apply(&found.value, domain);
        }
        if let Some(why) = why {
            let outcome = found.as_ref().map_or_else(SmolStr::default, |found| found.value.clone());
            why.step(
                table.name,
                if found.is_some() { key.clone() } else { recipient.into() },
                found.is_some(),
                outcome,
            );
            why.at(found.and_then(|found| found.source));
            if *route == before && why.steps.last().is_some_and(|step| step.matched) {
                why.step("transport:nexthop", key, false, "changes nothing");
            }
        }
        Ok(())
    }

    fn warn_both(&self, domain: &str, first: &Domains, others: &[&Domains], host: &Host, log: Log<'_>) {
        for other in others.iter().filter(|_| self.helpful_warnings) {
            match other.list.matches(other.subject(domain), host) {
                Ok(Some(_)) => {
                    log.push(format!("warning: do not list domain {domain} in BOTH {} and {}", first.name, other.name));
                }
                Ok(None) => {}
                Err(error) => log.extend(error.warnings),
            }
        }
    }
}

fn transport_strategy(params: &Params<'_>) -> Strategy {
    let plain = params.list("parent_domain_matches_subdomains").iter().any(|name| name == "transport_maps");
    let parents = if plain { Parents::Plain } else { Parents::Dotted };
    Strategy { local_at: false, parents, ..Strategy::ACCESS }
}

impl Domains {
    fn subject<'a>(&self, domain: &'a str) -> Subject<'a> {
        if self.name == "relay_domains" { Subject::Domain(domain) } else { Subject::String(domain) }
    }

    fn contains(&self, domain: &str, host: &Host, why: Why<'_>) -> Result<bool, Failed> {
        let found = self.list.matches(self.subject(domain), host).map_err(|error| Failed(self.name, error))?;
        if let Some(why) = why {
            let outcome =
                found.as_ref().map_or_else(SmolStr::default, |found| format_smolstr!("listed as {}", found.pattern));
            why.step(self.name, domain, found.is_some(), outcome);
            why.at(found.as_ref().and_then(|found| found.source.clone()).or_else(|| self.source.clone()));
        }
        Ok(found.is_some())
    }
}

impl Table {
    fn find(
        &self,
        key: &str,
        finder: &AddressFinder,
        host: &Host,
    ) -> Result<Option<crate::mta::postfix::maps::Found>, Failed> {
        if self.maps.is_empty() {
            return Ok(None);
        }
        mail_addr_find(&self.maps, key, finder, Strategy::DEFAULT, host)
            .map(|hit| hit.map(|hit| hit.found))
            .map_err(|error| Failed(self.name, error))
    }
}

fn use_setting(route: &mut Route, setting: &Setting, why: Why<'_>) {
    route.transport = setting.value.clone();
    if let Some(why) = why {
        why.step(setting.name, route.nexthop.clone(), true, setting.value.clone());
        why.at(setting.source.clone());
    }
}
