//! The stub resolver of a host: asks the servers of `/etc/resolv.conf` and remembers answers.
//!
//! It follows CNAME records that a server leaves to the asker, goes on to the next server after
//! silence or failure as the C library does, and lets several askers share one question.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use smol_str::SmolStr;

use super::cache::{Cache, Key};
use super::lookup::{Lookup, Outcome, Qtype};
use super::message::{self, MAX_CNAMES, answer, decode, encode_query, negative_ttl, record_text};
use super::name::{canonical, name_text, wire_name};
use super::resolv_conf::ResolvConf;
use crate::sim::{Duration, ProcId, Time};
use crate::trace::EventId;

/// The local UDP port that a host's stub resolver asks from.
pub const STUB_PORT: u16 = 40_053;

/// Answers are remembered for a week at most, whatever their TTL (RFC 8767, section 4).
const MAX_TTL: u32 = 7 * 86_400;
/// Negative answers for three hours at most (RFC 2308, section 5).
const MAX_NEGATIVE_TTL: u32 = 3 * 3600;

/// A question of a program of the host.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub client: ProcId,
    /// The asker's own number for it.
    pub token: u64,
    /// The name, absolute, with or without final dot.
    pub qname: SmolStr,
    /// The type.
    pub qtype: Qtype,
    /// The event that led to the question.
    pub cause: Option<EventId>,
}

/// What the resolver wants done.
#[derive(Clone, Debug)]
pub enum StubOutput {
    /// A datagram is to be sent from [`STUB_PORT`] (`dns.query`).
    Send {
        /// The name server.
        to: SocketAddr,
        /// The message.
        bytes: Bytes,
        /// The name in it.
        qname: SmolStr,
        /// The type in it.
        qtype: Qtype,
        /// The event that led to it.
        cause: Option<EventId>,
    },
    /// An answer for a program.
    Answer {
        /// Who asked.
        client: ProcId,
        /// The asker's number.
        token: u64,
        /// The answer.
        lookup: Arc<Lookup>,
        /// Its records in text.
        records: Arc<[SmolStr]>,
        /// Whether it came from memory (`dns.answer` with `cached`), rather than from the network.
        cached: bool,
        /// The event that led to it.
        cause: Option<EventId>,
    },
    /// [`StubResolver::handle_wake`] is to be called with the token at this time.
    WakeAt {
        /// When.
        time: Time,
        /// Which question and try.
        token: u64,
    },
}

/// Who waits for an answer.
#[derive(Clone, Debug)]
struct Client {
    proc: ProcId,
    token: u64,
    cause: Option<EventId>,
}

/// A question under way.
#[derive(Clone, Debug)]
struct Pending {
    key: Key,
    /// The name asked for now: the end of the CNAME chain so far.
    current: SmolStr,
    /// The chain so far.
    chain: Vec<Record>,
    clients: Vec<Client>,
    conf: ResolvConf,
    /// Which server is asked now, counted through all attempts.
    tries: usize,
    /// Rises with every datagram, so that old timers are recognised.
    number: u32,
    /// Whether any server said anything.
    heard: bool,
}

impl Pending {
    fn place(&self) -> usize {
        self.tries % self.conf.servers.len().max(1)
    }
}

/// The resolver of one host. Clones share what it remembers.
#[derive(Clone, Debug, Default)]
pub struct StubResolver {
    cache: Arc<Cache>,
    pending: BTreeMap<u16, Pending>,
    under_way: BTreeMap<Key, u16>,
    last_id: u16,
}

/// What a message says about a name.
enum Verdict {
    /// It ends the lookup.
    Done(Outcome, Option<u32>),
    /// An alias leads to a name that the message says nothing about.
    Follow(SmolStr),
    /// The server is of no help.
    Useless,
}

impl StubResolver {
    /// A resolver that remembers nothing.
    pub fn new() -> StubResolver {
        StubResolver::default()
    }

    /// Forgets all answers.
    pub fn flush(&mut self) {
        self.cache = Arc::default();
    }

