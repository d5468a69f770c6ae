//! What each kind of event says, and how much detail must be wanted for it.

use std::net::{IpAddr, SocketAddr};

use super::facts::{Facts, name_at, name_of};
use super::{Detail, Tone};
use crate::scenario::{Expect, Link, Scenario, Step};
use crate::session::Session;
use crate::session::words::{Value, Words};
use crate::sim::Socket;
use crate::sim::faults::{Block, Effect};
use crate::trace::{Actor, Agent, ConnectResult, DeliveryStatus, Event, Kind};
use crate::world::World;

/// Who a sentence is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The world as a whole.
    World,
    /// One host.
    Host(String),
    /// A client to its server.
    Says {
        /// Who speaks.
        from: String,
        /// To whom.
        to: String,
    },
    /// The arrow points back at who asked.
    Answers {
        /// Who speaks.
        from: String,
        /// To whom.
        to: String,
    },
}

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// How much detail must be wanted for it.
    pub detail: Detail,
    /// Who it is about.
    pub who: Who,
    /// What happened.
    pub text: String,
    /// What it means for the mail.
    pub tone: Tone,
}

/// Puts the events of a trace into words, in any order.
pub struct Narrator<'a> {
    world: &'a World,
    scenario: &'a Scenario,
    words: &'a Words,
    facts: &'a Facts,
    /// Steps of the script whose events are numbered in the order of the script.
    expectations: Vec<&'a Expect>,
    faults: Vec<&'a Step>,
}

impl<'a> Narrator<'a> {
    /// A narrator of a session whose trace the facts were read from.
    pub fn new(session: &'a Session, words: &'a Words, facts: &'a Facts) -> Narrator<'a> {
        let scenario = session.scenario();
        let expectation = |step: &'a Step| match step {
            Step::Expect(expect) => Some(expect),
            _ => None,
        };
        let is_fault = |step: &&Step| matches!(step, Step::Down(_) | Step::Up(_) | Step::Fault(_) | Step::Repair(_));
        Narrator {
            world: session.world(),
            scenario,
            words,
            facts,
            expectations: scenario.script.iter().filter_map(expectation).collect(),
            faults: scenario.script.iter().filter(is_fault).collect(),
        }
    }

    fn name(&self, addr: IpAddr) -> String {
        name_of(self.world, addr).into()
    }

    fn at(&self, addr: SocketAddr) -> String {
        format!("{}:{}", self.name(addr.ip()), addr.port())
    }

