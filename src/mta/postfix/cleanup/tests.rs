//! cleanup(8), trivial-rewrite(8) and bounce(8) together, against what Postfix did in the same world.

use std::sync::Arc;

use super::*;
use crate::host::Host;
use crate::host::vfs::{Content, Cred};
use crate::mta::postfix::bounce;
use crate::mta::postfix::config::Config;
use crate::mta::postfix::delivery::{Diagnostic, Outcome, Times};
use crate::mta::postfix::log::Logger;
use crate::mta::postfix::maps::hash;
use crate::mta::postfix::queue::{Layout, Queue, id};
use crate::mta::postfix::queue_file::{Notify, Ret};
use crate::mta::postfix::trivial_rewrite::{self, Class};
use crate::sim::{HostId, ProcId};
use crate::trace::{Actor, Agent, DeliveryStatus, Kind, Level, Trace};

const MAIN_CF: &str = "compatibility_level = 3.6\nmyhostname = mx1.example.com\nmyorigin = example.com\n\
                       mydestination = $myhostname, example.com, localhost.example.com, localhost\nappend_dot_mydomain = no\n\
                       recipient_delimiter = +\n";

struct Bench {
    host: Host,
    trace: Trace,
    services: Services,
}

impl Bench {
    fn new(main: &str, tables: &[(&str, &[(&str, &str)])]) -> Bench {
        let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
        let spec = crate::host::layout::HostSpec::new(HostId(0), "mx1", "mx1.example.com", now);
        let mut host = crate::host::layout::build(&spec).unwrap();
        host.vfs.now = now;
        let cf = format!("{MAIN_CF}{main}");
        host.vfs.write("/etc/postfix/main.cf", Content::from(cf.into_bytes()), 0o644, &Cred::ROOT).unwrap();
        let master = b"rewrite unix - - y - - trivial-rewrite\n".to_vec();
        host.vfs.write("/etc/postfix/master.cf", Content::from(master), 0o644, &Cred::ROOT).unwrap();
        for (path, entries) in tables {
            let entries = entries
                .iter()
                .map(|(key, value)| (SmolStr::from(*key), hash::Entry { value: SmolStr::from(*value), line: 1 }))
                .collect();
            let db = hash::HashDb { source: SmolStr::from(*path), entries };
            host.vfs.write(&format!("{path}.db"), Content::Object(Arc::new(db)), 0o644, &Cred::ROOT).unwrap();
        }
        let config = Arc::new(Config::load(&host, "/etc/postfix").unwrap());
        let layout = Layout::new("/var/spool/postfix", Cred::ROOT);
        let queue = Queue::open(layout, id::Form::Short, &mut host.vfs).unwrap();
        let services = Services::load(config, queue, Logger::default(), &host).unwrap();
        Bench { host, trace: Trace::new(Level::Full), services }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Services, &mut Ctx<'_>) -> T) -> T {
        let (mut out, mut next_socket) = (Vec::new(), 0);
        let mut ctx = Ctx {
            now: self.host.vfs.now,
            proc: ProcId(1),
            actor: Actor::Daemon,
            cause: None,
            host: &mut self.host,
            trace: &mut self.trace,
            out: &mut out,
            next_socket: &mut next_socket,
        };
        act(&mut self.services, &mut ctx)
    }

    fn submit(&mut self, sender: &str, recipients: &[&str], text: &str) -> Result<SmolStr, CleanupError> {
        let local = Attributes { rewrite_context: "local".into(), uid: Some(1000), ..Attributes::default() };
        let flags = Flags { bounce: true, ..Flags::EXTERNAL };
        self.submit_as(sender, recipients, text, local, flags)
    }

    fn submit_as(
        &mut self,
        sender: &str,
        recipients: &[&str],
        text: &str,
        attributes: Attributes,
        flags: Flags,
    ) -> Result<SmolStr, CleanupError> {
        let recipient = |address: &&str| Recipient {
            address: SmolStr::from(*address),
            original: SmolStr::from(*address),
            orcpt: SmolStr::default(),
            notify: Notify::default(),
            done: false,
        };
        self.with(|services, ctx| {
            let id = services.queue.allocate(ctx).unwrap();
            let submission = Submission {
                content: Bytes::from(text.replace("{QID}", &id)),
                id,
                arrival: ctx.now,
                sender: sender.into(),
                full_name: "Alice".into(),
                recipients: recipients.iter().map(recipient).collect(),
                attributes,
                via: Via::Pickup,
                flags,
            };
            submit(submission, services, ctx)
        })
    }

