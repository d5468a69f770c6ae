//! A recursive resolver (RFC 1034, section 5.3.3): from the root's servers down the delegations,
//! with a cache of records and of negative answers (RFC 2308). Sans-IO.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use smol_str::SmolStr;

use super::memory::{Memory, Remembered};
use super::message::{self, MAX_CNAMES, decode, encode, negative_ttl, record_text, type_text};
use super::name::name_text;
use crate::sim::{Duration, Time};
use crate::trace::Kind;

/// The UDP port that a recursive resolver asks other servers from.
pub const QUERY_PORT: u16 = 40_153;

/// How long one server is waited for.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often the servers of a zone are tried.
const ROUNDS: u32 = 2;
/// Datagrams that are spent on one question, the addresses of servers included in their own.
const MAX_STEPS: u32 = 40;
/// Questions about addresses of servers within questions about addresses of servers.
const MAX_DEPTH: u32 = 4;
/// Questions under way at most; more get SERVFAIL.
const MAX_JOBS: usize = 2_000;

/// What the resolver wants done.
#[derive(Clone, Debug)]
pub enum RecursorOutput {
    /// A datagram to a name server, from [`QUERY_PORT`].
    Query {
        /// The name server.
        to: SocketAddr,
        /// The message.
        bytes: Bytes,
        /// The name in it.
        qname: SmolStr,
        /// The type in it.
        qtype: SmolStr,
    },
    /// The answer to a client.
    Reply {
        /// The address that was asked.
        from: SocketAddr,
        /// The client.
        to: SocketAddr,
        /// The message.
        bytes: Bytes,
        /// The event `dns.answer`.
        event: Kind,
    },
    /// [`Recursor::handle_wake`] is to be called with the token at this time.
    WakeAt {
        /// When.
        time: Time,
        /// Which question and try.
        token: u64,
    },
}

/// Who waits for a job.
#[derive(Clone, Debug)]
enum Asker {
    /// A client, with its message.
    Client { local: SocketAddr, peer: SocketAddr, query: Box<Message> },
    /// Another job, which needs the address of a name server.
    Job(u64),
}

/// A question under way.
#[derive(Clone, Debug)]
struct Job {
    asker: Asker,
    depth: u32,
    rtype: RecordType,
    /// The name looked for now: the end of the CNAME chain so far.
    name: Name,
    chain: Vec<Record>,
    /// The zone whose servers are asked.
    zone: Name,
    /// Servers of the zone that are still to be tried.
    servers: VecDeque<IpAddr>,
    /// All its servers with known addresses, for the next round.
    all: Vec<IpAddr>,
    /// Its servers without known address.
    unknown: VecDeque<Name>,
    round: u32,
    steps: u32,
    /// The message id and server of the datagram that is out.
    out: Option<(u16, SocketAddr)>,
    /// Whether any datagram was needed.
    asked: bool,
}

/// A recursive resolver.
#[derive(Clone, Debug)]
pub struct Recursor {
    hints: Vec<IpAddr>,
    memory: Memory,
    jobs: BTreeMap<u64, Job>,
    by_id: BTreeMap<u16, u64>,
    last_job: u64,
    last_id: u16,
}

impl Recursor {
    /// A resolver that knows the addresses of the root's servers.
    pub fn new(hints: Vec<IpAddr>) -> Recursor {
        let (jobs, by_id) = Default::default();
        Recursor { hints, memory: Memory::default(), jobs, by_id, last_job: 0, last_id: 0 }
    }

    /// Reads root hints (`named.root`): the addresses in a master file.
    pub fn parse_hints(text: &str) -> Vec<IpAddr> {
        text.lines().filter_map(|line| line.split(';').next()?.split_ascii_whitespace().last()?.parse().ok()).collect()
    }

    /// Forgets all records.
    pub fn flush(&mut self) {
        self.memory = Memory::default();
    }