    /// The sentence of an event; narration is its own sentence and has none here.
    pub fn sentence(&self, event: &Event) -> Option<Sentence> {
        use Detail::{Normal, Quiet, Verbose};
        let words = self.words;
        let here = event.host.map_or(String::new(), |host| self.world.trace().host_name(host).to_owned());
        let host = if here.is_empty() { Who::World } else { Who::Host(here.clone()) };
        let plain = |detail, text| Some(Sentence { detail, who: host, text, tone: Tone::Plain });
        match &event.kind {
            Kind::DnsQuery { .. } | Kind::DnsAnswer { .. } => self.dns(&event.kind),
            Kind::TcpConnect { from, to, port, result, .. } => {
                let from = name_at(self.world, from.ip(), event).into();
                let to = name_at(self.world, to.ip(), event).into();
                let (result, tone) = match result {
                    ConnectResult::Open => ("open", Tone::Plain),
                    ConnectResult::Refused => ("refused", Tone::Bad),
                    ConnectResult::Timeout => ("timeout", Tone::Bad),
                    ConnectResult::Unreachable => ("unreachable", Tone::Bad),
                };
                let port = port.to_string();
                let text = words.say("connect", &[("result", result.into()), ("port", (&port).into())]);
                Some(Sentence { detail: Normal, who: Who::Says { from, to }, text, tone })
            }
            Kind::SmtpSession { client, server, .. } => {
                let (client, server) = (self.at(*client), self.at(*server));
                plain(Verbose, words.say("session", &[("client", (&client).into()), ("server", (&server).into())]))
            }
            Kind::SmtpCmd { session, line } => Some(self.command(*session, Normal, line.to_string())),
            Kind::SmtpData { session, bytes } => {
                let octets = bytes.len() as u64;
                let (detail, id) = match self.facts.is_message(event.id) {
                    true => (Normal, "message"),
                    false => (Verbose, "octets"),
                };
                let text = words.say(id, &[("octets", Value::Count(octets))]);
                Some(Sentence { tone: Tone::Dim, ..self.command(*session, detail, text) })
            }
            Kind::SmtpReply { session, code, enhanced, text } => {
                let code_text = code.to_string();
                let text = text.strip_prefix(code_text.as_str()).map_or(text.as_str(), str::trim_start);
                let enhanced = enhanced.as_deref().filter(|enhanced| !text.contains(*enhanced));
                let enhanced = enhanced.map_or(String::new(), |enhanced| format!("{enhanced} "));
                let tone = if *code >= 500 {
                    Tone::Bad
                } else if *code >= 400 {
                    Tone::Waiting
                } else {
                    Tone::Plain
                };
                let text = format!("{code} {enhanced}{text}");
                Some(Sentence { tone, ..self.reply(*session, Normal, text) })
            }
            Kind::SmtpTls { session, version, peer_name, verified, verdict, .. } => {
                // The server rarely asks for a certificate; the client's verdict is the lesson.
                let detail = if verdict == "anonymous" { Verbose } else { Normal };
                let verified = if *verified { "yes" } else { "no" };
                let variables = [
                    ("verified", verified.into()),
                    ("version", version.into()),
                    ("peer", peer_name.into()),
                    ("verdict", verdict.into()),
                ];
                Some(self.command(*session, detail, words.say("tls", &variables)))
            }
            Kind::SmtpAuth { mechanism, user, ok, encrypted, .. } => {
                let encrypted = if *encrypted { "yes" } else { "no" };
                let id = if *ok { "auth-ok" } else { "auth-failed" };
                let variables =
                    [("user", user.into()), ("mechanism", mechanism.into()), ("encrypted", encrypted.into())];
                let tone = if *ok { Tone::Good } else { Tone::Bad };
                Some(Sentence { tone, ..plain(Normal, words.say(id, &variables))? })
            }
            Kind::PolicyStep { restriction, input, result, matched, .. } => {
                let result = if *matched { result.as_str() } else { "-" };
                let variables =
                    [("restriction", restriction.into()), ("input", input.into()), ("result", result.into())];
                plain(Verbose, words.say("policy-step", &variables))
            }
            Kind::PolicyVerdict { list, restriction, action, text } => {
                let (id, tone) = match action.as_str() {
                    "permit" => ("policy-permit", Tone::Plain),
                    "reject" => ("policy-refuse", Tone::Bad),
                    "defer" => ("policy-refuse", Tone::Waiting),
                    _ => ("policy-other", Tone::Plain),
                };
                let variables = [("list", list.into()), ("action", action.into()), ("text", text.into())];
                // A list without an objection is the normal case.
                let detail = if action == "permit" && restriction.is_empty() { Verbose } else { Normal };
                Some(Sentence { tone, ..plain(detail, words.say(id, &variables))? })
            }
            Kind::MuaCompose { user, subject, rcpts, .. } => {
                let to = rcpts.join(", ");
                let variables = [("user", user.into()), ("to", (&to).into()), ("subject", subject.into())];
                plain(Quiet, words.say("writes", &variables))
            }
            Kind::MuaSend { user, server, ok, text, .. } => {
                let (id, tone) = if *ok { ("sent", Tone::Good) } else { ("not-sent", Tone::Bad) };
                let variables = [("user", user.into()), ("server", server.into()), ("text", text.into())];
                Some(Sentence { tone, ..plain(Quiet, words.say(id, &variables))? })
            }
            Kind::MuaFetch { user, protocol, count, .. } => {
                let variables = [("user", user.into()), ("protocol", protocol.into()), ("count", Value::Count(*count))];
                Some(Sentence { tone: Tone::Good, ..plain(Quiet, words.say("fetched", &variables))? })
            }
            Kind::MraPoll { user, server, count } => {
                let variables = [("user", user.into()), ("server", server.into()), ("count", Value::Count(*count))];
                Some(Sentence { tone: Tone::Good, ..plain(Quiet, words.say("polled", &variables))? })
            }
            Kind::PopCmd { session, line, .. } | Kind::ImapCmd { session, line, .. } => {
                Some(self.command(*session, Normal, line.to_string()))
            }
            Kind::QueueEnter { queue_id, sender, rcpts, .. } => {
                let to = rcpts.join(", ");
                let variables = [("id", queue_id.into()), ("sender", sender.into()), ("to", (&to).into())];
                plain(Normal, words.say("queue-enter", &variables))
            }
            Kind::QueueMove { queue_id, from, queue, reason } => {
                let variables = [
                    ("id", queue_id.into()),
                    ("from", from.into()),
                    ("queue", queue.into()),
                    ("reason", reason.into()),
                ];
                plain(Verbose, words.say("queue-move", &variables))
            }
            Kind::QueueLeave { queue_id, reason, .. } => {
                plain(Verbose, words.say("queue-leave", &[("id", queue_id.into()), ("reason", reason.into())]))
            }
            Kind::RouteDecide { rcpt, class, transport, nexthop } => {
                let nexthop = if nexthop.is_empty() { "none" } else { nexthop.as_str() };
                let variables = [
                    ("rcpt", rcpt.into()),
                    ("class", class.into()),
                    ("transport", transport.into()),
                    ("nexthop", nexthop.into()),
                ];
                plain(Normal, words.say("route", &variables))
            }
            Kind::MxChoose { nexthop, candidates, .. } => {
                let servers = candidates.join(", ");
                plain(Normal, words.say("mx", &[("domain", nexthop.into()), ("servers", (&servers).into())]))
            }
            Kind::Rewrite { field, from, to, .. } => {
                let variables = [("field", field.into()), ("from", from.into()), ("to", to.into())];
                plain(Normal, words.say("rewrite", &variables))
            }
            Kind::AliasExpand { name, source, results } => {
                let to = results.join(", ");
                let text = words.say("alias", &[("name", name.into()), ("to", (&to).into())]);
                plain(Normal, format!("{text} ({source})"))
            }
            Kind::Deliver { rcpt, agent, target, status, dsn, text, .. } => {
                let (id, tone) = outcome(*status);
                // local(8) sends mail for other addresses on as a new mail.
                let id = if *status == DeliveryStatus::Sent && target.is_empty() { "deliver-other" } else { id };
                let variables = [
                    ("rcpt", rcpt.into()),
                    ("agent", agent_name(*agent).into()),
                    ("target", target.into()),
                    ("dsn", dsn.into()),
                    ("text", text.into()),
                ];
                Some(Sentence { tone, ..plain(Quiet, words.say(id, &variables))? })
            }
            Kind::Bounce { report_id, to, .. } => {
                plain(Quiet, words.say("bounce", &[("to", to.into()), ("id", report_id.into())]))
            }
            Kind::DelayWarn { to, reason, .. } => {
                plain(Quiet, words.say("delay", &[("to", to.into()), ("reason", reason.into())]))
            }
            Kind::MapBuild { file, entries, .. } => {
                plain(Normal, words.say("map-build", &[("file", file.into()), ("entries", Value::Count(*entries))]))
            }
            Kind::ConfigLoad { how, .. } => plain(Verbose, words.say("config", &[("how", how.into())])),
            Kind::FilterVerdict { queue_id, result } => {
                plain(Normal, words.say("filter", &[("id", queue_id.into()), ("result", result.into())]))
            }
            Kind::SpfEval { queue_id, result } => {
                plain(Normal, words.say("spf", &[("id", queue_id.into()), ("result", result.into())]))
            }
            Kind::DnsblQuery { name, result, .. } => {
                plain(Normal, words.say("dnsbl", &[("name", name.into()), ("result", result.into())]))
            }
            Kind::SieveAction { user, action } => {
                plain(Normal, words.say("sieve", &[("user", user.into()), ("action", action.into())]))
            }
            Kind::FileWrite { path, by } => {
                let detail = if event.actor == Actor::Scenario && by == "scenario" { Normal } else { Verbose };
                plain(detail, words.say("file-write", &[("path", path.into()), ("by", by.into())]))
            }
            Kind::LogLine { text, .. } => Some(Sentence { tone: Tone::Dim, ..plain(Verbose, text.to_string())? }),
            Kind::ShellCommand { user, line } => {
                // Commands that a command runs are details.
                let detail = if event.actor == Actor::Daemon { Verbose } else { Quiet };
                plain(detail, words.say("command", &[("user", user.into()), ("line", line.into())]))
            }
            Kind::ShellExit { status } => {
                let detail = if *status == 0 { Verbose } else { Normal };
                plain(detail, words.say("exit", &[("status", Value::Count(u64::from(*status)))]))
            }
            Kind::ShellOutput { text } => plain(Normal, text.trim_end().to_owned()),
            Kind::Service { name, state } => {
                plain(Verbose, words.say("service", &[("name", name.into()), ("state", state.into())]))
            }
            Kind::Fault { what } => {
                let text = self.fault(event, what);
                Some(Sentence { detail: Quiet, who: Who::World, text, tone: Tone::Waiting })
            }
            Kind::Expect { what, ok, found } => Some(self.expectation(event, what, *ok, found)),
            Kind::ClockJump { .. } => plain(Verbose, words.word("clock")),
            Kind::Narrate { .. } => None,
        }
    }