    fn file(&self, id: &str) -> Arc<QueueFile> {
        self.services.queue.get(QueueName::Incoming, id, &self.host.vfs).expect("in the queue")
    }

    fn newest(&mut self) -> Arc<QueueFile> {
        let mut last = None;
        while let Some(id) = self.services.queue.take_incoming() {
            last = Some(id);
        }
        self.file(&last.expect("something in the queue"))
    }

    fn addresses(&self, id: &str) -> Vec<String> {
        self.file(id).recipients.iter().map(|recipient| recipient.address.to_string()).collect()
    }

    fn log(&self) -> Vec<String> {
        let line = |event: &crate::trace::Event| match &event.kind {
            Kind::LogLine { text, .. } => text.split_once("]: ").map(|(_, text)| text.to_owned()),
            _ => None,
        };
        self.trace.iter().filter_map(line).collect()
    }
}

const PICKUP: &str =
    "Received: by mx1.example.com (Postfix, from userid 1000)\n\tid {QID}; Sat, 21 Nov 2026 12:00:00 +0000 (UTC)\n";

fn header(file: &QueueFile) -> String {
    String::from_utf8_lossy(&file.message.header).replace(file.id.as_str(), "Q")
}

#[test]
fn completes_a_local_message_and_counts_it_as_postfix_does() {
    let mut bench = Bench::new("", &[]);
    let text = format!("{PICKUP}To: dave@example.net\nSubject: lost\n\nhello\n");
    let id = bench.submit("alice", &["dave@example.net"], &text).unwrap();
    let file = bench.file(&id);
    assert_eq!(
        header(&file).lines().skip(2).collect::<Vec<_>>(),
        [
            "To: dave@example.net",
            "Subject: lost",
            "Message-Id: <20261121120000.Q@mx1.example.com>",
            "Date: Sat, 21 Nov 2026 12:00:00 +0000 (UTC)",
            "From: Alice <alice@example.com>",
        ]
    );
    assert_eq!((file.sender.as_str(), file.size), ("alice@example.com", 292));
    assert_eq!(file.recipients[0].orcpt, "rfc822;dave@example.net");
}

#[test]
fn remote_mail_is_not_completed_and_equal_bodies_share_their_memory() {
    let mut bench = Bench::new("", &[]);
    let remote = Attributes { rewrite_context: "remote".into(), client_name: "c".into(), ..Attributes::default() };
    let text = "From: bob\nTo: alice\nBcc: hidden@x\nSubject: x\n\nbody\n";
    let id = bench.submit_as("", &["alice@example.com"], text, remote.clone(), Flags::EXTERNAL).unwrap();
    assert_eq!(header(&bench.file(&id)), "From: bob\nTo: alice\nSubject: x\n");
    let plain = "From: bob\nTo: alice\n\nbody\n";
    let other = bench.submit_as("", &["alice@example.com"], plain, remote, Flags::EXTERNAL).unwrap();
    assert_eq!(header(&bench.file(&other)), "From: bob\nTo: alice\n");
    assert_eq!(bench.file(&id).message.body.as_ptr(), bench.file(&other).message.body.as_ptr());
    assert!(bench.log().iter().any(|line| line.ends_with("message-id=<>")));
}

#[test]
fn rewrites_header_addresses_by_context_and_map() {
    let canonical: &[(&str, &str)] = &[("alice@example.com", "Alice.Anderson@example.com")];
    let mut bench =
        Bench::new("canonical_maps = hash:/etc/postfix/canonical\n", &[("/etc/postfix/canonical", canonical)]);
    let text = "From: bob\nTo: alice@example.com (Alice), bob\nSubject: hello\n\nx\n";
    let id = bench.submit("alice", &["alice+x"], text).unwrap();
    let file = bench.file(&id);
    assert_eq!(file.sender, "Alice.Anderson@example.com");
    assert_eq!(file.recipients[0].address, "Alice.Anderson+x@example.com");
    assert!(
        header(&file).starts_with("From: bob@example.com\nTo: Alice.Anderson@example.com (Alice), bob@example.com\n")
    );
}

