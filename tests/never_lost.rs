//! No accepted message is ever lost (RFC 5321 section 6.1): random small internets with random
//! faults, and for each recipient of each message the question where it has gone.
//!
//! `NEVER_LOST_SEED=7 cargo test --test never_lost` plays one case, `NEVER_LOST_CASES=10000` many.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use mxlab::conform::case::SinkScript;
use mxlab::conform::sink::Sink;
use mxlab::host::vfs::Cred;
use mxlab::mta::postfix::queue_file::QueueFile;
use mxlab::scenario::dialogue::{Dialogue, Item, SessionStep};
use mxlab::scenario::{Scenario, Sources, login_spawn};
use mxlab::sim::faults::{Block, Effect, Rule, Selector};
use mxlab::sim::{Dice, Duration, HostId, ProcId};
use mxlab::trace::{Actor, Agent, DeliveryStatus, Event, Kind, Level, Via};
use mxlab::world::World;

/// Cases of a usual run.
const CASES: u64 = 60;
/// Users of every mail host.
const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// Queues that mail may rest in.
const QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];

/// A random internet while it runs.
struct Case {
    dice: Dice,
    world: World,
    /// Hosts with Postfix.
    mail: Vec<HostId>,
    dns: HostId,
    /// Submissions with `sendmail` that were begun.
    submissions: Vec<(HostId, ProcId)>,
    /// Submissions that succeeded, by host.
    accepted: BTreeMap<HostId, u64>,
    messages: u64,
}

