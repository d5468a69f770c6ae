//! trivial-rewrite(8): brings addresses to standard form and decides where mail goes.

mod destination;
mod probes;
mod resolve;
mod rewrite;
mod transport;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::config::{Fatal, Params};
use super::services::Services;
use crate::host::{Ctx, Host, Priority};
use crate::trace::{Decision, Kind};
use resolve::Resolver;
pub use rewrite::{Context, Rewriter};

/// The syslog tag.
const TAG: &str = "postfix/trivial-rewrite";

/// Address classes of ADDRESS_CLASS_README.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as there")]
pub enum Class {
    Local,
    VirtualAlias,
    VirtualMailbox,
    Relay,
    #[default]
    Default,
}

impl Class {
    /// The name in the trace.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Local => "local",
            Class::VirtualAlias => "virtual_alias",
            Class::VirtualMailbox => "virtual_mailbox",
            Class::Relay => "relay",
            Class::Default => "default",
        }
    }
}

/// Where mail for an address goes.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The class of its domain.
    pub class: Class,
    /// Service name in master.cf.
    pub transport: SmolStr,
    /// Domain, host, path or text, as the transport takes it.
    pub nexthop: SmolStr,
    /// The recipient to deliver to, in internal form.
    pub recipient: SmolStr,
    /// The address is malformed (`RESOLVE_FLAG_ERROR`).
    pub bad_address: bool,
    /// A table could not be read: try again later (`RESOLVE_FLAG_FAIL`).
    pub failed: bool,
    /// The local part has routing characters (`RESOLVE_FLAG_ROUTED`).
    pub routed: bool,
    /// What trivial-rewrite(8) logs about it, with `warning: ` and the like.
    pub log: Vec<String>,
    /// The rules looked at; only if asked for.
    pub why: Option<Arc<Decision>>,
}

/// The service.
#[derive(Clone, Debug)]
pub struct TrivialRewrite {
    /// The rules for incomplete addresses.
    pub rewriter: Rewriter,
    resolver: Arc<Resolver>,
    /// The same for the probes of verify(8).
    probes: Arc<Resolver>,
    /// Results by recipient domain, while no table needs the whole address.
    by_domain: Arc<HashMap<SmolStr, Resolved>>,
    /// Results that something was logged about, by sender and recipient: clients that remember
    /// answers do not have it logged again.
    remarkable: Arc<BTreeMap<(SmolStr, SmolStr), Arc<Resolved>>>,
    started: bool,
}

/// Most domains that are remembered.
const CACHE_LIMIT: usize = 20_000;
/// Most answers that a client remembers.
const CLIENT_CACHE_LIMIT: usize = 100;