#[test]
fn expands_virtual_aliases_and_drops_duplicates() {
    let virtual_: &[(&str, &str)] = &[
        ("orders@shop.example", "bob, carol@example.net, bob@example.com"),
        ("@club.example", "@example.com"),
        ("info@shop.example", "alice"),
        ("self@shop.example", "self@shop.example, alice"),
    ];
    let main = "virtual_alias_maps = hash:/etc/postfix/virtual\nvirtual_alias_domains = shop.example, club.example\n";
    let mut bench = Bench::new(main, &[("/etc/postfix/virtual", virtual_)]);
    for (recipient, expected) in [
        ("orders@shop.example", vec!["bob@example.com", "carol@example.net"]),
        ("dora@club.example", vec!["dora@example.com"]),
        ("info+tag@shop.example", vec!["alice+tag@example.com"]),
        ("self@shop.example", vec!["self@shop.example", "alice@example.com"]),
        ("other@example.org", vec!["other@example.org"]),
    ] {
        let id = bench.submit("x@example.org", &[recipient], "Subject: x\n\n").unwrap();
        assert_eq!(bench.addresses(&id), expected, "{recipient}");
    }
}

#[test]
fn an_alias_loop_is_refused_for_now() {
    let loops: &[(&str, &str)] = &[("a@example.com", "b@example.com"), ("b@example.com", "a@example.com")];
    let mut bench = Bench::new("virtual_alias_maps = hash:/etc/postfix/virtual\n", &[("/etc/postfix/virtual", loops)]);
    let error = bench.submit("x@example.org", &["a@example.com"], "Subject: x\n\n").unwrap_err();
    assert_eq!(error.smtp_reply(), "451 4.6.0 Alias expansion error");
    let log = bench.log();
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].ends_with(
        "unreasonable virtual_alias_maps map nesting for a@example.com -- message not accepted, try again later"
    ));
}

fn checks(rules: &str) -> Bench {
    let mut bench = Bench::new("header_checks = regexp:/etc/postfix/hc\nbody_checks = regexp:/etc/postfix/hc\n", &[]);
    bench.host.vfs.write("/etc/postfix/hc", Content::from(rules.as_bytes().to_vec()), 0o644, &Cred::ROOT).unwrap();
    bench
}

#[test]
fn header_checks_act_and_say_so() {
    let rules = "/^Subject: repl(.*)/ REPLACE Subject: [changed]$1\n/^X-Secret:/ IGNORE\n/^Subject: prep/ PREPEND X-Seen: yes\n\
                 /^Subject: bcc/ BCC bob@example.com\n/^Subject: no/ REJECT no pills please\n/^Subject: redir/ REDIRECT r@x\n/cut/ STRIP\n";
    for (subject, header_text, nrcpt, log) in [
        (
            "repl me",
            "Subject: [changed] me\n",
            1,
            "replace: header Subject: repl me from local; from=<alice@example.com> to=<bob@example.com>: Subject: [changed] me",
        ),
        (
            "prep",
            "X-Seen: yes\nSubject: prep\n",
            1,
            "prepend: header Subject: prep from local; from=<alice@example.com> to=<bob@example.com>: X-Seen: yes",
        ),
        (
            "bcc",
            "Subject: bcc\n",
            2,
            "bcc: header Subject: bcc from local; from=<alice@example.com> to=<bob@example.com>: bob@example.com",
        ),
        (
            "redir",
            "Subject: redir\n",
            1,
            "redirect: header Subject: redir from local; from=<alice@example.com> to=<bob@example.com>: r@x",
        ),
    ] {
        let mut bench = checks(rules);
        let text = format!("X-Secret: 1\nSubject: {subject}\n\nkeep\ncut\nkeep\n");
        let id = bench.submit("alice", &["bob"], &text).unwrap();
        let file = bench.file(&id);
        assert!(header(&file).starts_with(header_text), "{}", header(&file));
        assert_eq!(file.recipients.len(), nrcpt);
        let first = bench.log().remove(0);
        assert_eq!(first.split_once(": ").unwrap().1, log);
        // A redirected message is not looked at any further.
        let body = if subject == "redir" { "keep\ncut\nkeep\n" } else { "keep\nkeep\n" };
        assert_eq!(String::from_utf8_lossy(&file.message.body), body);
    }
}