/// The scenario: a name server, a scripted server and some hosts with a domain each.
fn scenario(dice: &mut Dice) -> String {
    let count = 2 + dice.below(3);
    let mut zones = String::new();
    let mut hosts = String::new();
    for n in 0..count {
        let backup = if dice.below(3) == 0 {
            format!("@ MX 20 mx{}.d{}.example.\\n", (n + 1) % count, (n + 1) % count)
        } else {
            String::new()
        };
        write!(zones, r#"(origin: "d{n}.example", text: "@ MX 10 mx{n}\n{backup}mx{n} A 192.0.2.{}"),"#, 10 + n)
            .unwrap();
        let mut parameters =
            String::from(r#""minimal_backoff_time": "5m", "maximal_backoff_time": "20m", "queue_run_delay": "5m","#);
        let lifetime = ["0", "1h", "5d"][dice.below(3) as usize];
        write!(parameters, r#""maximal_queue_lifetime": "{lifetime}", "bounce_queue_lifetime": "{lifetime}","#)
            .unwrap();
        if dice.below(3) == 0 {
            parameters.push_str(r#""mailbox_size_limit": "3000", "message_size_limit": "2000","#);
        }
        if dice.below(3) == 0 {
            parameters.push_str(r#""smtpd_recipient_restrictions": "permit_mynetworks, check_recipient_access texthash:/etc/postfix/grey","#);
        }
        if dice.below(4) == 0 {
            parameters.push_str(r#""soft_bounce": "yes","#);
        }
        if dice.below(4) == 0 {
            parameters.push_str(
                r#""notify_classes": "bounce, 2bounce, delay, resource, software", "delay_warning_time": "10m","#,
            );
        }
        if dice.below(4) == 0 {
            parameters.push_str(r#""home_mailbox": "Maildir/","#);
        }
        let mut files = String::from(
            r#""/etc/postfix/grey": "bob@d0.example 450 4.2.0 Greylisted\nbob@d1.example 450 4.2.0 Greylisted\n","#,
        );
        let aliases = [
            "",
            "list: alice, bob, carol\\n",
            "list: list, alice\\n",
            "list: other\\nother: list\\n",
            "list: alice@d0.example, bob@d1.example, x@sink.example\\n",
            "list: /var/mail/file, \\\"|/bin/false\\\"\\n",
            "list: :include:/etc/members, nobody@d1.example\\nowner-list: carol\\n",
        ];
        let alias = aliases[dice.below(aliases.len() as u64) as usize];
        write!(files, r#""/etc/aliases": "postmaster: root\n{alias}", "/etc/members": "alice\nbob@d1.example\n","#)
            .unwrap();
        let forwards = [
            "",
            "\\\\alice, bob@d1.example",
            "alice@d0.example",
            "bob, carol",
            "/dev/null",
            "|exit 75",
            "x@sink.example",
            "alice",
        ];
        for user in USERS {
            let forward = forwards
                [dice.below(3 * forwards.len() as u64) as usize % forwards.len() * usize::from(dice.below(3) == 0)];
            if !forward.is_empty() {
                write!(files, r#""/home/{user}/.forward": "{forward}\n","#).unwrap();
            }
        }
        let users: String = USERS.iter().map(|user| format!(r#"(name: "{user}", password: "x"),"#)).collect();
        write!(
            hosts,
            r#"(name: "mx{n}", addresses: ["192.0.2.{}"], fqdn: "mx{n}.d{n}.example", preset: InternetSite,
               mail: (name: "d{n}.example", networks: ["192.0.2.0/24"], parameters: {{{parameters}}}),
               users: [{users}], files: {{{files}}}),"#,
            10 + n
        )
        .unwrap();
    }
    format!(
        r#"(title: (en: "a", de: "b"), summary: (en: "", de: ""),
          zones: [{zones} (origin: "sink.example", text: "@ MX 10 sink\nsink A 192.0.2.99")],
          hosts: [(name: "dns", addresses: ["203.0.113.53"], preset: DnsServer),
                  (name: "sink", addresses: ["192.0.2.99"], fqdn: "sink.sink.example"), {hosts}])"#
    )
}

/// What the scripted server says: it may refuse, put off, hang up or hang at any stage.
fn sink_script(dice: &mut Dice) -> SinkScript {
    let stage = ["HELO", "EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"][dice.below(7) as usize];
    let reply = ["450 4.2.0 later", "550 5.1.1 no", "CLOSE", "HANG", "421 4.3.0 bye"][dice.below(5) as usize];
    let times = dice.below(4);
    serde_json::from_value(serde_json::json!({ "ehlo": ["PIPELINING"], "replies": [[stage, reply, times]] })).unwrap()
}

impl Case {
    fn new(seed: u64) -> Case {
        let mut dice = Dice::new(seed, "never lost");
        let text = scenario(&mut dice);
        let sources = Sources { name: "random".into(), file: "random.ron".into(), text, ..Sources::default() };
        let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:?}\n{}", sources.text));
        let mut world = scenario.build(seed, Level::Full).unwrap();
        let find = |world: &World, name| world.find(name).unwrap();
        let (dns, sink) = (find(&world, "dns"), find(&world, "sink"));
        let script = sink_script(&mut dice);
        world.start(sink, Box::new(Sink::new("sink.sink.example", &script)), Actor::Scenario);
        let mail = world.hosts().map(|host| host.id).filter(|id| *id != dns && *id != sink).collect();
        let submissions = Vec::new();
        Case { dice, world, mail, dns, submissions, accepted: BTreeMap::new(), messages: 0 }
    }

    fn some_mail_host(&mut self) -> HostId {
        self.mail[self.dice.below(self.mail.len() as u64) as usize]
    }

    fn some_address(&mut self) -> String {
        let locals = ["alice", "bob", "carol", "list", "nobody", "postmaster", "alice+x"];
        let local = locals[self.dice.below(locals.len() as u64) as usize];
        match self.dice.below(8) {
            0 => format!("{local}@sink.example"),
            1 => format!("{local}@nowhere.example"),
            n => format!("{local}@d{}.example", n % self.mail.len() as u64),
        }
    }

    fn recipients(&mut self) -> Vec<String> {
        let all: BTreeSet<String> = (0..1 + self.dice.below(3)).map(|_| self.some_address()).collect();
        all.into_iter().collect()
    }

    fn submit(&mut self) {
        let host = self.some_mail_host();
        if !self.world.is_up(host) {
            return;
        }
        self.messages += 1;
        let sender = if self.dice.below(8) == 0 { "-f x@nowhere.example" } else { "" };
        let line = format!("sendmail -i {sender} {}", self.recipients().join(" "));
        let stdin = format!("Subject: message {}\n\n{}", self.messages, "text\n".repeat(self.dice.below(300) as usize));
        let spawn = login_spawn(self.world.host(host), Some("alice"), &line, &stdin);
        let proc = self.world.spawn(host, spawn, Actor::Scenario);
        self.submissions.push((host, proc));
    }

    fn session(&mut self) {
        let (from, to) = (self.dns, self.some_mail_host());
        self.messages += 1;
        let sender = ["a@sink.example", "a@nowhere.example", "", "bob@d1.example"][self.dice.below(4) as usize];
        let mut lines = vec!["HELO client.example".to_owned(), format!("MAIL FROM:<{sender}>")];
        lines.extend(self.recipients().iter().map(|to| format!("RCPT TO:<{to}>")));
        lines.extend(["DATA".into(), format!("Subject: message {}\r\n\r\ntext\r\n.", self.messages), "QUIT".into()]);
        let step = SessionStep::plain(lines.into_iter().map(Item::Line).collect());
        let server = SocketAddr::new(self.world.host(to).addrs[0], 25);
        self.world.start(from, Box::new(Dialogue::new(&step, None, server)), Actor::Scenario);
    }

    fn power(&mut self) {
        let host = if self.dice.below(6) == 0 { self.dns } else { self.some_mail_host() };
        if host == self.dns {
            // Its processes would be gone: it is only cut off.
            let silent = self.dice.below(2) == 0;
            return self.world.set_silent(host, silent);
        }
        let up = !self.world.is_up(host);
        self.world.set_up(host, up);
        if up {
            let spawn = login_spawn(self.world.host(host), None, "postfix start", "");
            self.world.spawn(host, spawn, Actor::Scenario);
        }
    }

    fn fault(&mut self) {
        let name = format!("fault{}", self.dice.below(3));
        self.world.faults_mut().remove(&name);
        let to = (self.dice.below(2) == 0).then(|| self.some_mail_host());
        let port = (self.dice.below(2) == 0).then_some(25);
        let effect = match self.dice.below(6) {
            0 => Effect::Block(Block::Drop),
            1 => Effect::Block(Block::Reject),
            2 => Effect::Latency(Duration::from_millis(1 + self.dice.below(3000))),
            3 => Effect::LossPpm(300_000),
            _ => return,
        };
        let selector = Selector { from: None, to, port, both_ways: true };
        self.world.faults_mut().add(Rule { name, selector, effect });
    }

    fn disk(&mut self) {
        let host = self.some_mail_host();
        let room = [0, 500, 4000, 1 << 40][self.dice.below(4) as usize];
        let vfs = &mut self.world.host_mut(host).vfs;
        vfs.capacity = vfs.capacity - vfs.free_space() + room;
    }

    fn act(&mut self) {
        match self.dice.below(16) {
            0..=5 => self.submit(),
            6..=9 => self.session(),
            10 | 11 => self.power(),
            12 | 13 => self.fault(),
            14 => self.disk(),
            _ => {
                let host = self.some_mail_host();
                let _ = self.world.host_mut(host).vfs.write("/etc/postfix/grey", "", 0o644, &Cred::ROOT);
            }
        }
    }

    /// Takes note of submissions that have ended. What a host that was switched off had not
    /// acknowledged was not accepted.
    fn reap(&mut self) {
        for (host, proc) in std::mem::take(&mut self.submissions) {
            match self.world.exited(host, proc) {
                Some(exit) if exit.status == 0 => *self.accepted.entry(host).or_default() += 1,
                Some(_) => {}
                None if self.world.process(host, proc).is_some() => self.submissions.push((host, proc)),
                None => {}
            }
        }
    }

    fn play(&mut self) {
        for _ in 0..12 + self.dice.below(12) {
            self.act();
            let pause = [5, 60, 600, 3600][self.dice.below(4) as usize];
            let mut now = self.world.now();
            let end = now + Duration::from_secs(self.dice.below(pause));
            while now < end {
                now = (now + Duration::from_secs(5)).min(end);
                self.world.advance(now);
                self.reap();
            }
        }
        let hours = [0, 1, 30][self.dice.below(3) as usize];
        self.world.advance(self.world.now() + Duration::from_secs(60 + 3600 * hours));
        self.reap();
    }
}

/// What the trace tells about one message in one queue.
struct Stay<'a> {
    host: HostId,
    id: &'a str,
    sender: &'a str,
    recipients: &'a [smol_str::SmolStr],
    via: Via,
    events: Vec<&'a Event>,
}

fn stays(world: &World) -> Vec<Stay<'_>> {
    let mut stays: Vec<Stay<'_>> = Vec::new();
    let mut present: BTreeMap<(HostId, &str), usize> = BTreeMap::new();
    for event in world.trace().iter() {
        let Some(host) = event.host else { continue };
        match &event.kind {
            Kind::QueueEnter { queue_id, sender, rcpts, via, .. } => {
                present.insert((host, queue_id), stays.len());
                stays.push(Stay { host, id: queue_id, sender, recipients: rcpts, via: *via, events: Vec::new() });
            }
            // It does not say of which message it is.
            Kind::AliasExpand { .. } => {
                stays.iter_mut().filter(|stay| stay.host == host).for_each(|stay| stay.events.push(event));
            }
            Kind::QueueLeave { queue_id, .. } | Kind::Deliver { queue_id, .. } | Kind::Bounce { queue_id, .. } => {
                if let Some(at) = present.get(&(host, queue_id.as_str())) {
                    stays[*at].events.push(event);
                }
            }
            _ => {}
        }
    }
    stays
}

/// Queue files by id.
type Queued = BTreeMap<String, Arc<QueueFile>>;

/// The queue files of a host that are there now, by id.
fn queued(world: &World, host: HostId) -> Queued {
    let mut found = BTreeMap::new();
    world.host(host).vfs.visit(&mut |path, inode| {
        let in_queue = QUEUES.iter().any(|queue| path.starts_with(&format!("/var/spool/postfix/{queue}/")));
        if let Some(file) = inode.content().filter(|_| in_queue).and_then(|content| content.object::<QueueFile>()) {
            found.insert(path.rsplit('/').next().unwrap_or_default().to_owned(), file);
        }
    });
    found
}

/// The id behind `queued as` or `forwarded as`.
fn next_id(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("queued as ").or_else(|| text.split_once("forwarded as "))?;
    Some(rest.trim_end_matches(')'))
}

/// Where a recipient's mail has gone, or why it is lost.
fn fate(stay: &Stay<'_>, recipient: &str, known: &BTreeSet<&str>, queued: &Queued, log: &str) -> Result<(), String> {
    let mut last = None;
    for event in &stay.events {
        let Kind::Deliver { rcpt, orig_to, status, text, .. } = &event.kind else { continue };
        // What was written without a domain is shown so.
        if ![rcpt, orig_to].iter().any(|name| {
            *name == recipient || recipient.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('@'))
        }) {
            continue;
        }
        match status {
            DeliveryStatus::Sent => match next_id(text) {
                Some(id) if !known.contains(id) => return Err(format!("sent on as {id}, which nobody has")),
                _ => return Ok(()),
            },
            DeliveryStatus::Bounced | DeliveryStatus::Expired => last = Some(*status),
            DeliveryStatus::Deferred => last = last.or(Some(*status)),
            _ => {}
        }
    }
    let file = queued.get(stay.id);
    if file.is_some_and(|file| file.recipients.iter().any(|known| known.address == recipient && !known.done)) {
        return Ok(());
    }
    let left = stay.events.iter().any(|event| matches!(event.kind, Kind::QueueLeave { .. }));
    let reported = stay.events.iter().any(|event| match &event.kind {
        Kind::Bounce { report_id, .. } => known.contains(report_id.as_str()),
        _ => false,
    });
    let discarded = log.contains(&format!("{}: undeliverable postmaster notification discarded", stay.id));
    match last {
        // One that waited is among those reported when the message expires.
        Some(_) if reported || discarded => Ok(()),
        // There are no reports about reports, unless the postmaster asks for them.
        Some(DeliveryStatus::Bounced | DeliveryStatus::Expired) if stay.sender.is_empty() => Ok(()),
        Some(DeliveryStatus::Deferred)
            if stay.sender.is_empty() && log.contains(&format!("{}: from=<>, status=expired", stay.id)) =>
        {
            Ok(())
        }
        // The report is made when all recipients were tried.
        Some(DeliveryStatus::Bounced | DeliveryStatus::Expired) if !left => Ok(()),
        Some(status) => Err(format!("{status:?} without report, and not queued")),
        // What it was expanded to has its own outcomes, under the names of the targets.
        None if expanded(stay, recipient) => Ok(()),
        None => Err("never tried and not queued".into()),
    }
}

/// Whether local(8) found aliases or a forward file for a recipient, and served what stands there.
fn expanded(stay: &Stay<'_>, recipient: &str) -> bool {
    let local = recipient.split('@').next().unwrap_or_default();
    let of_recipient = |event: &&&Event| match &event.kind {
        Kind::AliasExpand { name, .. } => *name == recipient || *name == local,
        _ => false,
    };
    stay.events.iter().any(|event| of_recipient(&event))
        && stay.events.iter().any(|event| matches!(event.kind, Kind::Deliver { .. }))
}

fn check(case: &Case) -> Result<(), String> {
    let world = &case.world;
    let stays = stays(world);
    let known: BTreeSet<&str> = stays.iter().map(|stay| stay.id).collect();
    let log = |host: HostId| world.host(host).vfs.read_text("/var/log/mail.log", &Cred::ROOT).unwrap_or_default();
    let hosts: BTreeMap<HostId, _> = case.mail.iter().map(|host| (*host, (queued(world, *host), log(*host)))).collect();
    for stay in &stays {
        let Some((queued, log)) = hosts.get(&stay.host) else { continue };
        for recipient in stay.recipients {
            fate(stay, recipient, &known, queued, log).map_err(|why| {
                let lines: String =
                    log.lines().filter(|line| line.contains(stay.id)).map(|line| format!("\n  {line}")).collect();
                let Stay { id, sender, .. } = stay;
                format!("{id} on {}: from <{sender}> to <{recipient}>: {why}{lines}", world.name(stay.host))
            })?;
        }
    }
    for &host in &case.mail {
        let here = || stays.iter().filter(|stay| stay.host == host);
        let waiting = queued_in(world, host, "maildrop");
        let accepted = case.accepted.get(&host).copied().unwrap_or_default();
        let picked = here().filter(|stay| stay.via == Via::Pickup).count() as u64;
        if picked + waiting < accepted {
            return Err(format!(
                "{}: sendmail took {accepted}, {picked} picked up and {waiting} wait",
                world.name(host)
            ));
        }
        let delivered = |event: &&&Event| match &event.kind {
            Kind::Deliver { agent: Agent::Local, status: DeliveryStatus::Sent, text, .. } => {
                text.contains("delivered to mailbox") || text.contains("delivered to maildir")
            }
            _ => false,
        };
        let claimed = here().map(|stay| stay.events.iter().filter(delivered).count() as u64).sum::<u64>();
        let found = in_mailboxes(world, host);
        if claimed != found {
            let log = world.host(host).vfs.read_text("/var/log/mail.log", &Cred::ROOT).unwrap_or_default();
            let lines: String =
                log.lines().filter(|line| line.contains("relay=local")).map(|line| format!("\n  {line}")).collect();
            return Err(format!("{}: {claimed} deliveries to mailboxes, {found} messages{lines}", world.name(host)));
        }
    }
    Ok(())
}

fn queued_in(world: &World, host: HostId, queue: &str) -> u64 {
    let prefix = format!("/var/spool/postfix/{queue}/");
    let mut count = 0;
    world.host(host).vfs.visit(&mut |path, inode| {
        count += u64::from(path.starts_with(&prefix) && inode.content().is_some());
    });
    count
}

fn in_mailboxes(world: &World, host: HostId) -> u64 {
    let mut count = 0;
    world.host(host).vfs.visit(&mut |path, inode| {
        let Some(content) = inode.content() else { return };
        // `/var/mail/file` is no mailbox but the target of an alias.
        if path.starts_with("/var/mail/") && path != "/var/mail/file" {
            let text = content.to_vec();
            count += text.split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"From ")).count() as u64;
        } else if path.contains("/Maildir/new/") {
            count += 1;
        }
    });
    count
}

/// Every message that a server said to have queued is in its queue, for every recipient that it
/// accepted.
fn check_sessions(world: &World) -> Result<(), String> {
    // Ids may be used again: the last one counts.
    let mut present = BTreeMap::new();
    let mut sessions: BTreeMap<(HostId, u64), (&str, Vec<&str>)> = BTreeMap::new();
    for event in world.trace().iter() {
        let Some(host) = event.host else { continue };
        match &event.kind {
            Kind::QueueEnter { queue_id, rcpts, .. } => {
                present.insert((host, queue_id.as_str()), rcpts);
            }
            Kind::SmtpCmd { session, line } => {
                let (last, recipients) = sessions.entry((host, session.0)).or_default();
                *last = line;
                if line.to_ascii_uppercase().starts_with("MAIL") {
                    recipients.clear();
                }
            }
            Kind::SmtpReply { session, code: 250, text, .. } => {
                let (last, recipients) = sessions.entry((host, session.0)).or_default();
                let path = last.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
                if last.to_ascii_uppercase().starts_with("RCPT") {
                    recipients.push(path);
                }
                let Some((_, id)) = text.split_once("queued as ") else { continue };
                let name = world.name(host);
                let Some(queued) = present.get(&(host, id)) else {
                    return Err(format!("{name} said that a message is queued as {id}, but it never was"));
                };
                let missing = |wanted: &&&str| !queued.iter().any(|known| known.eq_ignore_ascii_case(wanted));
                if let Some(lost) = recipients.iter().find(missing) {
                    return Err(format!("{id} on {name}: accepted for {lost}, queued for {queued:?}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_accepted_message_ends_in_a_mailbox_a_queue_or_a_report() {
    let seeds = match variable("NEVER_LOST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("NEVER_LOST_CASES").unwrap_or(CASES),
    };
    let mut played = (0, 0);
    for seed in seeds {
        let mut case = Case::new(seed);
        case.play();
        let result = check(&case).and_then(|()| check_sessions(&case.world));
        if let Err(lost) = result {
            panic!("{lost}\nplay it again: NEVER_LOST_SEED={seed} cargo test --test never_lost");
        }
        played = (played.0 + 1, played.1 + stays(&case.world).len());
    }
    assert!(played.1 > played.0, "almost nothing was sent");
}
