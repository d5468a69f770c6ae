//! The queue manager with the SMTP client, against name servers and servers played by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::dns::lookup::{Answer, Outcome as DnsOutcome};
use crate::dns::{Lookup, Qtype, Rdata};
use crate::host::vfs::{Content, Cred};
use crate::host::{Effect, Host};
use crate::mta::postfix::agents::{Agents, Owners};
use crate::mta::postfix::log::Logger;
use crate::mta::postfix::queue::{Layout, Queue, id};
use crate::mta::postfix::queue_file::{Message, Notify, Recipient};
use crate::sim::net::NetInput;
use crate::sim::{ConnectError, HostId, Payload, ProcId, Socket};
use crate::trace::{Actor, Level, Trace, Via};

const SMTP: u64 = 3 << 56;

struct Bench {
    host: Host,
    trace: Trace,
    services: Services,
    qmgr: Qmgr,
    agents: Agents,
    next_socket: u64,
    out: Vec<Effect>,
}

impl Bench {
    fn new(main: &str) -> Bench {
        let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
        let spec = crate::host::layout::HostSpec::new(HostId(0), "mx1", "mx1.example.com", now);
        let mut host = crate::host::layout::build(&spec).unwrap();
        host.vfs.now = now;
        let cf = format!(
            "compatibility_level = 3.6\nmyhostname = mx1.example.com\nmyorigin = example.com\ninet_protocols = ipv4\n\
             mydestination = example.com\nalias_maps =\nmaillog_file =\n{main}"
        );
        host.vfs.write("/etc/postfix/main.cf", Content::from(cf), 0o644, &Cred::ROOT).unwrap();
        let master = "smtp unix - - y - - smtp\nretry unix - - y - - error\nerror unix - - y - - error\n\
                      bounce unix - - y - 0 bounce\nqmgr unix n - n 300 1 qmgr\n";
        host.vfs.write("/etc/postfix/master.cf", Content::from(master), 0o644, &Cred::ROOT).unwrap();
        let config = Arc::new(Config::load(&host, "/etc/postfix").unwrap());
        let queue = Queue::open(Layout::new("/var/spool/postfix", Cred::ROOT), id::Form::Short, &mut host.vfs).unwrap();
        let services = Services::load(Arc::clone(&config), queue, Logger::default(), &host).unwrap();
        let qmgr = Qmgr::load(2 << 56, &config, now).unwrap();
        let agents = Agents::load(&config, &host, Owners { smtp: SMTP, local: 6 << 56, pipe: 7 << 56 });
        Bench { host, trace: Trace::new(Level::Full), services, qmgr, agents, next_socket: 0, out: Vec::new() }
    }

