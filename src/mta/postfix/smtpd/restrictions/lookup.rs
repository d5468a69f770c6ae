//! What evaluation asks others: DNS, the address resolver, tables. Answers are kept until the
//! command is decided, so that running a list again costs nothing and asks nothing twice.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Flow, Need, Rejection, Run};
use crate::dns::lookup::Outcome;
use crate::dns::{Lookup, Qtype};
use crate::host::Ctx;
use crate::mta::postfix::maps::{Found, LookupError};
use crate::mta::postfix::services::Services;
use crate::mta::postfix::smtpd::policy::PolicyService;
use crate::mta::postfix::trivial_rewrite::{self, Context, Resolved};
use crate::mta::postfix::verify::Status;

/// Answers known so far.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    dns: Vec<Arc<Lookup>>,
    resolved: Vec<(SmolStr, Arc<Resolved>)>,
    verified: Vec<(SmolStr, Status, SmolStr)>,
    policy: Vec<(Arc<PolicyService>, SmolStr)>,
    slept: bool,
}

impl Answers {
    /// Forgets everything: the next command asks anew.
    pub fn clear(&mut self) {
        self.dns.clear();
        self.resolved.clear();
        self.verified.clear();
        self.policy.clear();
        self.slept = false;
    }

    /// Keeps a DNS answer.
    pub fn add_dns(&mut self, lookup: Arc<Lookup>) {
        self.dns.push(lookup);
    }

    /// Keeps the status of an address.
    pub fn add_verified(&mut self, address: SmolStr, status: Status, text: SmolStr) {
        self.verified.push((address, status, text));
    }

    /// Keeps what a policy server said.
    pub fn add_policy(&mut self, server: Arc<PolicyService>, action: SmolStr) {
        self.policy.push((server, action));
    }

    /// Notes that the time asked for has passed.
    pub fn slept(&mut self) {
        self.slept = true;
    }
}

/// Evaluation's way to others.
pub struct Lookups<'a, 'c> {
    /// Answers so far.
    pub answers: &'a mut Answers,
    /// The other daemons.
    pub services: &'a mut Services,
    /// The host and the trace.
    pub ctx: &'a mut Ctx<'c>,
}

impl Lookups<'_, '_> {
    /// A DNS answer, or the need for one.
    pub fn dns(&self, name: &str, qtype: Qtype) -> Result<Arc<Lookup>, Flow> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let known = self.answers.dns.iter().find(|known| known.qtype == qtype && known.qname == name);
        known.cloned().ok_or_else(|| Flow::Need(Need::Dns(name.into(), qtype)))
    }

    /// The first answer of several types that has records or fails for now, in order.
    pub fn dns_any(&self, name: &str, types: &[Qtype]) -> Result<Option<Arc<Lookup>>, Flow> {
        for qtype in types {
            let lookup = self.dns(name, *qtype)?;
            if !matches!(lookup.outcome, Outcome::NoData | Outcome::NxDomain) {
                return Ok(Some(lookup));
            }
        }
        Ok(None)
    }

    /// Where mail to an address goes.
    pub fn resolve(&mut self, sender: &str, address: &str) -> Arc<Resolved> {
        if let Some((_, known)) = self.answers.resolved.iter().find(|(known, _)| known == address) {
            return Arc::clone(known);
        }
        let canonical = self.services.rewrite.rewriter.internal(Context::Local, address);
        let resolved = trivial_rewrite::resolve_once(self.services, sender, &canonical, self.ctx);
        self.answers.resolved.push((address.into(), Arc::clone(&resolved)));
        resolved
    }

    /// As [`Lookups::resolve`]; a failing table refuses the command for now.
    pub fn resolve_or_retry(&mut self, sender: &str, address: &str) -> Result<Arc<Resolved>, Flow> {
        let resolved = self.resolve(sender, address);
        if resolved.failed { Err(Rejection::lookup_failure(address).into()) } else { Ok(resolved) }
    }

    /// The status of an address, or the need for it.
    pub fn verified(&self, address: &str) -> Result<(Status, SmolStr), Flow> {
        let known = self.answers.verified.iter().find(|(known, ..)| known == address);
        known.map(|(_, status, text)| (*status, text.clone())).ok_or_else(|| Flow::Need(Need::Verify(address.into())))
    }

    /// A policy server's answer, or the need for it.
    pub fn policy(&self, server: &Arc<PolicyService>) -> Result<SmolStr, Flow> {
        let known = self.answers.policy.iter().find(|(known, _)| known == server);
        known.map(|(_, action)| action.clone()).ok_or_else(|| Flow::Need(Need::Policy(server.clone())))
    }

    /// Lets time pass once.
    pub fn sleep(&self, secs: u64) -> Result<(), Flow> {
        if self.answers.slept { Ok(()) } else { Err(Flow::Need(Need::Sleep(secs))) }
    }
}

/// A table's answer; if it cannot be read, its warnings are logged and the command is refused for
/// now.
pub fn or_retry(found: Result<Option<Found>, LookupError>, name: &str, run: &mut Run) -> Result<Option<Found>, Flow> {
    found.map_err(|error| {
        run.warn(error);
        Rejection::lookup_failure(name).into()
    })
}
