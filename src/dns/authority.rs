//! Authoritative answers: the algorithm of RFC 1034, section 4.3.2.

use std::collections::BTreeMap;
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::message::{MAX_CNAMES, type_text};
use super::name::name_text;
use super::zone::{Behaviour, Zone};
use crate::trace::Decision;

/// The zones of a server. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    zones: Arc<BTreeMap<Name, Arc<Zone>>>,
    /// How the server treats all its questions.
    pub behaviour: Behaviour,
}

/// What a server found on its way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No zone of this server contains the name.
    NotServed,
    /// Somebody wants a whole zone (AXFR, IXFR), and nobody may have one.
    Transfer,
    /// The zone that contains the name best.
    InZone(Name),
    /// The zone, or the server, is made to misbehave.
    Fault(Behaviour),
    /// The name lies in a delegated subzone.
    Delegated(Name),
    /// The name is an alias.
    Alias {
        /// The alias.
        from: Name,
        /// The canonical name.
        to: Name,
    },
    /// The name does not exist, but this wildcard covers it.
    Wildcard(Name),
    /// The name has records of the type.
    Found,
    /// The name exists, without records of the type.
    NoType(Name),
    /// The name does not exist.
    NoName(Name),
}

/// An answer, before it becomes a message.
#[derive(Clone, Debug)]
pub struct Response {
    /// The response code.
    pub rcode: ResponseCode,
    /// Whether it comes from a zone of this server.
    pub authoritative: bool,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authorities: Vec<Record>,
    /// The additional section.
    pub additionals: Vec<Record>,
    /// How it was found.
    pub findings: Vec<Finding>,
}