impl TrivialRewrite {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>, host: &Host) -> Result<TrivialRewrite, Fatal> {
        let rewriter = Rewriter::load(params)?;
        let resolver = Arc::new(Resolver::load(params, rewriter.clone(), false, host)?);
        let probes = if probes::differ(params) {
            Arc::new(Resolver::load(params, rewriter.clone(), true, host)?)
        } else {
            Arc::clone(&resolver)
        };
        Ok(TrivialRewrite {
            rewriter,
            resolver,
            probes,
            by_domain: Arc::default(),
            remarkable: Arc::default(),
            started: false,
        })
    }

    /// Rewrites an address in external form to standard form.
    pub fn rewrite(&self, context: Context, address: &str) -> SmolStr {
        self.rewriter.external(context, address)
    }

    /// Whether a plain address ([`is_plain`](crate::mail::address::is_plain)) is one of a domain to
    /// which mail was found to go, without anything to be said about it.
    pub fn knows(&self, address: &str) -> bool {
        let domain = address.bytes().rposition(|octet| octet == b'@').and_then(|at| address.get(at + 1..));
        self.resolver.by_domain_only
            && !address.starts_with('-')
            && domain.is_some_and(|domain| self.by_domain.contains_key(domain))
    }

    /// Decides where mail from a sender to a recipient goes, both in internal form. With `full`, the
    /// rules looked at are returned as well.
    pub fn resolve(&mut self, sender: &str, recipient: &str, host: &Host, full: bool) -> Resolved {
        self.find(sender, recipient, host, full, false)
    }

    fn find(&mut self, sender: &str, recipient: &str, host: &Host, full: bool, probe: bool) -> Resolved {
        let cacheable = !probe
            && self.resolver.by_domain_only
            && crate::mail::address::is_plain(recipient.as_bytes())
            && !recipient.starts_with('-');
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        if cacheable
            && let Some(known) = self.by_domain.get(domain)
            && (known.why.is_some() || !full)
        {
            let why = known.why.as_ref().filter(|_| full);
            let why = why.map(|why| Arc::new(Decision { question: question(recipient), ..(**why).clone() }));
            return Resolved {
                class: known.class,
                transport: known.transport.clone(),
                nexthop: known.nexthop.clone(),
                recipient: recipient.into(),
                why,
                ..Resolved::default()
            };
        }
        let mut why = full.then(|| Decision::about(question(recipient)));
        let mut log = Vec::new();
        if !std::mem::replace(&mut self.started, true) {
            self.resolver.start(host, &mut log);
        }
        let resolver = if probe { &self.probes } else { &self.resolver };
        let mut resolved = resolver.resolve(sender, recipient, host, &mut log, why.as_mut());
        let verdict = |resolved: &Resolved| match (resolved.failed, resolved.bad_address) {
            (true, _) => SmolStr::new_static("try again later"),
            (_, true) => SmolStr::new_static("malformed address"),
            _ => format_smolstr!("{}:{}", resolved.transport, resolved.nexthop),
        };
        resolved.why = why.map(|why| Arc::new(why.verdict(verdict(&resolved))));
        if cacheable && log.is_empty() && !resolved.failed && !resolved.bad_address {
            let cache = Arc::make_mut(&mut self.by_domain);
            if cache.len() < CACHE_LIMIT {
                cache.insert(domain.into(), resolved.clone());
            }
        }
        resolved.log = log;
        resolved
    }
}

fn question(recipient: &str) -> SmolStr {
    format_smolstr!("where does {recipient} go?")
}

/// As [`TrivialRewrite::resolve`] without the rules looked at, and logs what the service logs.
pub fn resolve(services: &mut Services, sender: &str, recipient: &str, ctx: &mut Ctx<'_>) -> Resolved {
    logged(services, sender, recipient, (false, false), ctx)
}

/// The same for mail that is about to go there: in a full trace, with the rules looked at. A probe
/// of verify(8) has rules of its own.
pub fn route(services: &mut Services, sender: &str, recipient: &str, probe: bool, ctx: &mut Ctx<'_>) -> Resolved {
    logged(services, sender, recipient, (ctx.trace.is_full(), probe), ctx)
}

fn logged(
    services: &mut Services,
    sender: &str,
    recipient: &str,
    (full, probe): (bool, bool),
    ctx: &mut Ctx<'_>,
) -> Resolved {
    let resolved = services.rewrite.find(sender, recipient, ctx.host, full, probe);
    services.log.start(ctx, TAG);
    for line in &resolved.log {
        if !services.log.startup.contains(line) {
            services.log.log(ctx, Priority::Warning, TAG, format_args!("{line}"));
        }
    }
    resolved
}

/// As [`resolve`], for a client that remembers the answers (smtpd(8)).
pub fn resolve_once(services: &mut Services, sender: &str, recipient: &str, ctx: &mut Ctx<'_>) -> Arc<Resolved> {
    services.log.start(ctx, TAG);
    if !services.rewrite.remarkable.is_empty()
        && let Some(known) = services.rewrite.remarkable.get(&(sender.into(), recipient.into()))
    {
        return Arc::clone(known);
    }
    let resolved = Arc::new(resolve(services, sender, recipient, ctx));
    if !resolved.log.is_empty() {
        let known = Arc::make_mut(&mut services.rewrite.remarkable);
        if known.len() >= CLIENT_CACHE_LIMIT {
            known.clear();
        }
        known.insert((sender.into(), recipient.into()), Arc::clone(&resolved));
    }
    resolved
}

/// Records the `route.decide` event of a recipient whose mail is about to go there.
pub fn note_route(resolved: &Resolved, ctx: &mut Ctx<'_>) {
    let kind = Kind::RouteDecide {
        rcpt: resolved.recipient.clone(),
        class: SmolStr::new_static(resolved.class.as_str()),
        transport: resolved.transport.clone(),
        nexthop: resolved.nexthop.clone(),
    };
    ctx.emit_decided(kind, resolved.why.clone());
}