    /// Takes a question; the answer comes at once if it is remembered.
    pub fn ask(&mut self, now: Time, question: Question, conf: &ResolvConf, out: &mut Vec<StubOutput>) {
        let Question { client, token, qname, qtype, cause } = question;
        let key = (canonical(&qname), qtype);
        if let Some(entry) = self.cache.get(&key, now) {
            let (lookup, records) = (entry.lookup.clone(), entry.records.clone());
            return out.push(StubOutput::Answer { client, token, lookup, records, cached: true, cause });
        }
        let client = Client { proc: client, token, cause };
        if let Some(pending) = self.under_way.get(&key).and_then(|id| self.pending.get_mut(id)) {
            return pending.clients.push(client);
        }
        let pending = Pending {
            current: key.0.clone(),
            chain: Vec::new(),
            clients: vec![client],
            conf: conf.clone(),
            tries: 0,
            number: 0,
            heard: false,
            key,
        };
        let Some(id) = self.free_id().filter(|_| wire_name(&pending.current).is_some()) else {
            // A name that cannot stand in a message cannot exist either.
            return finish(pending, Outcome::NxDomain, cause, out);
        };
        self.under_way.insert(pending.key.clone(), id);
        self.pending.insert(id, pending);
        self.send(id, now, cause, out);
    }

    /// A message id that no question under way has.
    fn free_id(&mut self) -> Option<u16> {
        (0..=u16::MAX).find_map(|_| {
            self.last_id = self.last_id.wrapping_add(1);
            (!self.pending.contains_key(&self.last_id)).then_some(self.last_id)
        })
    }

    fn send(&mut self, id: u16, now: Time, cause: Option<EventId>, out: &mut Vec<StubOutput>) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        let place = pending.place();
        let qtype = pending.key.1;
        let bytes = encode_query(id, &pending.current, qtype, true);
        let (Some(&to), Some(bytes)) = (pending.conf.servers.get(place), bytes) else {
            return self.end(id, now, Outcome::ServFail, None, cause, out);
        };
        pending.number = pending.number.wrapping_add(1);
        let time = now + pending.conf.wait_for(place);
        let token = u64::from(id) << 32 | u64::from(pending.number);
        out.push(StubOutput::Send { to, bytes, qname: pending.current.clone(), qtype, cause });
        out.push(StubOutput::WakeAt { time, token });
    }

    /// Takes a datagram that came to [`STUB_PORT`]; what answers no question under way is dropped.
    pub fn handle_datagram(
        &mut self,
        now: Time,
        peer: SocketAddr,
        bytes: &[u8],
        cause: Option<EventId>,
        out: &mut Vec<StubOutput>,
    ) {
        let Some(message) = decode(bytes) else { return };
        let id = message.metadata.id;
        let Some(pending) = self.pending.get_mut(&id) else { return };
        let [query] = message.queries.as_slice() else { return };
        let asked = name_text(query.name()) == canonical(&pending.current)
            && query.query_type() == message::record_type(pending.key.1);
        if !asked || pending.conf.servers.get(pending.place()) != Some(&peer) {
            return;
        }
        pending.heard = true;
        match judge(&message, pending) {
            Verdict::Done(outcome, ttl) => self.end(id, now, outcome, ttl, cause, out),
            Verdict::Follow(target) => {
                pending.current = target;
                pending.tries = 0;
                self.send(id, now, cause, out);
            }
            Verdict::Useless => self.next_server(id, now, cause, out),
        }
    }

    /// A time-out; ignored if its question has moved on since.
    pub fn handle_wake(&mut self, now: Time, token: u64, out: &mut Vec<StubOutput>) {
        let (Ok(id), number) = (u16::try_from(token >> 32), token as u32) else { return };
        let Some(pending) = self.pending.get(&id).filter(|pending| pending.number == number) else { return };
        let cause = pending.clients.first().and_then(|client| client.cause);
        self.next_server(id, now, cause, out);
    }

    fn next_server(&mut self, id: u16, now: Time, cause: Option<EventId>, out: &mut Vec<StubOutput>) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.tries += 1;
        let all = pending.conf.servers.len() * pending.conf.attempts as usize;
        match (pending.tries < all, pending.heard) {
            (true, _) => self.send(id, now, cause, out),
            (false, true) => self.end(id, now, Outcome::ServFail, None, cause, out),
            (false, false) => self.end(id, now, Outcome::Timeout, None, cause, out),
        }
    }

    /// Answers everybody who waits, and remembers the answer if it has a TTL.
    fn end(
        &mut self,
        id: u16,
        now: Time,
        outcome: Outcome,
        ttl: Option<u32>,
        cause: Option<EventId>,
        out: &mut Vec<StubOutput>,
    ) {
        let Some(pending) = self.pending.remove(&id) else { return };
        self.under_way.remove(&pending.key);
        let key = pending.key.clone();
        let before = out.len();
        finish(pending, outcome, cause, out);
        let Some(StubOutput::Answer { lookup, records, .. }) = out.get(before) else { return };
        if let Some(ttl) = ttl.filter(|ttl| *ttl > 0) {
            let expires = now + Duration::from_secs(u64::from(ttl));
            Arc::make_mut(&mut self.cache).insert(key, lookup.clone(), records.clone(), expires);
        }
    }
}