impl Response {
    fn new() -> Response {
        Response {
            rcode: ResponseCode::NoError,
            authoritative: true,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn refuse(mut self, rcode: ResponseCode, finding: Finding) -> Response {
        self.rcode = rcode;
        self.authoritative = false;
        self.findings.push(finding);
        self
    }

    /// Whether the server says nothing at all.
    pub fn is_silent(&self) -> bool {
        self.findings.last() == Some(&Finding::Fault(Behaviour::Silent))
    }

    /// The steps for people who ask why.
    pub fn decision(&self, qname: &Name, qtype: RecordType) -> Decision {
        let qname = name_text(qname);
        let mut why = Decision::about(format!("{qname} {}?", type_text(qtype)));
        for finding in &self.findings {
            let (rule, input, matched, outcome) = match finding {
                Finding::NotServed => ("zones of this server", qname.clone(), false, "not authoritative".to_owned()),
                Finding::Transfer => ("allow-transfer", qname.clone(), false, "refused".to_owned()),
                Finding::InZone(zone) => ("zones of this server", name_text(zone), true, "authoritative".to_owned()),
                Finding::Fault(fault) => ("fault", qname.clone(), true, format!("{fault:?}").to_lowercase()),
                Finding::Delegated(cut) => ("delegation", name_text(cut), true, "referral".to_owned()),
                Finding::Alias { from, to } => {
                    ("CNAME", name_text(from), true, format!("goes on with {}", name_text(to)))
                }
                Finding::Wildcard(wildcard) => ("wildcard", name_text(wildcard), true, "synthesized".to_owned()),
                Finding::Found => ("records of the type", qname.clone(), true, format!("{} found", self.answers.len())),
                Finding::NoType(name) => ("records of the type", name_text(name), false, "NODATA".to_owned()),
                Finding::NoName(name) => ("name exists", name_text(name), false, "NXDOMAIN".to_owned()),
            };
            why.step(rule, input, matched, outcome);
        }
        why.verdict = super::message::rcode_text(self.rcode);
        why
    }

    /// The message that answers `query`.
    pub fn into_message(self, query: &Message) -> Message {
        let mut message = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
        message.metadata.recursion_desired = query.metadata.recursion_desired;
        message.metadata.authoritative = self.authoritative;
        message.metadata.response_code = self.rcode;
        message.add_queries(query.queries.iter().cloned());
        if let Some(edns) = &query.edns {
            message.set_edns(edns.clone());
        }
        message.answers = self.answers;
        message.authorities = self.authorities;
        message.additionals = self.additionals;
        message
    }
}

impl Catalog {
    /// A server's zones; of two with one name the later is taken.
    pub fn new(zones: impl IntoIterator<Item = Zone>) -> Catalog {
        let zones = zones.into_iter().map(|zone| (zone.origin().clone(), Arc::new(zone))).collect();
        Catalog { zones: Arc::new(zones), behaviour: Behaviour::Normal }
    }

    /// Adds or replaces a zone.
    pub fn insert(&mut self, zone: Zone) {
        Arc::make_mut(&mut self.zones).insert(zone.origin().clone(), Arc::new(zone));
    }

    /// The zone of exactly this name.
    pub fn zone(&self, origin: &Name) -> Option<&Arc<Zone>> {
        self.zones.get(origin)
    }

    /// The zones in canonical order of their names.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<Zone>> {
        self.zones.values()
    }

    /// The zone that contains a name best.
    fn find(&self, name: &Name) -> Option<&Zone> {
        let mut candidate = name.clone();
        loop {
            if let Some(zone) = self.zones.get(&candidate) {
                return Some(zone);
            }
            if candidate.num_labels() == 0 && candidate.is_root() {
                return None;
            }
            candidate = candidate.base_name();
        }
    }

    /// Answers a whole message. `None` if nothing is to be sent: it is no question, or the server
    /// is made silent.
    pub fn answer_message(&self, query: &Message) -> Option<(Message, Response)> {
        if query.metadata.message_type != MessageType::Query {
            return None;
        }
        let response = match query.queries.as_slice() {
            _ if query.metadata.op_code != OpCode::Query => {
                Response { rcode: ResponseCode::NotImp, authoritative: false, ..Response::new() }
            }
            [question] if matches!(question.query_type(), RecordType::AXFR | RecordType::IXFR) => {
                Response::new().refuse(ResponseCode::Refused, Finding::Transfer)
            }
            [question] => self.answer(question.name(), question.query_type()),
            _ => Response { rcode: ResponseCode::FormErr, authoritative: false, ..Response::new() },
        };
        (!response.is_silent()).then(|| (response.clone().into_message(query), response))
    }

    /// Answers a question.
    pub fn answer(&self, qname: &Name, qtype: RecordType) -> Response {
        let mut response = Response::new();
        let mut name = qname.to_lowercase();
        name.set_fqdn(true);
        let mut wanted_owner = qname.clone();
        for _ in 0..=MAX_CNAMES {
            let Some(zone) = self.find(&name) else {
                // The end of a CNAME chain outside these zones is for the asker to follow.
                return if response.answers.is_empty() {
                    response.refuse(ResponseCode::Refused, Finding::NotServed)
                } else {
                    response
                };
            };
            let behaviour = if self.behaviour == Behaviour::Normal { zone.behaviour } else { self.behaviour };
            match behaviour {
                Behaviour::Normal => response.findings.push(Finding::InZone(zone.origin().clone())),
                Behaviour::ServFail | Behaviour::Silent => {
                    response.answers.clear();
                    return response.refuse(ResponseCode::ServFail, Finding::Fault(behaviour));
                }
                Behaviour::Lame => return response.refuse(ResponseCode::Refused, Finding::Fault(behaviour)),
            }
            match self.step(zone, &name, &wanted_owner, qtype, &mut response) {
                Some(target) if response.answers.iter().any(|record| record.name == target) => return response,
                Some(target) => {
                    name = target.to_lowercase();
                    wanted_owner = target;
                }
                None => return response,
            }
        }
        response
    }

    /// Looks a name up in its zone; returns where an alias leads.
    fn step(&self, zone: &Zone, name: &Name, owner: &Name, qtype: RecordType, response: &mut Response) -> Option<Name> {
        if let Some(cut) = delegation(zone, name, qtype) {
            response.authoritative = !response.answers.is_empty();
            response.authorities.extend(zone.rrset(&cut, RecordType::NS).cloned());
            self.add_additionals(zone, response);
            response.findings.push(Finding::Delegated(cut));
            return None;
        }
        let source = match zone.exists(name) {
            true => name.clone(),
            false => match covering_wildcard(zone, name) {
                Some(wildcard) => {
                    response.findings.push(Finding::Wildcard(wildcard.clone()));
                    wildcard
                }
                // Servers such as nsd(8) keep one tree of names: what lies above another zone exists.
                None if self.zones.range(name.clone()..).next().is_some_and(|(origin, _)| name.zone_of(origin)) => {
                    response.authorities.extend(zone.negative_soa());
                    response.findings.push(Finding::NoType(name.clone()));
                    return None;
                }
                None => {
                    response.rcode = ResponseCode::NXDomain;
                    response.authorities.extend(zone.negative_soa());
                    response.findings.push(Finding::NoName(name.clone()));
                    return None;
                }
            },
        };
        let as_owner = |record: &Record| {
            let mut record = record.clone();
            record.name = owner.clone();
            record
        };
        let alias = zone.rrset(&source, RecordType::CNAME).next();
        if let (Some(record), false) = (alias, matches!(qtype, RecordType::CNAME | RecordType::ANY)) {
            response.answers.push(as_owner(record));
            let RData::CNAME(target) = &record.data else { return None };
            response.findings.push(Finding::Alias { from: name.clone(), to: target.0.clone() });
            return Some(target.0.clone());
        }
        let before = response.answers.len();
        let matching =
            zone.records(&source).iter().filter(|record| qtype == RecordType::ANY || record.record_type() == qtype);
        response.answers.extend(matching.map(as_owner));
        if response.answers.len() == before {
            response.authorities.extend(zone.negative_soa());
            response.findings.push(Finding::NoType(name.clone()));
        } else {
            self.add_additionals(zone, response);
            response.findings.push(Finding::Found);
        }
        None
    }

    /// Adds the addresses of hosts that MX, NS and SRV records name, as far as this server knows
    /// them; those below a delegation are glue.
    fn add_additionals(&self, zone: &Zone, response: &mut Response) {
        let mut targets: Vec<Name> = Vec::new();
        for record in response.answers.iter().chain(&response.authorities) {
            let target = match &record.data {
                RData::MX(mx) => &mx.exchange,
                RData::NS(ns) => &ns.0,
                RData::SRV(srv) => &srv.target,
                _ => continue,
            };
            if !targets.contains(target) {
                targets.push(target.clone());
            }
        }
        for target in targets {
            let lower = target.to_lowercase();
            let zone = if zone.origin().zone_of(&lower) { Some(zone) } else { self.find(&lower) };
            for rtype in [RecordType::A, RecordType::AAAA] {
                let records = zone.into_iter().flat_map(|zone| zone.rrset(&lower, rtype));
                response.additionals.extend(records.cloned());
            }
        }
    }
}

/// The uppermost delegation between the zone's origin and a name, if there is one.
fn delegation(zone: &Zone, name: &Name, qtype: RecordType) -> Option<Name> {
    let (apex, depth) = (zone.origin().num_labels(), name.num_labels());
    (apex + 1..=depth)
        .map(|labels| name.trim_to(usize::from(labels)))
        .find(|cut| zone.rrset(cut, RecordType::NS).next().is_some())
        // The DS record of a delegated name belongs to the upper zone (RFC 4035, section 3.1.4.1).
        .filter(|cut| !(cut == name && qtype == RecordType::DS))
}

/// The wildcard at the closest existing ancestor of a name that does not exist (RFC 4592).
fn covering_wildcard(zone: &Zone, name: &Name) -> Option<Name> {
    let mut ancestor = name.base_name();
    while zone.origin().zone_of(&ancestor) {
        if zone.exists(&ancestor) {
            let wildcard = ancestor.prepend_label("*").ok()?;
            return (!zone.records(&wildcard).is_empty()).then_some(wildcard);
        }
        if ancestor.num_labels() == 0 {
            break;
        }
        ancestor = ancestor.base_name();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::message::record_text;
    use super::super::name::wire_name;
    use super::*;

    const ORG: &str = "\
@ IN MX 10 mx1
@ IN MX 20 mx.example.com.
mx1 IN A 192.0.2.10
mx1 IN AAAA 2001:db8::10
www IN CNAME web
web IN CNAME mx1
out IN CNAME mx.example.com.
far IN CNAME host.elsewhere.test.
loop IN CNAME pool
pool IN CNAME loop
gone IN CNAME nothing
*.wild IN MX 5 mx1
a.b.c IN TXT \"deep\"
sub IN NS ns.sub
ns.sub IN A 192.0.2.99
";

    fn catalog() -> Catalog {
        Catalog::new([
            Zone::parse_fragment("example.org", ORG, "org").unwrap(),
            Zone::parse_fragment("example.com", "mx IN A 203.0.113.5\n", "com").unwrap(),
            Zone::parse_fragment("broken.test", "SERVFAIL", "broken").unwrap(),
        ])
    }

    /// Response code, AA, and the records of the three sections in short.
    fn ask(catalog: &Catalog, name: &str, qtype: RecordType) -> String {
        let response = catalog.answer(&wire_name(name).unwrap(), qtype);
        let texts = |records: &[Record]| {
            records
                .iter()
                .map(record_text)
                .map(|text| {
                    text.split(' ').filter(|word| word.parse::<u32>().is_err()).take(3).collect::<Vec<_>>().join(" ")
                })
                .collect::<Vec<_>>()
                .join(", ")
        };
        let code = super::super::message::rcode_text(response.rcode);
        let aa = if response.authoritative { " aa" } else { "" };
        let [answers, authority, more] = [&response.answers, &response.authorities, &response.additionals];
        format!("{code}{aa} | {} | {} | {}", texts(answers), texts(authority), texts(more))
    }

    #[test]
    fn every_kind_of_answer_is_as_rfc_1034_says() {
        let soa = "SOA ns.oracle-dns.test";
        for (name, qtype, expect) in [
            (
                "example.org",
                RecordType::MX,
                "NOERROR aa | example.org MX mx1.example.org, example.org MX mx.example.com |  | mx1.example.org A \
                 192.0.2.10, mx1.example.org AAAA 2001:db8::10, mx.example.com A 203.0.113.5"
                    .to_owned(),
            ),
            ("mx1.example.org", RecordType::TXT, format!("NOERROR aa |  | example.org {soa} | ")),
            ("no.example.org", RecordType::A, format!("NXDOMAIN aa |  | example.org {soa} | ")),
            ("b.c.example.org", RecordType::A, format!("NOERROR aa |  | example.org {soa} | ")),
            (
                "www.example.org",
                RecordType::A,
                "NOERROR aa | www.example.org CNAME web.example.org, web.example.org CNAME mx1.example.org, \
                 mx1.example.org A 192.0.2.10 |  | "
                    .to_owned(),
            ),
            (
                "out.example.org",
                RecordType::A,
                "NOERROR aa | out.example.org CNAME mx.example.com, mx.example.com A 203.0.113.5 |  | ".to_owned(),
            ),
            (
                "far.example.org",
                RecordType::A,
                "NOERROR aa | far.example.org CNAME host.elsewhere.test |  | ".to_owned(),
            ),
            (
                "loop.example.org",
                RecordType::A,
                "NOERROR aa | loop.example.org CNAME pool.example.org, pool.example.org CNAME loop.example.org |  | "
                    .to_owned(),
            ),
            (
                "gone.example.org",
                RecordType::A,
                format!("NXDOMAIN aa | gone.example.org CNAME nothing.example.org | example.org {soa} | "),
            ),
            (
                "x.y.wild.example.org",
                RecordType::MX,
                "NOERROR aa | x.y.wild.example.org MX mx1.example.org |  | mx1.example.org A 192.0.2.10, \
                 mx1.example.org AAAA 2001:db8::10"
                    .to_owned(),
            ),
            ("x.wild.example.org", RecordType::A, format!("NOERROR aa |  | example.org {soa} | ")),
            (
                "host.sub.example.org",
                RecordType::A,
                "NOERROR |  | sub.example.org NS ns.sub.example.org | ns.sub.example.org A 192.0.2.99".to_owned(),
            ),
            ("www.example.net", RecordType::A, "REFUSED |  |  | ".to_owned()),
            ("www.broken.test", RecordType::A, "SERVFAIL |  |  | ".to_owned()),
        ] {
            assert_eq!(ask(&catalog(), name, qtype), expect, "{name} {qtype}");
        }
    }

    #[test]
    fn an_empty_root_makes_all_other_names_nonexistent() {
        let mut catalog = catalog();
        catalog.insert(Zone::empty(Name::root()));
        assert!(ask(&catalog, "www.example.net", RecordType::A).starts_with("NXDOMAIN aa"));
        assert!(ask(&catalog, "mx1.example.org", RecordType::A).starts_with("NOERROR aa"));
    }

    #[test]
    fn a_silent_or_lame_server_misbehaves_for_all_zones() {
        let mut catalog = catalog();
        catalog.behaviour = Behaviour::Lame;
        assert!(ask(&catalog, "mx1.example.org", RecordType::A).starts_with("REFUSED |"));
        catalog.behaviour = Behaviour::Silent;
        assert!(catalog.answer(&wire_name("mx1.example.org").unwrap(), RecordType::A).is_silent());
    }

    #[test]
    fn the_decision_names_the_steps() {
        let name = wire_name("www.example.org").unwrap();
        let why = catalog().answer(&name, RecordType::A).decision(&name, RecordType::A);
        let rules: Vec<_> = why.steps.iter().map(|step| step.rule.as_str()).collect();
        let expect = [
            "zones of this server",
            "CNAME",
            "zones of this server",
            "CNAME",
            "zones of this server",
            "records of the type",
        ];
        assert_eq!(rules, expect);
    }
}