    /// Takes a client's question.
    pub fn ask(&mut self, now: Time, local: SocketAddr, peer: SocketAddr, bytes: &[u8], out: &mut Vec<RecursorOutput>) {
        let Some(query) = decode(bytes).filter(|query| query.metadata.message_type == MessageType::Query) else {
            return;
        };
        let question = match query.queries.as_slice() {
            [question] if query.metadata.op_code == OpCode::Query => Some(question.clone()),
            _ => None,
        };
        let asker = Asker::Client { local, peer, query: Box::new(query) };
        match question.filter(|_| self.jobs.len() < MAX_JOBS) {
            Some(question) => self.start(now, asker, 0, question.name().clone(), question.query_type(), out),
            None => self.answer(now, asker, ResponseCode::ServFail, Vec::new(), None, true, out),
        }
    }

    fn start(
        &mut self,
        now: Time,
        asker: Asker,
        depth: u32,
        name: Name,
        rtype: RecordType,
        out: &mut Vec<RecursorOutput>,
    ) {
        self.last_job += 1;
        let mut job = Job {
            asker,
            depth,
            rtype,
            name: name.to_lowercase(),
            chain: Vec::new(),
            zone: Name::root(),
            servers: VecDeque::new(),
            all: Vec::new(),
            unknown: VecDeque::new(),
            round: 0,
            steps: 0,
            out: None,
            asked: false,
        };
        job.name.set_fqdn(true);
        self.jobs.insert(self.last_job, job);
        self.look(self.last_job, now, out);
    }

    /// Answers from memory if possible, otherwise asks the closest servers that are known.
    fn look(&mut self, id: u64, now: Time, out: &mut Vec<RecursorOutput>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        loop {
            match self.memory.get(&job.name, job.rtype, now) {
                Some(Remembered::Records(records)) => {
                    job.chain.extend(records);
                    return self.end(id, now, ResponseCode::NoError, None, out);
                }
                Some(Remembered::NoData(soa)) => return self.end(id, now, ResponseCode::NoError, Some(soa), out),
                Some(Remembered::NxDomain(soa)) => return self.end(id, now, ResponseCode::NXDomain, Some(soa), out),
                None => {}
            }
            match self.memory.get(&job.name, RecordType::CNAME, now) {
                Some(Remembered::Records(records)) if job.rtype != RecordType::CNAME => {
                    if !follow(job, &records) {
                        return self.end(id, now, ResponseCode::NoError, None, out);
                    }
                }
                _ => break,
            }
        }
        self.choose_zone(id, now);
        self.next_server(id, now, out);
    }