/// Gives the answer to everybody who waits.
fn finish(pending: Pending, outcome: Outcome, cause: Option<EventId>, out: &mut Vec<StubOutput>) {
    let (qname, qtype) = pending.key;
    let records: Arc<[SmolStr]> = pending.chain.iter().map(record_text).collect();
    let answers = pending.chain.iter().map(answer).collect();
    let lookup = Arc::new(Lookup { qname, qtype, outcome, answers });
    out.extend(pending.clients.into_iter().map(|client| StubOutput::Answer {
        client: client.proc,
        token: client.token,
        lookup: lookup.clone(),
        records: records.clone(),
        cached: false,
        cause,
    }));
}

/// Reads what a message says about the name asked for; the records that count are appended to the
/// chain.
fn judge(message: &Message, pending: &mut Pending) -> Verdict {
    let code = message.metadata.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Verdict::Useless;
    }
    let (wanted, any) = (message::record_type(pending.key.1), pending.key.1 == Qtype::Any);
    let mut owner = pending.current.clone();
    let mut found = false;
    loop {
        let of_owner = |record: &&Record| name_text(&record.name) == owner;
        let before = pending.chain.len();
        let matching = message.answers.iter().filter(of_owner);
        pending.chain.extend(matching.filter(|record| any || record.record_type() == wanted).cloned());
        found |= pending.chain.len() > before;
        let alias = message.answers.iter().filter(of_owner).find(|record| record.record_type() == RecordType::CNAME);
        let Some((record, RData::CNAME(target))) = alias.filter(|_| !found).map(|record| (record, &record.data)) else {
            break;
        };
        let target = name_text(target);
        let known = pending.chain.iter().any(|earlier| name_text(&earlier.name) == target) || target == owner;
        pending.chain.push(record.clone());
        if known || pending.chain.len() > MAX_CNAMES {
            // A loop leads nowhere: the answer is the chain alone.
            return Verdict::Done(Outcome::NoData, chain_ttl(&pending.chain));
        }
        owner = target;
    }
    let negative = |chain: &[Record]| match (negative_ttl(message), chain_ttl(chain)) {
        (Some(ttl), Some(chain)) => Some(ttl.min(chain).min(MAX_NEGATIVE_TTL)),
        (Some(ttl), None) => Some(ttl.min(MAX_NEGATIVE_TTL)),
        (None, _) => None,
    };
    match code {
        _ if found => Verdict::Done(Outcome::Found, chain_ttl(&pending.chain)),
        ResponseCode::NXDomain => Verdict::Done(Outcome::NxDomain, negative(&pending.chain)),
        // The server followed the chain as far as it could and has no more to say.
        _ if owner != pending.current && negative_ttl(message).is_none() => Verdict::Follow(owner),
        _ if is_referral(message) => Verdict::Useless,
        _ => Verdict::Done(Outcome::NoData, negative(&pending.chain)),
    }
}

/// Whether a server that does not recurse points elsewhere instead of answering.
fn is_referral(message: &Message) -> bool {
    let flags = &message.metadata;
    let names_servers = message.authorities.iter().any(|record| record.record_type() == RecordType::NS);
    message.answers.is_empty() && names_servers && !flags.authoritative && !flags.recursion_available
}

