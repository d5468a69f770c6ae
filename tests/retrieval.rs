//! Bob's mail program, or fetchmail, fetches over POP3 and IMAP what lies in his mailbox on another host.

use mxlab::conform::case::{SinkReply, SinkScript};
use mxlab::conform::sink::Sink;
use mxlab::host::layout::{HostSpec, UserSpec, build};
use mxlab::host::vfs::Cred;
use mxlab::host::{Command, Spawn};
use mxlab::mailbox::dovecot::Dovecot;
use mxlab::mua::{Credentials, Errand, Fetch, Protocol, Reader, Security, SendMail, Submission};
use mxlab::sim::{Duration, HostId, ProcId, Time};
use mxlab::trace::{Actor, Kind, Level};
use mxlab::world::{World, install_programs};

const MAIL: &str = "From alice@example.org  Sat Nov 21 12:00:00 2026\nSubject: one\n\n.dot\n\n\
                    From alice@example.org  Sat Nov 21 12:00:01 2026\nSubject: two\n\nbye\n\n";

fn host(world: &mut World, name: &str, addr: &str, users: &[(&str, &str)]) -> HostId {
    let mut spec = HostSpec::new(HostId(0), name, format!("{name}.example.org"), world.now());
    spec.addrs = vec![addr.parse().unwrap()];
    spec.users = users
        .iter()
        .map(|(user, password)| UserSpec {
            name: (*user).into(),
            password: Some((*password).to_owned()),
            ..UserSpec::default()
        })
        .collect();
    world.add_host(build(&spec).unwrap())
}

/// A mailbox server with two messages for bob, and his own computer.
fn two_hosts() -> (World, HostId, HostId) {
    let mut world = World::new(7, Time::parse("2026-11-21T12:00:00Z").unwrap(), Level::Full);
    let server = host(&mut world, "mail", "192.0.2.10", &[("bob", "secret")]);
    let client = host(&mut world, "pc", "192.0.2.20", &[("bob", "other")]);
    let owner = Cred { uid: 1000, gid: 8, groups: Vec::new() };
    let vfs = &mut world.host_mut(server).vfs;
    vfs.write("/var/mail/bob", MAIL, 0o660, &Cred::ROOT).unwrap();
    vfs.chown("/var/mail/bob", Some(owner.uid), Some(owner.gid), &Cred::ROOT).unwrap();
    vfs.mkdir_all("/etc/dovecot").unwrap();
    vfs.write("/etc/dovecot/dovecot.conf", "disable_plaintext_auth = no\n", 0o644, &Cred::ROOT).unwrap();
    world.start(server, Box::new(Dovecot::new()), Actor::Daemon);
    (world, server, client)
}

/// Runs a process until it has ended: exit status, output, and how many messages the mailbox has then.
fn finish(world: &mut World, client: HostId, server: HostId, proc: ProcId) -> (u8, String, usize) {
    let later = world.now() + Duration::from_secs(60);
    world.advance(later);
    let exit = world.exited(client, proc).expect("the program ended");
    let output = String::from_utf8_lossy(&[exit.stdout, exit.stderr].concat()).into_owned();
    let left = world.host(server).vfs.read_text("/var/mail/bob", &Cred::ROOT).unwrap_or_default();
    (exit.status, output, left.matches("From alice@").count())
}

/// Fetches once with a mail program.
fn fetch(protocol: Protocol, password: &str, keep: bool) -> (u8, String, usize, World) {
    let (mut world, server, client) = two_hosts();
    let login = Credentials { user: "bob".into(), password: password.into() };
    let errand = Errand { login, keep, all: true, security: Security::Plain };
    let fetch = Fetch { user: "bob".into(), server: "192.0.2.10".into(), protocol, errand };
    let proc = world.start(client, Box::new(Reader::new(fetch)), Actor::Scenario);
    let (status, output, left) = finish(&mut world, client, server, proc);
    (status, output, left, world)
}

#[test]
fn both_protocols_fetch_everything_and_delete_or_keep() {
    for protocol in [Protocol::Pop3, Protocol::Imap] {
        for (keep, left) in [(false, 0), (true, 2)] {
            let (status, output, after, world) = fetch(protocol, "secret", keep);
            assert_eq!((status, output.as_str(), after), (0, "2\n", left), "{protocol:?} keep {keep}");
            let pc = world.find("pc").unwrap();
            let inbox = world.host(pc).vfs.read_text("/home/bob/Mail/inbox", &Cred::ROOT).unwrap();
            assert!(inbox.contains("Subject: one\n\n.dot\n") && inbox.contains("Subject: two\n\nbye\n"), "{inbox}");
            let told = world.trace().iter().any(|event| matches!(&event.kind, Kind::MuaFetch { count: 2, .. }));
            assert!(told, "mua.fetch");
        }
    }
}