    /// Chooses the closest zone above the name whose servers are remembered; else the root.
    fn choose_zone(&mut self, id: u64, now: Time) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let mut zone = job.name.clone();
        loop {
            if let Some(Remembered::Records(records)) = self.memory.get(&zone, RecordType::NS, now) {
                job.all.clear();
                job.unknown.clear();
                for record in &records {
                    let RData::NS(server) = &record.data else { continue };
                    let known = self.memory.addresses(&server.0.to_lowercase(), now);
                    // A server below its own zone without glue can never be found.
                    if known.is_empty() && !zone.zone_of(&server.0) {
                        job.unknown.push_back(server.0.to_lowercase());
                    }
                    job.all.extend(known);
                }
                if !job.all.is_empty() || !job.unknown.is_empty() {
                    break;
                }
            }
            if zone.num_labels() == 0 {
                job.all = self.hints.clone();
                job.unknown.clear();
                break;
            }
            zone = zone.base_name();
        }
        job.zone = zone;
        job.round = 1;
        job.servers = job.all.iter().copied().collect();
    }

    /// Asks the next server of the zone, or for its address, or gives up.
    fn next_server(&mut self, id: u64, now: Time, out: &mut Vec<RecursorOutput>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if let Some((message_id, _)) = job.out.take() {
            self.by_id.remove(&message_id);
        }
        job.steps += 1;
        if job.steps > MAX_STEPS {
            return self.end(id, now, ResponseCode::ServFail, None, out);
        }
        if job.servers.is_empty() {
            if let Some(server) = job.unknown.pop_front().filter(|_| job.depth < MAX_DEPTH) {
                let depth = job.depth + 1;
                return self.start(now, Asker::Job(id), depth, server, RecordType::A, out);
            }
            if job.round < ROUNDS {
                job.round += 1;
                job.servers = job.all.iter().copied().collect();
            }
        }
        let Some(server) = job.servers.pop_front() else {
            return self.end(id, now, ResponseCode::ServFail, None, out);
        };
        let (name, rtype) = (job.name.clone(), job.rtype);
        let to = SocketAddr::new(server, 53);
        let Some(message_id) = self.free_id() else {
            return self.end(id, now, ResponseCode::ServFail, None, out);
        };
        let mut query = Message::new(message_id, MessageType::Query, OpCode::Query);
        query.add_query(hickory_proto::op::Query::query(name.clone(), rtype));
        let Some(bytes) = encode(&query) else { return self.end(id, now, ResponseCode::ServFail, None, out) };
        self.by_id.insert(message_id, id);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.out = Some((message_id, to));
            job.asked = true;
        }
        out.push(RecursorOutput::Query { to, bytes, qname: name_text(&name), qtype: type_text(rtype) });
        out.push(RecursorOutput::WakeAt { time: now + PATIENCE, token: id << 16 | u64::from(message_id) });
    }

    fn free_id(&mut self) -> Option<u16> {
        (0..=u16::MAX).find_map(|_| {
            self.last_id = self.last_id.wrapping_add(1);
            (!self.by_id.contains_key(&self.last_id)).then_some(self.last_id)
        })
    }

    /// Takes a datagram that came to [`QUERY_PORT`]; what answers no question under way is dropped.
    pub fn handle_datagram(&mut self, now: Time, peer: SocketAddr, bytes: &[u8], out: &mut Vec<RecursorOutput>) {
        let Some(message) = decode(bytes) else { return };
        let Some(&id) = self.by_id.get(&message.metadata.id) else { return };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let [question] = message.queries.as_slice() else { return };
        let expected = job.out == Some((message.metadata.id, peer))
            && question.name().to_lowercase() == job.name
            && question.query_type() == job.rtype;
        if !expected {
            return;
        }
        match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => self.learn(id, now, &message, out),
            _ => self.next_server(id, now, out),
        }
    }

    /// Takes what a server said: an answer, a referral, or nothing useful.
    fn learn(&mut self, id: u64, now: Time, message: &Message, out: &mut Vec<RecursorOutput>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let zone = job.zone.clone();
        // A server is believed about names of its own zone only.
        let believed = |record: &&Record| zone.zone_of(&record.name.to_lowercase());
        self.memory.insert_sets(message.answers.iter().filter(believed), now);
        let owns = |record: &Record| record.name.to_lowercase() == job.name;
        let answered = message.answers.iter().any(|record| {
            owns(record) && (record.record_type() == job.rtype || record.record_type() == RecordType::CNAME)
        });
        if answered || (job.rtype == RecordType::ANY && !message.answers.is_empty()) {
            if let Some((message_id, _)) = job.out.take() {
                self.by_id.remove(&message_id);
            }
            return self.take_answer(id, now, message, out);
        }
        let referral = message.authorities.iter().find(|record| {
            let owner = record.name.to_lowercase();
            record.record_type() == RecordType::NS && owner != zone && zone.zone_of(&owner) && owner.zone_of(&job.name)
        });
        if let (Some(_), None) = (referral, negative_ttl(message)) {
            self.memory.insert_sets(message.authorities.iter().filter(believed), now);
            self.memory.insert_sets(message.additionals.iter().filter(believed), now);
            let before = job.zone.clone();
            self.choose_zone(id, now);
            // Without progress the delegation leads nowhere.
            match self.jobs.get(&id).is_some_and(|job| job.zone != before) {
                true => return self.next_server(id, now, out),
                false => return self.end(id, now, ResponseCode::ServFail, None, out),
            }
        }
        let soa = message.authorities.iter().find(|record| record.record_type() == RecordType::SOA).cloned();
        match (soa, message.metadata.authoritative) {
            (Some(soa), _) => {
                let code = message.metadata.response_code;
                let ttl = negative_ttl(message).unwrap_or(0);
                self.memory.insert_negative(
                    &job.name,
                    job.rtype,
                    code == ResponseCode::NXDomain,
                    soa.clone(),
                    ttl,
                    now,
                );
                self.end(id, now, code, Some(soa), out);
            }
            (None, true) => self.end(id, now, message.metadata.response_code, None, out),
            // Lame: neither authoritative nor a referral downwards.
            (None, false) => self.next_server(id, now, out),
        }
    }

    /// Appends the records of an answer to the chain, and goes on if it ends with an alias.
    fn take_answer(&mut self, id: u64, now: Time, message: &Message, out: &mut Vec<RecursorOutput>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let of = |name: &Name, rtype: RecordType| -> Vec<Record> {
            let matches = |record: &&Record| {
                record.name.to_lowercase() == *name && (record.record_type() == rtype || rtype == RecordType::ANY)
            };
            message.answers.iter().filter(matches).cloned().collect()
        };
        let records = of(&job.name, job.rtype);
        if !records.is_empty() {
            job.chain.extend(records);
            return self.end(id, now, ResponseCode::NoError, None, out);
        }
        match follow(job, &of(&job.name, RecordType::CNAME)) {
            // The rest of the chain is remembered, or asked of whoever is responsible.
            true => self.look(id, now, out),
            false => self.end(id, now, ResponseCode::NoError, None, out),
        }
    }

    /// A time-out; ignored if its question has moved on since.
    pub fn handle_wake(&mut self, now: Time, token: u64, out: &mut Vec<RecursorOutput>) {
        let (id, message_id) = (token >> 16, token as u16);
        let waits = |job: &Job| job.out.is_some_and(|(current, _)| current == message_id);
        if self.jobs.get(&id).is_some_and(waits) {
            self.next_server(id, now, out);
        }
    }

    fn end(&mut self, id: u64, now: Time, code: ResponseCode, soa: Option<Record>, out: &mut Vec<RecursorOutput>) {
        let Some(job) = self.jobs.remove(&id) else { return };
        if let Some((message_id, _)) = job.out {
            self.by_id.remove(&message_id);
        }
        self.answer(now, job.asker, code, job.chain, soa, job.asked, out);
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one answer")]
    fn answer(
        &mut self,
        now: Time,
        asker: Asker,
        code: ResponseCode,
        chain: Vec<Record>,
        soa: Option<Record>,
        asked: bool,
        out: &mut Vec<RecursorOutput>,
    ) {
        match asker {
            Asker::Job(parent) => {
                if let Some(job) = self.jobs.get_mut(&parent) {
                    let addresses = chain.iter().filter_map(|record| record.data.ip_addr());
                    job.servers.extend(addresses.clone());
                    job.all.extend(addresses);
                }
                self.next_server(parent, now, out);
            }
            Asker::Client { local, peer, query } => {
                let mut reply = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
                reply.metadata.recursion_desired = query.metadata.recursion_desired;
                reply.metadata.recursion_available = true;
                reply.metadata.response_code = code;
                reply.add_queries(query.queries.iter().cloned());
                if let Some(edns) = &query.edns {
                    reply.set_edns(edns.clone());
                }
                let question = query.queries.first();
                let event = Kind::DnsAnswer {
                    from: local.ip(),
                    to: peer.ip(),
                    qname: question.map(|question| name_text(question.name())).unwrap_or_default(),
                    qtype: question.map(|question| type_text(question.query_type())).unwrap_or_default(),
                    rcode: message::rcode_text(code),
                    records: chain.iter().chain(&soa).map(record_text).collect(),
                    cached: !asked,
                };
                reply.answers = chain;
                reply.authorities = soa.into_iter().collect();
                if let Some(bytes) = encode(&reply) {
                    out.push(RecursorOutput::Reply { from: local, to: peer, bytes, event });
                }
            }
        }
    }
}