#[test]
fn a_rejected_local_message_bounces() {
    let mut bench = checks("/viagra/ REJECT no pills please\n");
    let text = format!("{PICKUP}To: bob\nSubject: buy viagra\n\nhello\n");
    bench.submit("alice", &["bob"], &text).unwrap();
    let log = bench.log();
    let tails: Vec<&str> = log.iter().filter_map(|line| line.split_once(": ")).map(|(_, tail)| tail).collect();
    assert_eq!(
        tails[0],
        "reject: header Subject: buy viagra from local; from=<alice@example.com> to=<bob@example.com>: 5.7.1 no pills please"
    );
    assert!(tails[1].starts_with("message-id=<"));
    assert_eq!(
        tails[2],
        "to=<bob@example.com>, orig_to=<bob>, relay=none, delay=0, delays=0/0/0/0, dsn=5.7.1, status=bounced (no pills please)"
    );
    assert!(tails[4].starts_with("sender non-delivery notification: "));
    assert_eq!(bench.newest().size, 2137);
}

#[test]
fn a_bounce_is_worded_and_counted_as_by_postfix() {
    let mut bench = Bench::new("", &[]);
    let text = format!("{PICKUP}To: dave@example.net\nSubject: lost\n\nhello\n");
    let id = bench.submit("alice", &["dave@example.net"], &text).unwrap();
    let file = bench.newest();
    let reply = "550-5.1.1 <dave@example.net>: no such user 550 5.1.1 see our policy";
    let said = format!("host mail.example.net[203.0.113.20] said: {reply} (in reply to RCPT TO command)");
    let mut outcome = Outcome::new(0, Agent::Smtp, DeliveryStatus::Bounced, "5.1.1", said, Times::default());
    outcome.remote_mta = "mail.example.net".into();
    outcome.remote_reply = reply.to_owned();
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Bounce, &file, &outcome, ctx).unwrap();
        bounce::flush(services, &file, ctx).unwrap();
    });
    let report = bench.newest();
    assert_eq!((report.sender.as_str(), report.recipients[0].address.as_str()), ("", "alice@example.com"));
    assert_eq!(report.size, 2330);
    let body = String::from_utf8_lossy(&report.message.body).into_owned();
    assert!(body.contains(
        "\nDiagnostic-Code: smtp; 550-5.1.1 <dave@example.net>: no such user 550 5.1.1 see\n    our policy\n"
    ));
    let last = bench.log().pop().unwrap();
    assert_eq!(last, format!("{id}: sender non-delivery notification: {}", report.id));
    assert!(bounce::read(&bench.services, bounce::LogKind::Bounce, &id, &bench.host).is_none());
}

#[test]
fn a_bounce_of_a_bounce_goes_to_the_postmaster_and_no_further() {
    let mut bench = Bench::new("notify_classes = 2bounce\n", &[]);
    let outcome =
        Outcome::new(0, Agent::Local, DeliveryStatus::Bounced, "5.1.1", "unknown user: \"x\"", Times::default());
    bench.submit("", &["x@example.com"], "Subject: x\n\nx\n").unwrap();
    let single = bench.newest();
    let bounce = |bench: &mut Bench, file: &QueueFile| {
        bench.with(|services, ctx| {
            bounce::append(services, bounce::LogKind::Bounce, file, &outcome, ctx).unwrap();
            bounce::flush(services, file, ctx).unwrap();
        });
    };
    bounce(&mut bench, &single);
    let double = bench.newest();
    assert_eq!(
        (double.sender.as_str(), double.recipients[0].original.as_str()),
        ("double-bounce@mx1.example.com", "postmaster")
    );
    assert!(header(&double).contains("Subject: Postmaster Copy: Undelivered Mail\nTo: postmaster@example.com\n"));
    bounce(&mut bench, &double);
    assert!(bench.log().pop().unwrap().ends_with("undeliverable postmaster notification discarded"));
}