    fn with(&mut self, act: impl FnOnce(&mut Qmgr, &mut Agents, &mut Services, &mut Ctx<'_>)) {
        let mut out = Vec::new();
        let mut ctx = Ctx {
            now: self.host.vfs.now,
            proc: ProcId(1),
            actor: Actor::Daemon,
            cause: None,
            host: &mut self.host,
            trace: &mut self.trace,
            out: &mut out,
            next_socket: &mut self.next_socket,
        };
        act(&mut self.qmgr, &mut self.agents, &mut self.services, &mut ctx);
        self.agents.pump(&mut self.qmgr, &mut self.services, &mut ctx);
        self.out.extend(out.into_iter().map(|(effect, _)| effect));
    }

    fn submit(&mut self, recipients: &[&str]) -> SmolStr {
        let mut given = SmolStr::default();
        let list = recipients
            .iter()
            .map(|address| Recipient {
                address: SmolStr::from(*address),
                original: SmolStr::from(*address),
                orcpt: SmolStr::default(),
                notify: Notify::default(),
                done: false,
            })
            .collect();
        self.with(|_, _, services, ctx| {
            let id = services.queue.allocate(ctx).unwrap();
            given = id.clone();
            let file = QueueFile {
                id,
                arrival: ctx.now,
                sender: "alice@example.com".into(),
                recipients: list,
                attributes: Arc::default(),
                message: Message {
                    header: Bytes::from_static(b"Subject: hi\n"),
                    separator: true,
                    body: Bytes::from_static(b".hello\n"),
                },
                size: 20,
                next_attempt: ctx.now,
                warn_at: None,
                forced_expire: false,
                cause: None,
            };
            services.queue.enter(file, QueueName::Incoming, Via::Smtpd, ctx).unwrap();
        });
        given
    }

    /// Answers all questions: `example.net` has the exchanger `mail.example.net`.
    fn resolve(&mut self, outcome: DnsOutcome) {
        while let Some(at) = self.out.iter().position(|effect| matches!(effect, Effect::Resolve { .. })) {
            let Effect::Resolve { token, qname, qtype } = self.out.remove(at) else { continue };
            let data = match qtype {
                Qtype::Mx => Rdata::Mx { preference: 10, exchange: "mail.example.net".into() },
                _ => Rdata::A([203, 0, 113, 20].into()),
            };
            let answers = if outcome == DnsOutcome::Found {
                vec![Answer { name: qname.clone(), ttl: 60, data }]
            } else {
                Vec::new()
            };
            let lookup = Arc::new(Lookup { qname, qtype, outcome, answers });
            self.with(|_, agents, services, ctx| agents.resolved(token, lookup, services, ctx));
        }
    }

    fn take_connect(&mut self) -> Option<Socket> {
        let at = self.out.iter().position(|effect| matches!(effect, Effect::Connect { .. }))?;
        match self.out.remove(at) {
            Effect::Connect { sock, .. } => Some(sock),
            _ => None,
        }
    }

    fn net(&mut self, input: NetInput) {
        self.with(|_, agents, services, ctx| agents.net(input, services, ctx));
    }

    fn refuse(&mut self) {
        let sock = self.take_connect().expect("a connection attempt");
        let peer: SocketAddr = "203.0.113.20:25".parse().unwrap();
        self.net(NetInput::ConnectFailed { sock, error: ConnectError::Refused, local: peer, peer });
    }

    /// Opens the connection and plays the replies; returns what the client said.
    fn serve(&mut self, replies: &[&str]) -> String {
        let sock = self.take_connect().expect("a connection attempt");
        let addr: SocketAddr = "203.0.113.20:25".parse().unwrap();
        self.net(NetInput::Connected { sock, local: addr, peer: addr });
        for reply in replies {
            let payload = Payload::Bytes(Bytes::from(format!("{reply}\r\n")));
            self.net(NetInput::Data { sock, payload });
        }
        let mut said = String::new();
        for effect in &self.out {
            if let Effect::Send { payload: Payload::Bytes(bytes), .. } = effect {
                said.push_str(&String::from_utf8_lossy(bytes));
            }
        }
        said
    }

    fn log(&self) -> String {
        self.host.vfs.read_text("/var/log/mail.log", &Cred::ROOT).unwrap_or_default()
    }

    fn lists(&self, queue: QueueName) -> Vec<SmolStr> {
        self.services.queue.list(queue, &self.host.vfs)
    }
}

#[test]
fn a_message_goes_to_the_exchanger_and_leaves_the_queue() {
    let mut bench = Bench::new("");
    bench.submit(&["carol@example.net"]);
    bench.resolve(DnsOutcome::Found);
    let said = bench.serve(&[
        "220 mail.example.net ESMTP",
        "250-mail.example.net\r\n250-PIPELINING\r\n250 8BITMIME",
        "250 2.1.0 Ok",
        "250 2.1.5 Ok",
        "354 go on",
        "250 2.0.0 Ok: queued",
        "221 bye",
    ]);
    assert_eq!(
        said,
        "EHLO mx1.example.com\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<carol@example.net>\r\nDATA\r\n\
         Subject: hi\r\n\r\n..hello\r\n.\r\nQUIT\r\n"
    );
    let log = bench.log();
    for text in [
        "from=<alice@example.com>, size=20, nrcpt=1 (queue active)",
        "to=<carol@example.net>, relay=mail.example.net[203.0.113.20]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued)",
        ": removed",
    ] {
        assert!(log.contains(text), "{text} in {log}");
    }
    assert!(bench.lists(QueueName::Active).is_empty() && bench.qmgr.is_idle());
}

#[test]
fn a_refused_connection_defers_and_the_queue_run_tries_again() {
    let mut bench = Bench::new("queue_run_delay = 300s\nminimal_backoff_time = 300s\n");
    let id = bench.submit(&["carol@example.net"]);
    bench.resolve(DnsOutcome::Found);
    bench.refuse();
    let text = "dsn=4.4.1, status=deferred (connect to mail.example.net[203.0.113.20]:25: Connection refused)";
    assert!(bench.log().contains(text), "{}", bench.log());
    assert_eq!(bench.lists(QueueName::Deferred), std::slice::from_ref(&id));
    let run = bench.out.iter().find_map(|effect| match effect {
        Effect::WakeAt { time, token, reason: "queue run" } => Some((*time, *token)),
        _ => None,
    });
    let (time, token) = run.expect("a queue run is planned");
    bench.host.vfs.now = time;
    bench.with(|qmgr, _, services, ctx| qmgr.wake(token, services, ctx));
    assert_eq!(bench.lists(QueueName::Active), [id]);
    bench.resolve(DnsOutcome::Found);
    assert!(bench.take_connect().is_some());
}

#[test]
fn what_the_name_server_says_decides_between_bounce_and_later() {
    for (outcome, waits, text) in [
        (
            DnsOutcome::ServFail,
            true,
            "dsn=4.4.3, status=deferred (Host or domain name not found. Name service error for name=example.net type=MX: Host not found, try again)",
        ),
        (
            DnsOutcome::NxDomain,
            false,
            "dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for name=example.net type=A: Host not found)",
        ),
    ] {
        let mut bench = Bench::new("");
        let id = bench.submit(&["carol@example.net"]);
        bench.resolve(outcome);
        assert!(bench.log().contains(text), "{}", bench.log());
        assert_eq!(bench.lists(QueueName::Deferred).contains(&id), waits);
    }
}

#[test]
fn a_refused_recipient_bounces_while_the_other_is_delivered() {
    let mut bench = Bench::new("");
    bench.submit(&["carol@example.net", "ghost@example.net"]);
    bench.resolve(DnsOutcome::Found);
    let said = bench.serve(&[
        "220 mail.example.net ESMTP",
        "250 mail.example.net",
        "250 2.1.0 Ok",
        "250 2.1.5 Ok",
        "550 5.1.1 no such user",
        "354 go on",
        "250 2.0.0 Ok",
    ]);
    assert!(said.contains("RCPT TO:<ghost@example.net>\r\nDATA\r\n"), "{said}");
    let log = bench.log();
    assert!(log.contains("to=<ghost@example.net>, relay=mail.example.net[203.0.113.20]:25"), "{log}");
    assert!(log.contains("dsn=5.1.1, status=bounced (host mail.example.net[203.0.113.20] said: 550 5.1.1 no such user (in reply to RCPT TO command))"), "{log}");
    assert!(log.contains("sender non-delivery notification: "), "{log}");
    assert!(log.contains("status=sent (250 2.0.0 Ok)"), "{log}");
}

#[test]
fn a_deferred_transport_waits_without_a_connection() {
    let mut bench = Bench::new("defer_transports = smtp\n");
    bench.submit(&["carol@example.net"]);
    assert!(bench.take_connect().is_none());
    let text = "postfix/error";
    assert!(bench.log().contains(text) && bench.log().contains("dsn=4.3.2, status=deferred (deferred transport)"));
}

#[test]
fn an_old_message_is_returned_when_it_fails_again() {
    let mut bench = Bench::new("maximal_queue_lifetime = 1d\n");
    let id = bench.submit(&["carol@example.net"]);
    bench.resolve(DnsOutcome::ServFail);
    bench.host.vfs.now += std::time::Duration::from_secs(86_400);
    bench.with(|qmgr, _, services, ctx| qmgr.trigger(b"FAD", services, ctx));
    bench.resolve(DnsOutcome::ServFail);
    let log = bench.log();
    assert!(log.contains("from=<alice@example.com>, status=expired, returned to sender"), "{log}");
    assert!(!bench.lists(QueueName::Deferred).contains(&id));
}

#[test]
fn a_busy_destination_keeps_its_connection_for_the_next_message() {
    let main = "initial_destination_concurrency = 1\nsmtp_destination_concurrency_limit = 1\n";
    let mut bench = Bench::new(main);
    for user in ["a", "b", "c"] {
        bench.submit(&[&format!("{user}@example.net")]);
    }
    bench.resolve(DnsOutcome::Found);
    let hello = ["220 mail.example.net ESMTP", "250-mail.example.net\r\n250 PIPELINING"];
    let mail = ["250 2.1.0 Ok", "250 2.1.5 Ok", "354 go on", "250 2.0.0 Ok"];
    bench.serve(&[&hello[..], &mail[..], &["221 bye"]].concat());
    bench.resolve(DnsOutcome::Found);
    let rset = ["250 2.0.0 Ok"];
    let said = bench.serve(&[&hello[..], &mail[..], &rset[..], &mail[..]].concat());
    assert!(said.contains("RSET\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<c@example.net>"), "{said}");
    assert!(bench.qmgr.is_idle() && bench.take_connect().is_none());
}

#[test]
fn silence_of_a_server_is_named_with_what_was_being_done() {
    let mut bench = Bench::new("");
    bench.submit(&["carol@example.net"]);
    bench.resolve(DnsOutcome::Found);
    bench.serve(&["220 mail.example.net ESMTP"]);
    let (time, token) = bench
        .out
        .iter()
        .find_map(|effect| match effect {
            Effect::WakeAt { time, token, reason: "SMTP time-out" } => Some((*time, *token)),
            _ => None,
        })
        .expect("a time-out is set");
    bench.host.vfs.now = time;
    bench.with(|_, agents, services, ctx| agents.wake_smtp(token, services, ctx));
    let text = "status=deferred (conversation with mail.example.net[203.0.113.20] timed out while performing the EHLO handshake)";
    assert!(bench.log().contains(text), "{}", bench.log());
}
