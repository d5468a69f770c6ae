//! Whole sessions, against what Postfix said and logged in the same world.

use super::*;
use crate::dns::Qtype;
use crate::dns::lookup::{Answer, Outcome as Found, Rdata};
use crate::host::vfs::{Content, Cred};
use crate::host::{Effect, Host};
use crate::mta::postfix::config::Config;
use crate::mta::postfix::log::Logger;
use crate::mta::postfix::queue::{Layout, Queue, id};
use crate::sim::{HostId, ProcId, Time};
use crate::trace::{Actor, Kind, Level, Trace};

const MAIN_CF: &str = "compatibility_level = 3.6\nmyhostname = mx1.example.com\nmydestination = example.com\n\
                       mynetworks = 127.0.0.0/8\nlocal_recipient_maps = inline:{alice=x}\n\
                       smtpd_relay_restrictions = permit_mynetworks, defer_unauth_destination\n";

type Act<'a> = &'a mut dyn FnMut(&mut Smtpd, &mut Services, &mut Ctx<'_>);

struct Bench {
    host: Host,
    trace: Trace,
    services: Services,
    smtpd: Smtpd,
    next_socket: u64,
    sent: String,
    closed: bool,
}

impl Bench {
    fn new(main: &str) -> Bench {
        let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
        let spec = crate::host::layout::HostSpec::new(HostId(0), "mx1", "mx1.example.com", now);
        let mut host = crate::host::layout::build(&spec).unwrap();
        host.vfs.now = now;
        let cf = format!("{MAIN_CF}{main}");
        host.vfs.write("/etc/postfix/main.cf", Content::from(cf.into_bytes()), 0o644, &Cred::ROOT).unwrap();
        let master = b"smtp inet n - y - - smtpd\nrewrite unix - - y - - trivial-rewrite\n".to_vec();
        host.vfs.write("/etc/postfix/master.cf", Content::from(master), 0o644, &Cred::ROOT).unwrap();
        let config = Arc::new(Config::load(&host, "/etc/postfix").unwrap());
        let layout = Layout::new("/var/spool/postfix", Cred::ROOT);
        let queue = Queue::open(layout, id::Form::Short, &mut host.vfs).unwrap();
        let services = Services::load(config, queue, Logger::default(), &host).unwrap();
        let trace = Trace::new(Level::Full);
        Bench { host, trace, services, smtpd: Smtpd::default(), next_socket: 2, sent: String::new(), closed: false }
    }

    /// Acts, carries the effects out, and answers DNS questions.
    fn act(&mut self, act: Act<'_>) {
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
        act(&mut self.smtpd, &mut self.services, &mut ctx);
        for (effect, _) in out {
            match effect {
                Effect::Send { payload: Payload::Bytes(bytes), .. } => {
                    self.sent.push_str(&String::from_utf8_lossy(&bytes))
                }
                Effect::Close { .. } => self.closed = true,
                Effect::Resolve { token, qname, qtype } => {
                    let data = match qtype {
                        Qtype::Ptr => Some(Rdata::Ptr("client.example.org".into())),
                        Qtype::A if qname == "client.example.org" => Some(Rdata::A("198.51.100.7".parse().unwrap())),
                        _ => None,
                    };
                    let outcome = if data.is_some() { Found::Found } else { Found::NxDomain };
                    let answers = data.into_iter().map(|data| Answer { name: qname.clone(), ttl: 60, data }).collect();
                    let lookup = Arc::new(Lookup { qname, qtype, outcome, answers });
                    self.act(&mut |smtpd, services, ctx| {
                        smtpd.handle(Event::Resolved(token, Arc::clone(&lookup)), services, ctx);
                    });
                }
                _ => {}
            }
        }
    }

    fn session(main: &str, lines: &str) -> Bench {
        let mut bench = Bench::new(main);
        let entry = bench.services.config.master.entries[0].clone();
        let local = "192.0.2.10:25".parse().unwrap();
        let peer = "198.51.100.7:40000".parse().unwrap();
        bench.act(&mut |smtpd, services, ctx| {
            smtpd.accepted(&entry, Socket(1), local, peer, services, ctx).unwrap();
        });
        for line in lines.lines() {
            let payload = Payload::Bytes(format!("{line}\r\n").into());
            bench.act(&mut |smtpd, services, ctx| smtpd.handle(Event::Data(Socket(1), payload.clone()), services, ctx));
        }
        bench
    }

    /// Replies without the middle lines of EHLO.
    fn replies(&self) -> Vec<&str> {
        self.sent.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).collect()
    }

    fn log(&self) -> Vec<String> {
        let lines = self.trace.iter().filter_map(|event| match &event.kind {
            Kind::LogLine { text, .. } => Some(text.split_once("]: ")?.1.to_owned()),
            _ => None,
        });
        lines.collect()
    }
}