#[test]
fn postmaster_copies_have_their_sizes() {
    let mut bench = Bench::new("notify_classes = bounce, 2bounce, resource, software\n", &[]);
    let remote = Attributes { rewrite_context: "remote".into(), ..Attributes::default() };
    let text = "Received: from client.example.org (client.example.org [198.51.100.7])\n\tby mx1.example.com (Postfix) with ESMTP id {QID}\n\tfor \
                <alice@example.com>; Sat, 21 Nov 2026 12:00:00 +0000 (UTC)\nFrom: Sender <ghost@example.com>\nTo: <alice@example.com>\nDate: Mon, 05 \
                Jan 2026 10:00:00 +0000\nMessage-ID: <m1@example.org>\nSubject: hello\n\nHello,\nthis is a test.\n";
    bench.submit_as("ghost@example.com", &["alice@example.com"], text, remote, Flags::EXTERNAL).unwrap();
    let file = bench.newest();
    assert_eq!(file.size, 362);
    let mut outcome =
        Outcome::new(0, Agent::Command, DeliveryStatus::Bounced, "5.1.1", "user unknown", Times::default());
    outcome.remote_reply = "user unknown".to_owned();
    outcome.diagnostic = Diagnostic::Unix;
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Bounce, &file, &outcome, ctx).unwrap();
        bounce::flush(services, &file, ctx).unwrap();
    });
    let single = bench.services.queue.take_incoming().unwrap();
    let single = bench.file(&single);
    assert_eq!((single.size, bench.newest().size), (2173, 1773));
    let outcome =
        Outcome::new(0, Agent::Local, DeliveryStatus::Bounced, "5.1.1", "unknown user: \"ghost\"", Times::default());
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Bounce, &single, &outcome, ctx).unwrap();
        bounce::flush(services, &single, ctx).unwrap();
    });
    assert_eq!(bench.newest().size, 3643);
}

#[test]
fn a_message_that_went_in_circles_is_refused() {
    let mut bench = Bench::new("hopcount_limit = 3\n", &[]);
    let error = bench
        .submit_as("", &["a@x"], &"Received: by x\n".repeat(3), Attributes::default(), Flags::EXTERNAL)
        .unwrap_err();
    assert_eq!(error.smtp_reply(), "554 5.4.0 Error: too many hops");
    assert!(bench.log()[0].ends_with(": message rejected: hopcount exceeded"));
}

#[test]
fn nobody_who_said_never_is_reported() {
    let mut bench = Bench::new("", &[]);
    bench.submit("alice", &["ghost"], "Subject: x\n\nx\n").unwrap();
    let mut file = (*bench.newest()).clone();
    file.recipients[0].notify.never = true;
    let outcome = Outcome::new(0, Agent::Local, DeliveryStatus::Bounced, "5.1.1", "unknown user", Times::default());
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Bounce, &file, &outcome, ctx).unwrap();
        bounce::flush(services, &file, ctx).unwrap();
    });
    assert!(bench.log().pop().unwrap().contains(": message-id=<"));
    assert!(!bench.services.queue.has_incoming());
}

#[test]
fn success_reports_return_the_header_only() {
    let mut bench = Bench::new("", &[]);
    let attributes = Attributes {
        rewrite_context: "remote".into(),
        dsn_envid: "abc".into(),
        dsn_ret: Some(Ret::Full),
        ..Attributes::default()
    };
    let received = "Received: from client.example.org (client.example.org [198.51.100.7])\n\tby mx1.example.com (Postfix) with ESMTP id {QID}\n\tfor \
                    <alice@example.com>; Sat, 21 Nov 2026 12:00:00 +0000 (UTC)\n";
    let text =
        format!("{received}From: bob@example.com\nSubject: please confirm\nMessage-ID: <m1@example.com>\n\nbody\n");
    bench.submit_as("bob@example.com", &["alice@example.com"], &text, attributes, Flags::EXTERNAL).unwrap();
    let mut file = (*bench.newest()).clone();
    assert_eq!(file.size, 277);
    file.recipients[0].notify.success = true;
    let mut outcome =
        Outcome::new(0, Agent::Local, DeliveryStatus::Sent, "2.0.0", "delivered to mailbox", Times::default());
    outcome.relay = "local".into();
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Trace, &file, &outcome, ctx).unwrap();
        bounce::flush_trace(services, &file, ctx);
    });
    assert_eq!(bench.newest().size, 2112);
}