    fn dns(&self, kind: &Kind) -> Option<Sentence> {
        let words = self.words;
        match kind {
            Kind::DnsQuery { from, resolver, qname, qtype } => {
                let who = Who::Says { from: self.name(*from), to: self.name(*resolver) };
                let text = words.say("dns-lost", &[("type", qtype.into()), ("name", qname.into())]);
                Some(Sentence { detail: Detail::Normal, who, text, tone: Tone::Bad })
            }
            Kind::DnsAnswer { from, to, qname, qtype, rcode, cached, .. } => {
                let who = Who::Says { from: self.name(*to), to: self.name(*from) };
                let answer = self.answer(kind)?;
                let (detail, id) =
                    if *cached { (Detail::Verbose, "dns-cached") } else { (Detail::Normal, "dns-answer") };
                let variables = [("type", qtype.into()), ("name", qname.into()), ("answer", (&answer).into())];
                let tone = if rcode == "NOERROR" { Tone::Plain } else { Tone::Bad };
                Some(Sentence { detail, who, text: words.say(id, &variables), tone })
            }
            _ => None,
        }
    }

    /// The records that a name server answers with, or that there are none.
    pub fn answer(&self, kind: &Kind) -> Option<String> {
        let Kind::DnsAnswer { qname, qtype, rcode, records, .. } = kind else { return None };
        // The SOA of a negative answer only says how long it may be kept.
        let positive = records.iter().filter(|record| qtype == "SOA" || !record.contains(" SOA "));
        let records: Vec<String> = positive.map(|record| short_record(record, qname, qtype)).collect();
        Some(match records.as_slice() {
            [] => self.words.say("dns-none", &[("rcode", rcode.into())]),
            records => records.join(", "),
        })
    }