#[test]
fn a_wrong_password_fetches_nothing() {
    for protocol in [Protocol::Pop3, Protocol::Imap] {
        let (status, output, after, _) = fetch(protocol, "wrong", false);
        assert_eq!((status, after), (1, 2), "{protocol:?}");
        assert!(output.starts_with("Authorization failure on bob"), "{output}");
    }
}

#[test]
fn fetchmail_hands_mail_over_to_the_local_mta() {
    let sizes = [
        ("pop3", " (43 octets)", ["(22 octets)", "(21 octets)"]),
        ("imap", "", ["(16 header octets) (6 body octets)", "(16 header octets) (5 body octets)"]),
    ];
    for (protocol, size, each) in sizes {
        let (mut world, server, client) = two_hosts();
        install_programs(world.host_mut(client));
        let sink = world.start(client, Box::new(Sink::new("pc.example.org", &SinkScript::default())), Actor::Daemon);
        let rc = format!("poll 192.0.2.10 proto {protocol} user bob pass secret is bob here\n");
        world.host_mut(client).vfs.write("/root/.fetchmailrc", rc, 0o600, &Cred::ROOT).unwrap();
        let spawn = Spawn {
            command: Command::Shell("fetchmail".to_owned()),
            cred: Cred::ROOT,
            cwd: "/root".into(),
            env: vec![("HOME".into(), "/root".to_owned()), ("PATH".into(), "/usr/bin:/bin".to_owned())],
            umask: 0o022,
            stdin: Vec::new().into(),
            tty: false,
        };
        let proc = world.spawn(client, spawn.clone(), Actor::Student);
        let (status, output, left) = finish(&mut world, client, server, proc);
        let expect = format!(
            "2 messages for bob at 192.0.2.10{size}.\n\
             reading message bob@192.0.2.10:1 of 2 {} flushed\n\
             reading message bob@192.0.2.10:2 of 2 {} flushed\n",
            each[0], each[1]
        );
        assert_eq!((status, output, left), (0, expect, 0));
        let told = world.trace().iter().any(|event| matches!(&event.kind, Kind::MraPoll { count: 2, .. }));
        assert!(told, "mra.poll");
        let sink: &Sink = world.process(client, sink).and_then(|process| process.as_any().downcast_ref()).unwrap();
        let heard = sink.sessions().iter().flat_map(|session| &session.transcript).cloned().collect::<Vec<_>>();
        for line in [
            "C: Received: from 192.0.2.10 [192.0.2.10]".to_owned(),
            format!("C: \tby pc.example.org with {} (fetchmail-6.4.37)", protocol.to_uppercase()),
        ] {
            assert!(heard.contains(&line), "{line} in {heard:#?}");
        }
        let proc = world.spawn(client, spawn, Actor::Student);
        let (status, output, _) = finish(&mut world, client, server, proc);
        assert_eq!((status, output.as_str()), (1, "fetchmail: No mail for bob at 192.0.2.10\n"));
    }
}

#[test]
fn a_mail_program_submits_and_says_what_the_server_said() {
    for (reply, ok) in [(None, true), (Some("554 5.7.1 <bob@example.com>: Relay access denied"), false)] {
        let (mut world, server, client) = two_hosts();
        let replies = reply.map(|reply| SinkReply::Always(".".to_owned(), reply.to_owned())).into_iter().collect();
        let script = SinkScript { replies, ports: Some(vec![587]), ..SinkScript::default() };
        world.start(server, Box::new(Sink::new("mail.example.org", &script)), Actor::Daemon);
        let mail = SendMail {
            user: "bob".into(),
            from: "bob@example.org".into(),
            to: vec!["alice@example.org".into()],
            subject: "Hello".into(),
            body: "Hi".into(),
            server: "192.0.2.10".into(),
            ..SendMail::default()
        };
        let proc = world.start(client, Box::new(Submission::new(mail)), Actor::Scenario);
        let (status, output, _) = finish(&mut world, client, server, proc);
        assert_eq!((status == 0, output.trim_end()), (ok, reply.unwrap_or_default()));
        let told =
            world.trace().iter().any(|event| matches!(&event.kind, Kind::MuaSend { ok: sent, .. } if *sent == ok));
        assert!(told, "mua.send");
    }
}