/// How long a chain of records may be remembered.
fn chain_ttl(chain: &[Record]) -> Option<u32> {
    chain.iter().map(|record| record.ttl.min(MAX_TTL)).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::{Catalog, Rdata, Zone};

    const ORG: &str = "\
@ IN MX 10 mx1
mx1 600 IN A 192.0.2.10
www IN CNAME mx.example.com.
loop IN CNAME pool
pool IN CNAME loop
none IN CNAME nothing
";

    /// A resolver whose servers are at .53 and .54; each test says which of them answer.
    struct Net {
        stub: StubResolver,
        conf: ResolvConf,
        servers: BTreeMap<SocketAddr, Catalog>,
        now: Time,
        sent: Vec<String>,
    }

    fn catalog(zones: &[(&str, &str)]) -> Catalog {
        Catalog::new(zones.iter().map(|(origin, text)| Zone::parse_fragment(origin, text, "z").unwrap()))
    }

    impl Net {
        fn new(servers: [Option<Catalog>; 2]) -> Net {
            let conf = ResolvConf::parse("nameserver 192.0.2.53\nnameserver 192.0.2.54\n");
            let servers =
                conf.servers.iter().zip(servers).filter_map(|(addr, server)| Some((*addr, server?))).collect();
            Net { stub: StubResolver::new(), conf, servers, now: Time::from_secs(1_000), sent: Vec::new() }
        }

        /// Asks and plays the network until the answer is there: outcome, records, whether cached.
        fn ask(&mut self, qname: &str, qtype: Qtype) -> (Outcome, String, bool) {
            let question = Question { client: ProcId(9), token: 5, qname: qname.into(), qtype, cause: None };
            let mut out = Vec::new();
            self.stub.ask(self.now, question, &self.conf, &mut out);
            let mut timers = Vec::new();
            loop {
                let mut next = Vec::new();
                for output in out.drain(..) {
                    match output {
                        StubOutput::Answer { lookup, records, cached, .. } => {
                            return (lookup.outcome, records.join(", "), cached);
                        }
                        StubOutput::WakeAt { time, token } => timers.push((time, token)),
                        StubOutput::Send { to, bytes, qname, .. } => {
                            self.sent.push(format!("{qname}@{}", to.ip()));
                            let query = decode(&bytes).unwrap();
                            let answer = self.servers.get(&to).and_then(|server| server.answer_message(&query));
                            if let Some((message, _)) = answer {
                                let bytes = message::encode(&message).unwrap();
                                self.stub.handle_datagram(self.now, to, &bytes, None, &mut next);
                            }
                        }
                    }
                }
                out = next;
                if out.is_empty() {
                    let (time, token) = timers.remove(0);
                    self.now = self.now.max(time);
                    self.stub.handle_wake(self.now, token, &mut out);
                }
            }
        }
    }

    #[test]
    fn answers_are_remembered_for_exactly_their_ttl() {
        let mut net = Net::new([Some(catalog(&[("example.org", ORG)])), None]);
        let (outcome, records, cached) = net.ask("MX1.example.org.", Qtype::A);
        assert_eq!((outcome, records.as_str(), cached), (Outcome::Found, "mx1.example.org 600 A 192.0.2.10", false));
        net.now = Time::from_secs(1_599);
        assert!(net.ask("mx1.example.org", Qtype::A).2);
        net.now = Time::from_secs(1_600);
        assert!(!net.ask("mx1.example.org", Qtype::A).2);
        for (qname, outcome) in [("no.example.org", Outcome::NxDomain), ("example.org", Outcome::NoData)] {
            net.now = Time::from_secs(2_000);
            assert_eq!(net.ask(qname, Qtype::A), (outcome, String::new(), false));
            net.now = Time::from_secs(2_299);
            assert_eq!(net.ask(qname, Qtype::A), (outcome, String::new(), true));
            net.now = Time::from_secs(2_300);
            assert!(!net.ask(qname, Qtype::A).2, "the SOA's minimum is over");
        }
    }

    #[test]
    fn aliases_are_followed_over_zones_and_servers_and_loops_end() {
        let com = catalog(&[("example.com", "mx IN A 203.0.113.5\n")]);
        let mut net = Net::new([Some(catalog(&[("example.org", ORG)])), Some(com)]);
        let (outcome, records, _) = net.ask("www.example.org", Qtype::A);
        let expect = "www.example.org 3600 CNAME mx.example.com, mx.example.com 3600 A 203.0.113.5";
        assert_eq!((outcome, records.as_str()), (Outcome::Found, expect));
        assert_eq!(net.ask("loop.example.org", Qtype::A).0, Outcome::NoData);
        assert_eq!(net.ask("none.example.org", Qtype::A).0, Outcome::NxDomain);
    }

    #[test]
    fn silence_and_failure_lead_to_the_next_server() {
        let good = catalog(&[("example.org", ORG)]);
        let bad = catalog(&[("example.org", "SERVFAIL")]);
        let mut net = Net::new([None, Some(good.clone())]);
        assert_eq!(net.ask("example.org", Qtype::Mx).0, Outcome::Found);
        assert_eq!(net.now, Time::from_secs(1_005));
        let mut net = Net::new([Some(bad.clone()), Some(good)]);
        assert_eq!(net.ask("example.org", Qtype::Mx).0, Outcome::Found);
        let mut net = Net::new([Some(bad), None]);
        assert_eq!(net.ask("example.org", Qtype::Mx).0, Outcome::ServFail);
        assert_eq!(net.sent.len(), 4, "two servers, two attempts");
        let mut net = Net::new([None, None]);
        assert_eq!(net.ask("example.org", Qtype::Mx).0, Outcome::Timeout);
        assert_eq!(net.now, Time::from_secs(1_020));
    }

    #[test]
    fn programs_that_ask_the_same_share_one_datagram() {
        let mut net = Net::new([None, None]);
        let mut out = Vec::new();
        for token in 0..3 {
            let question =
                Question { client: ProcId(1), token, qname: "example.org".into(), qtype: Qtype::Mx, cause: None };
            net.stub.ask(net.now, question, &net.conf, &mut out);
        }
        let Some(StubOutput::Send { to, bytes, .. }) = out.first().cloned() else { panic!("a question is sent") };
        assert_eq!(out.len(), 2, "one datagram, one timer");
        let (message, _) = catalog(&[("example.org", ORG)]).answer_message(&decode(&bytes).unwrap()).unwrap();
        out.clear();
        let bytes = message::encode(&message).unwrap();
        net.stub.handle_datagram(net.now, "192.0.2.66:53".parse().unwrap(), &bytes, None, &mut out);
        assert!(out.is_empty(), "nobody asked this server");
        net.stub.handle_datagram(net.now, to, &bytes, None, &mut out);
        assert_eq!(out.len(), 3);
        let StubOutput::Answer { lookup, .. } = &out[0] else { panic!("an answer") };
        assert_eq!(lookup.answers[0].data, Rdata::Mx { preference: 10, exchange: "mx1.example.org".into() });
    }

    #[test]
    fn names_that_cannot_be_asked_do_not_exist() {
        let mut net = Net::new([None, None]);
        assert_eq!(net.ask("a..b", Qtype::A).0, Outcome::NxDomain);
    }

    proptest! {
        #[test]
        fn arbitrary_datagrams_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut net = Net::new([None, None]);
            let mut out = Vec::new();
            let question =
                Question { client: ProcId(1), token: 1, qname: "example.org".into(), qtype: Qtype::Mx, cause: None };
            net.stub.ask(net.now, question, &net.conf, &mut out);
            let Some(StubOutput::Send { to, bytes: query, .. }) = out.first().cloned() else { panic!("sent") };
            let mut damaged = query.to_vec();
            damaged.truncate(bytes.len().max(12));
            damaged[2] |= 0x80;
            damaged.extend(&bytes);
            for datagram in [bytes.as_slice(), &damaged] {
                net.stub.handle_datagram(net.now, to, datagram, None, &mut out);
            }
            prop_assert!(net.stub.pending.len() <= 1);
        }
    }
}