/// Goes on with the target of an alias; false if that leads into a circle.
fn follow(job: &mut Job, aliases: &[Record]) -> bool {
    let Some((record, RData::CNAME(target))) = aliases.first().map(|record| (record, &record.data)) else {
        return false;
    };
    let target = target.0.to_lowercase();
    let circle = target == job.name || job.chain.iter().any(|earlier| earlier.name.to_lowercase() == target);
    job.chain.push(record.clone());
    job.name = target;
    !circle && job.chain.len() <= MAX_CNAMES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::{Behaviour, Catalog, Qtype, Zone};

    /// An internet: a root server at .1, org at .2, example.org at .3 and .13, com at .4; the
    /// servers of example.com have names in example.org, without glue.
    struct Net {
        recursor: Recursor,
        servers: BTreeMap<IpAddr, Catalog>,
        now: Time,
        asked: Vec<String>,
    }

    fn addr(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    impl Net {
        fn new() -> Net {
            let zones = [
                (1, ".", "org. IN NS ns.org.\nns.org. IN A 192.0.2.2\ncom. IN NS ns.com.\nns.com. IN A 192.0.2.4\n"),
                (
                    2,
                    "org",
                    "example IN NS ns1.example\nexample IN NS ns2.example\nns1.example IN A 192.0.2.13\n\
                            ns2.example IN A 192.0.2.3\nlost IN NS ns.lost\n",
                ),
                (
                    3,
                    "example.org",
                    "@ IN MX 10 mx\nmx 600 IN A 192.0.2.30\nns1 IN A 192.0.2.13\nns2 IN A 192.0.2.3\n\
                                    www IN CNAME web.example.com.\na IN CNAME b\nb IN CNAME a\n",
                ),
                (4, "com", "example IN NS ns2.example.org.\n"),
                (3, "example.com", "web IN A 192.0.2.80\n"),
            ];
            let mut servers: BTreeMap<IpAddr, Catalog> = BTreeMap::new();
            for (last, origin, text) in zones {
                servers.entry(addr(last)).or_default().insert(Zone::parse_fragment(origin, text, "z").unwrap());
            }
            let recursor = Recursor::new(vec![addr(1)]);
            Net { recursor, servers, now: Time::from_secs(1_000), asked: Vec::new() }
        }

        /// Response code, records, whether it came from the cache.
        fn ask(&mut self, qname: &str, qtype: Qtype) -> (String, String, bool) {
            self.asked.clear();
            let mut out = Vec::new();
            let query = message::encode_query(77, qname, qtype, true).unwrap();
            let (local, peer) = (SocketAddr::new(addr(53), 53), SocketAddr::new(addr(9), 5_000));
            self.recursor.ask(self.now, local, peer, &query, &mut out);
            let mut timers = VecDeque::new();
            loop {
                let mut next = Vec::new();
                for output in out.drain(..) {
                    match output {
                        RecursorOutput::Reply { bytes, event, .. } => {
                            assert_eq!(decode(&bytes).unwrap().metadata.id, 77);
                            let Kind::DnsAnswer { rcode, records, cached, .. } = event else { panic!("dns.answer") };
                            assert!(self.recursor.jobs.is_empty() && self.recursor.by_id.is_empty());
                            return (rcode.to_string(), records.join(", "), cached);
                        }
                        RecursorOutput::WakeAt { time, token } => timers.push_back((time, token)),
                        RecursorOutput::Query { to, bytes, qname, .. } => {
                            self.asked.push(format!("{qname}@{}", to.ip()));
                            let query = decode(&bytes).unwrap();
                            let answer = self.servers.get(&to.ip()).and_then(|server| server.answer_message(&query));
                            if let Some((answer, _)) = answer {
                                self.recursor.handle_datagram(self.now, to, &encode(&answer).unwrap(), &mut next);
                            }
                        }
                    }
                }
                out = next;
                if out.is_empty() {
                    let (time, token) = timers.pop_front().expect("a timer");
                    self.now = self.now.max(time);
                    self.recursor.handle_wake(self.now, token, &mut out);
                }
            }
        }
    }

    #[test]
    fn follows_referrals_from_the_root_past_a_dead_server_and_remembers_them() {
        let mut net = Net::new();
        let (code, records, cached) = net.ask("example.org", Qtype::Mx);
        assert_eq!(
            (code.as_str(), records.as_str(), cached),
            ("NOERROR", "example.org 3600 MX 10 mx.example.org", false)
        );
        let path =
            ["example.org@192.0.2.1", "example.org@192.0.2.2", "example.org@192.0.2.13", "example.org@192.0.2.3"];
        assert_eq!(net.asked, path);
        net.servers.get_mut(&addr(1)).unwrap().behaviour = Behaviour::Silent;
        net.now += Duration::from_secs(10);
        assert!(net.ask("example.org", Qtype::Mx).2);
        net.ask("mx.example.org", Qtype::A);
        assert_eq!(net.asked[0], "mx.example.org@192.0.2.13", "the delegation is remembered");
        net.now += Duration::from_secs(100);
        let (_, records, cached) = net.ask("mx.example.org", Qtype::A);
        assert!(cached);
        assert_eq!(records, "mx.example.org 500 A 192.0.2.30", "times to live run down");
    }

    #[test]
    fn aliases_and_servers_without_glue_are_looked_up_elsewhere() {
        let mut net = Net::new();
        let (code, records, _) = net.ask("www.example.org", Qtype::A);
        let expect = "www.example.org 3600 CNAME web.example.com, web.example.com 3600 A 192.0.2.80";
        assert_eq!((code.as_str(), records.as_str()), ("NOERROR", expect));
        assert!(net.ask("web.example.com", Qtype::A).2);
        assert_eq!(net.ask("a.example.org", Qtype::A).0, "NOERROR");
    }

    #[test]
    fn negative_answers_are_remembered_until_the_soa_minimum() {
        let mut net = Net::new();
        assert_eq!(net.ask("none.example.org", Qtype::A).0, "NXDOMAIN");
        let (code, records, cached) = net.ask("none.example.org", Qtype::Mx);
        assert!(cached && code == "NXDOMAIN" && records.contains("SOA"), "{records}");
        assert_eq!(net.ask("mx.example.org", Qtype::Txt).0, "NOERROR");
        assert!(net.ask("mx.example.org", Qtype::Txt).2);
        net.now += Duration::from_secs(300);
        assert!(!net.ask("mx.example.org", Qtype::Txt).2);
    }

    #[test]
    fn nobody_useful_means_servfail() {
        let mut net = Net::new();
        assert_eq!(net.ask("www.lost.org", Qtype::A).0, "SERVFAIL");
        let server = net.servers.get_mut(&addr(3)).unwrap();
        server.behaviour = Behaviour::Lame;
        assert_eq!(net.ask("example.org", Qtype::Mx).0, "SERVFAIL");
    }

    #[test]
    fn hints_are_the_addresses_of_a_root_file() {
        let text = ". 3600000 NS A.ROOT.\nA.ROOT. 3600000 A 192.0.2.1 ; root\n; 192.0.2.9\n";
        assert_eq!(Recursor::parse_hints(text), [addr(1)]);
    }

    proptest! {
        #[test]
        fn arbitrary_datagrams_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut net = Net::new();
            let mut out = Vec::new();
            let (local, peer) = (SocketAddr::new(addr(53), 53), SocketAddr::new(addr(9), 5_000));
            net.recursor.ask(net.now, local, peer, &bytes, &mut out);
            net.recursor.handle_datagram(net.now, peer, &bytes, &mut out);
            prop_assert!(net.recursor.jobs.len() <= 1);
        }
    }
}