    /// The reply of a server whose event has command and reply.
    pub(super) fn reply_of(&self, event: &Event) -> Option<Sentence> {
        match &event.kind {
            Kind::PopCmd { session, reply, .. } | Kind::ImapCmd { session, reply, .. } => {
                Some(self.reply(*session, Detail::Normal, reply.to_string()))
            }
            _ => None,
        }
    }

    fn command(&self, session: Socket, detail: Detail, text: String) -> Sentence {
        let who = match self.facts.ends(session) {
            Some((client, server)) => Who::Says { from: client.to_string(), to: server.to_string() },
            None => Who::World,
        };
        Sentence { detail, who, text, tone: Tone::Plain }
    }

    fn reply(&self, session: Socket, detail: Detail, text: String) -> Sentence {
        let who = match self.facts.ends(session) {
            Some((client, server)) => Who::Answers { from: server.to_string(), to: client.to_string() },
            None => Who::World,
        };
        Sentence { detail, who, text, tone: Tone::Plain }
    }

    /// A fault of the script in words; those of others as they are named.
    fn fault(&self, event: &Event, what: &str) -> String {
        if event.actor != Actor::Scenario {
            return what.to_owned();
        }
        let step = self.facts.ordinal(event.id).and_then(|ordinal| self.faults.get(ordinal)).copied();
        let words = self.words;
        let name = |index| self.scenario.host(index).name.as_str();
        match step {
            Some(Step::Down(host)) => words.say("host-down", &[("host", name(*host).into())]),
            Some(Step::Up(host)) => words.say("host-up", &[("host", name(*host).into())]),
            Some(Step::Fault(link)) => self.link(link),
            Some(Step::Repair(name)) => words.say("repair", &[("name", name.into())]),
            _ => what.to_owned(),
        }
    }