#[test]
fn delay_warnings_and_requested_reports_have_their_sizes() {
    let mut bench = Bench::new("delay_warning_time = 2s\n", &[]);
    let text = format!("{PICKUP}To: carol@example.net\nSubject: hi\n\nhello\n");
    bench.submit("alice", &["carol@example.net"], &text).unwrap();
    let file = bench.newest();
    assert_eq!(file.size, 291);
    assert!(file.warn_at.is_some());
    let reason = "connect to mail.example.net[203.0.113.20]:25: Connection refused";
    let outcome = Outcome::new(0, Agent::Smtp, DeliveryStatus::Deferred, "4.4.1", reason, Times::default());
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Defer, &file, &outcome, ctx).unwrap();
        bounce::warn(services, &file, ctx);
    });
    assert_eq!(bench.newest().size, 2477);
    let warnings: Vec<String> = bench.log().into_iter().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        warnings[0],
        "warning: [built-in]: zero result in delay template conversion of parameter \"delay_warning_time_hours\""
    );
    assert_eq!(warnings.len(), 3);

    bench.submit("alice", &["bob"], &format!("{PICKUP}Subject: v\n\nx\n")).unwrap();
    let mut file = (*bench.newest()).clone();
    assert_eq!(file.size, 263);
    file.attributes = Arc::new(Attributes { trace_report: true, ..(*file.attributes).clone() });
    let mut outcome =
        Outcome::new(0, Agent::Local, DeliveryStatus::Sent, "2.0.0", "delivered to mailbox", Times::default());
    outcome.relay = "local".into();
    bench.with(|services, ctx| {
        bounce::append(services, bounce::LogKind::Trace, &file, &outcome, ctx).unwrap();
        bounce::flush_trace(services, &file, ctx);
    });
    assert_eq!(bench.newest().size, 1902);
}

#[test]
fn a_probe_has_a_header_only() {
    let mut bench = Bench::new("", &[]);
    let probe = Notice {
        sender: "double-bounce".into(),
        recipient: "carol@example.net".into(),
        verify_probe: true,
        ..Notice::default()
    };
    bench.with(|services, ctx| post_mail(probe, services, ctx)).unwrap();
    let file = bench.newest();
    assert_eq!((file.sender.as_str(), file.size), ("double-bounce@example.com", 228));
    assert!(file.attributes.verify_probe);
}

#[test]
fn routes_by_class_and_table() {
    let transport: &[(&str, &str)] = &[
        ("example.net", "smtp:[mail.example.net]"),
        (".example.net", "smtp:[sub.example.net]"),
        ("carol@example.org", "error:5.1.2 gone"),
    ];
    let main = "virtual_alias_domains = shop.example\nvirtual_mailbox_domains = box.example\nrelay_domains = partner.example\n\
                relayhost = [hub.example]\ntransport_maps = hash:/etc/postfix/transport\n";
    let mut bench = Bench::new(main, &[("/etc/postfix/transport", transport)]);
    for (recipient, class, transport, nexthop, resolved) in [
        ("alice@example.com", Class::Local, "local", "mx1.example.com", "alice@example.com"),
        ("alice", Class::Local, "local", "mx1.example.com", "alice@mx1.example.com"),
        ("a@shop.example", Class::VirtualAlias, "error", "5.1.1 User unknown in virtual alias table", "a@shop.example"),
        ("a@box.example", Class::VirtualMailbox, "virtual", "box.example", "a@box.example"),
        ("a@sub.partner.example", Class::Relay, "relay", "[hub.example]", "a@sub.partner.example"),
        ("a@partner.example", Class::Relay, "relay", "[hub.example]", "a@partner.example"),
        ("a@example.net", Class::Default, "smtp", "[mail.example.net]", "a@example.net"),
        ("a@b.example.net", Class::Default, "smtp", "[sub.example.net]", "a@b.example.net"),
        ("carol@example.org", Class::Default, "error", "5.1.2 gone", "carol@example.org"),
        ("carol%example.net@mx1.example.com", Class::Default, "smtp", "[mail.example.net]", "carol@example.net"),
        ("dave@[127.0.0.1]", Class::Local, "local", "mx1.example.com", "dave@[127.0.0.1]"),
        ("dave@[203.0.113.9]", Class::Default, "smtp", "[hub.example]", "dave@[203.0.113.9]"),
        ("", Class::Local, "local", "mx1.example.com", "MAILER-DAEMON@mx1.example.com"),
    ] {
        let route =
            bench.with(|services, ctx| trivial_rewrite::route(services, "s@example.org", recipient, false, ctx));
        let found = (route.class, route.transport.as_str(), route.nexthop.as_str(), route.recipient.as_str());
        assert_eq!(found, (class, transport, nexthop, resolved), "{recipient}");
        assert!(!route.failed && !route.bad_address && route.why.is_some());
    }
    let bad = bench.with(|services, ctx| trivial_rewrite::resolve(services, "", "a@b..c", ctx));
    assert!(bad.bad_address);
}