#[test]
fn a_recipient_is_refused_in_the_words_of_postfix() {
    let lines = "EHLO client.example.org\nMAIL FROM:<sender@example.org>\nRCPT TO:<nobody@example.com>\n\
                 RCPT TO:<x@example.net>\nDATA\nQUIT";
    let bench = Bench::session("", lines);
    assert_eq!(
        bench.replies(),
        [
            "220 mx1.example.com ESMTP Postfix",
            "250 CHUNKING",
            "250 2.1.0 Ok",
            "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local recipient table",
            "454 4.7.1 <x@example.net>: Relay access denied",
            "554 5.5.1 Error: no valid recipients",
            "221 2.0.0 Bye",
        ]
    );
    assert!(bench.closed);
    let log = bench.log();
    assert_eq!(log.first().map(String::as_str), Some("connect from client.example.org[198.51.100.7]"));
    assert!(
        log.contains(
            &"NOQUEUE: reject: RCPT from client.example.org[198.51.100.7]: 454 4.7.1 <x@example.net>: Relay \
                           access denied; from=<sender@example.org> to=<x@example.net> proto=ESMTP \
                           helo=<client.example.org>"
                .to_owned()
        )
    );
    let last = "disconnect from client.example.org[198.51.100.7] ehlo=1 mail=1 rcpt=0/2 data=0/1 quit=1 commands=3/6";
    assert_eq!(log.last().map(String::as_str), Some(last));
}

#[test]
fn a_message_is_queued_with_its_received_line() {
    let lines = "EHLO client.example.org\nMAIL FROM:<sender@example.org>\nRCPT TO:<alice@example.com>\nDATA\n\
                 Subject: x\n\nhello\n.\nQUIT";
    let mut bench = Bench::session("", lines);
    assert!(bench.replies()[5].starts_with("250 2.0.0 Ok: queued as "), "{:?}", bench.replies());
    let id = bench.services.queue.take_incoming().unwrap();
    let queue = crate::mta::postfix::queue_file::QueueName::Incoming;
    let file = bench.services.queue.get(queue, &id, &bench.host.vfs).unwrap();
    let text = String::from_utf8(file.message.to_vec()).unwrap();
    let received = format!(
        "Received: from client.example.org (client.example.org [198.51.100.7])\n\tby mx1.example.com (Postfix) with ESMTP \
         id {id}\n\tfor <alice@example.com>; Sat, 21 Nov 2026 12:00:00 +0000 (UTC)\nSubject: x\n"
    );
    assert!(text.starts_with(&received), "{text}");
}

#[test]
fn restrictions_ask_dns_and_go_on() {
    let main = "smtpd_sender_restrictions = reject_unknown_sender_domain\n";
    let bench = Bench::session(main, "EHLO x\nMAIL FROM:<a@nowhere.example>\nRCPT TO:<alice@example.com>");
    let refused = "450 4.1.8 <a@nowhere.example>: Sender address rejected: Domain not found";
    assert_eq!(bench.replies().last(), Some(&refused));
}