    fn link(&self, link: &Link) -> String {
        let words = self.words;
        let end = |index: Option<_>| {
            index.map_or_else(|| words.word("anywhere"), |index| self.scenario.host(index).name.clone())
        };
        let effects: Vec<String> = link.effects.iter().map(|effect| self.effect(effect)).collect();
        let (from, to, effects) = (end(link.from), end(link.to), effects.join(", "));
        let port = link.port.map_or_else(|| "any".to_owned(), |port| port.to_string());
        let variables =
            [("from", (&from).into()), ("to", (&to).into()), ("port", (&port).into()), ("effects", (&effects).into())];
        words.say("fault", &variables)
    }

    fn effect(&self, effect: &Effect) -> String {
        let words = self.words;
        match effect {
            Effect::Latency(time) => {
                let time = format!("{} ms", time.as_millis());
                words.say("effect-latency", &[("time", (&time).into())])
            }
            Effect::LossPpm(ppm) => {
                let percent = (f64::from(*ppm) / 10_000.0).to_string();
                words.say("effect-loss", &[("percent", (&percent).into())])
            }
            Effect::Bandwidth(octets) => words.say("effect-bandwidth", &[("octets", Value::Count(*octets))]),
            Effect::Block(Block::Drop) => words.word("effect-drop"),
            Effect::Block(Block::Reject) => words.word("effect-reject"),
            Effect::Block(Block::Unreachable) => words.word("effect-unreachable"),
        }
    }

    fn expectation(&self, event: &Event, what: &str, ok: bool, found: &str) -> Sentence {
        let words = self.words;
        let ordinal = self.facts.ordinal(event.id).filter(|_| event.actor == Actor::Scenario);
        let expect = ordinal.and_then(|ordinal| self.expectations.get(ordinal));
        let what = expect.map_or_else(|| what.to_owned(), |expect| expected(expect, words));
        let variables = [("what", (&what).into()), ("found", found.into())];
        let (id, detail, tone) = match ok {
            true => ("expect-met", Detail::Normal, Tone::Good),
            false => ("expect-missed", Detail::Quiet, Tone::Bad),
        };
        Sentence { detail, who: Who::World, text: words.say(id, &variables), tone }
    }
}