#[test]
fn remembered_routes_are_the_same_routes() {
    let mut bench = Bench::new("relayhost = [hub.example]\n", &[]);
    for recipient in ["a@example.com", "b@example.com", "a@x.example", "b@x.example", "-b@x.example", "a%b@x.example"] {
        let host = &bench.host;
        let mut fresh = bench.services.rewrite.clone();
        let full = fresh.resolve("", recipient, host, true);
        let quick = bench.services.rewrite.resolve("", recipient, host, false);
        assert_eq!(
            (full.class, full.transport, full.nexthop, full.recipient, full.bad_address),
            (quick.class, quick.transport, quick.nexthop, quick.recipient, quick.bad_address)
        );
    }
}

#[test]
fn parts_are_checked_by_their_class() {
    let mut bench = Bench::new("mime_header_checks = regexp:/etc/postfix/mhc\n", &[]);
    let rule = b"/name=[^>]*\\.(exe|bat)/ REJECT attachment type not allowed\n".to_vec();
    bench.host.vfs.write("/etc/postfix/mhc", Content::from(rule), 0o644, &Cred::ROOT).unwrap();
    let remote = Attributes {
        rewrite_context: "remote".into(),
        client_name: "client.example.org".into(),
        client_address: "198.51.100.7".into(),
        protocol_name: "ESMTP".into(),
        helo_name: "client.example.org".into(),
        ..Attributes::default()
    };
    let text = "From: x@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: a/b;\n name=\"run.exe\"\n\nMZ\n--b--\n";
    let error =
        bench.submit_as("sender@example.org", &["alice@example.com"], text, remote, Flags::EXTERNAL).unwrap_err();
    assert_eq!(error.smtp_reply(), "550 5.7.1 attachment type not allowed");
    let log = bench.log();
    assert!(log[0].ends_with("message-id=<>"));
    assert!(log[1].ends_with(
        "reject: header Content-Type: a/b;? name=\"run.exe\" from client.example.org[198.51.100.7]; from=<sender@example.org> \
         to=<alice@example.com> proto=ESMTP helo=<client.example.org>: 5.7.1 attachment type not allowed"
    ));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn unchanged_mail_keeps_its_octets(text in "(Subject: x\n|Content-Type: multipart/mixed; boundary=b\n|--b\n|--b--\n|\n| y\n|é\n|To: <a\n){0,20}") {
        let mut bench = checks("/never matches/ STRIP\n");
        let remote = Attributes { rewrite_context: "remote".into(), ..Attributes::default() };
        let id = bench.submit_as("", &["a@x.org"], &text, remote, Flags::EXTERNAL).unwrap();
        let kept = bench.file(&id).message.to_vec();
        // Empty lines may be added between a header and what follows, nothing else.
        let words = |text: &[u8]| String::from_utf8_lossy(text).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        proptest::prop_assert_eq!(words(&kept), words(text.as_bytes()));
    }
}