/// What was expected, in words.
fn expected(expect: &Expect, words: &Words) -> String {
    match expect {
        Expect::Mailbox { host, user, count } => {
            let variables = [("host", host.into()), ("user", user.into()), ("count", Value::Count(*count))];
            words.say("expect-mailbox", &variables)
        }
        Expect::Queue { host, count } => {
            words.say("expect-queue", &[("host", host.into()), ("count", Value::Count(*count))])
        }
        Expect::File { host, path, contains } => {
            words.say("expect-file", &[("host", host.into()), ("path", path.into()), ("text", contains.into())])
        }
        Expect::Log { host, contains } => words.say("expect-log", &[("host", host.into()), ("text", contains.into())]),
        Expect::Event { kind, contains, count } => {
            let text = if contains.is_empty() { "any".to_owned() } else { in_words(contains) };
            let number = count.unwrap_or(1);
            let id = if count.is_some() { "expect-events" } else { "expect-event" };
            // Names in the locale have no dots.
            let kind = words.say("event-kind", &[("kind", (&kind.replace('.', "-")).into()), ("name", kind.into())]);
            words.say(id, &[("kind", (&kind).into()), ("text", (&text).into()), ("count", Value::Count(number))])
        }
    }
}

/// A piece of an event's JSON as people write it: `"count":1` is `count: 1`.
fn in_words(piece: &str) -> String {
    piece.replace("\":", ": ").replace(',', ", ").replace('"', "")
}

/// Whether an event tells of a check that failed: then the rules that did not apply are its reason.
pub(super) fn is_failed_check(kind: &Kind) -> bool {
    matches!(kind, Kind::SmtpTls { verified: false, .. })
}

/// Whether the rules behind an event are told without being asked for. Those of a name server
/// repeat its answer.
pub(super) fn needs_reason(kind: &Kind) -> bool {
    match kind {
        Kind::DnsQuery { .. } => false,
        Kind::DnsAnswer { rcode, .. } => rcode != "NOERROR",
        _ => true,
    }
}

fn outcome(status: DeliveryStatus) -> (&'static str, Tone) {
    match status {
        DeliveryStatus::Sent => ("deliver-sent", Tone::Good),
        DeliveryStatus::Deferred => ("deliver-deferred", Tone::Waiting),
        DeliveryStatus::Bounced => ("deliver-bounced", Tone::Bad),
        DeliveryStatus::Expired => ("deliver-expired", Tone::Bad),
        DeliveryStatus::Deliverable => ("deliver-deliverable", Tone::Good),
        DeliveryStatus::Undeliverable => ("deliver-undeliverable", Tone::Bad),
    }
}

/// The name by which the Fluent files know a delivery agent.
pub(super) fn agent_name(agent: Agent) -> &'static str {
    match agent {
        Agent::Local => "local",
        Agent::Virtual => "virtual",
        Agent::Lmtp => "lmtp",
        Agent::Pipe => "pipe",
        Agent::File => "file",
        Agent::Command => "command",
        Agent::Smtp => "smtp",
        Agent::Error => "error",
        Agent::Discard => "discard",
        Agent::Mailbox => "mailbox",
    }
}

/// A record without what the question says already: `10 mx1.example.com`.
fn short_record(record: &str, qname: &str, qtype: &str) -> String {
    let mut fields = record.split_whitespace();
    let (name, ttl, kind) = (fields.next(), fields.next(), fields.next());
    let same = name.is_some_and(|name| name.trim_end_matches('.').eq_ignore_ascii_case(qname));
    if same && ttl.is_some_and(|ttl| ttl.parse::<u32>().is_ok()) && kind == Some(qtype) {
        fields.collect::<Vec<_>>().join(" ")
    } else {
        record.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_an_event_is_read_without_its_punctuation() {
        assert_eq!(in_words(r#""ok":true,"user":"alice""#), "ok: true, user: alice");
        assert_eq!(in_words("Relay access denied"), "Relay access denied");
    }

    #[test]
    fn records_say_what_the_question_does_not() {
        assert_eq!(short_record("example.org 3600 MX 10 mx1.example.org", "example.org", "MX"), "10 mx1.example.org");
        let alias = "www.example.org 3600 CNAME example.org";
        assert_eq!(short_record(alias, "www.example.org", "A"), alias);
    }
}
